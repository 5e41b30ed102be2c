// Counts what a run covered and says whether that is enough.

import type { CaveatType } from '../../src/model/schema.ts'
import type { Feature, Reached } from '../reference/dependencies.ts'
import type { Case } from '../reference/generate.ts'
import type { AnyQuestion } from '../reference/questions.ts'
import type { Class } from './select-questions.ts'

const classes: readonly Class[] = ['yes', 'no by operator', 'no path', 'conditional', 'undecided']
export const features: readonly (Feature | 'excluded subjects')[] = [
  'union',
  'intersection',
  'exclusion',
  'arrow ->',
  'arrow .any',
  'arrow .all',
  'nil',
  'self',
  'userset',
  'wildcard',
  'caveat',
  'expiration',
  'excluded subjects',
]
export const caveatTypes: readonly CaveatType['name'][] = [
  'any',
  'bool',
  'string',
  'int',
  'uint',
  'double',
  'bytes',
  'duration',
  'timestamp',
  'ipaddress',
  'list',
  'map',
]

/** Shares of the checks that must be reached, in percent. */
const leastShares: readonly [Class, number][] = [
  ['yes', 20],
  ['no by operator', 20],
  ['conditional', 10],
]
/** Questions per 2,000 cases in which each feature and each caveat type must have been reached. */
const leastPer2000Cases = 100

export class Coverage {
  private readonly counts = new Map<string, number>()
  private cases = 0

  count(name: string, more = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + more)
  }

  countCase(): void {
    this.cases += 1
  }

  countCheck(of: Class): void {
    this.count('checks')
    this.count(`check ${of}`)
  }

  /** Features and caveat types among all that the question's answer can depend on. */
  countReached(each: Case, question: AnyQuestion, reached: Reached): void {
    this.count(`question ${question.kind}`)
    for (const feature of reached.features) this.count(`feature ${feature}`)
    const types = new Set<string>()
    for (const { caveat } of reached.rows) {
      const parameters = caveat === undefined ? [] : each.schema.caveats.get(caveat.name)!.parameters.values()
      for (const type of parameters) types.add(type.name)
    }
    for (const type of types) this.count(`type ${type}`)
  }

  /** The histogram as lines of text. */
  report(): string {
    const checks = this.of('checks')
    const shares = classes.map((name) => line(`check: ${name}`, this.of(`check ${name}`), checks))
    const kinds = [...this.counts.keys()].filter((name) => name.startsWith('question ')).sort()
    const rest = [...this.counts.keys()].filter(
      (name) => !/^(check|question|feature|type) |^checks$/.test(name),
    )
    return [
      `cases: ${this.cases}`,
      ...kinds.map((name) => line(name, this.of(name))),
      ...shares,
      ...features.map((name) => line(`feature: ${name}`, this.of(`feature ${name}`))),
      ...caveatTypes.map((name) => line(`caveat type: ${name}`, this.of(`type ${name}`))),
      ...rest.sort().map((name) => line(name, this.of(name))),
    ].join('\n')
  }

  /** What was covered too little, in words; nothing when all is well. */
  gaps(): string[] {
    const checks = this.of('checks')
    const least = (leastPer2000Cases * this.cases) / 2000
    const thin = [
      ...features.map((name) => [`feature ${name}`, name] as const),
      ...caveatTypes.map((name) => [`type ${name}`, `caveat type ${name}`] as const),
    ].filter(([key]) => this.of(key) < least)
    const rare = leastShares.filter(([name, percent]) => this.of(`check ${name}`) * 100 < checks * percent)
    return [
      ...thin.map(([, name]) => `${name}: fewer than ${Math.ceil(least)} questions`),
      ...rare.map(([name, percent]) => `checks answered ${name}: below ${percent} %`),
    ]
  }

  private of(name: string): number {
    return this.counts.get(name) ?? 0
  }
}

function line(name: string, count: number, of?: number): string {
  const share = of === undefined || of === 0 ? '' : `  ${((100 * count) / of).toFixed(1).padStart(5)} %`
  return `${name.padEnd(44)}${String(count).padStart(8)}${share}`
}
