// Random valid schema texts, as untidy as the grammar allows: what the property tests of the schema room feed on.

import fc from 'fast-check'

/** Choices, one after the other; zero when they run out, so that shrinking leads to the plainest text. */
class Tape {
  readonly #choices: readonly number[]
  #at = 0

  constructor(choices: readonly number[]) {
    this.#choices = choices
  }

  /** 0 to `count - 1`. */
  below(count: number): number {
    return (this.#choices[this.#at++] ?? 0) % count
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === oneIn - 1
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!
  }
}

const caveats = [
  ['in_zone', 'zone string', 'zone == "utc"'],
  ['acme/small', 'count int, limit list<map<any>>', '{"a": count}.a < size(limit) || "}" == \'{\''],
  ['on_weekday', 'day string', 'day == "a \\"quoted\\" }" || day in [\n    "mo", // monday\n      "fr"\n  ]'],
] as const

interface Plan {
  readonly name: string
  readonly open: readonly string[]
  readonly closed: readonly string[]
  readonly permissions: readonly string[]
}

/** A text that compiles without problems. */
export function schemaTexts(): fc.Arbitrary<string> {
  return fc
    .array(fc.nat({ max: 9999 }), { maxLength: 600, size: 'max' })
    .map((choices) => new TextWriter(new Tape(choices)).write())
}

class TextWriter {
  readonly #tape: Tape
  #comment = 0

  constructor(tape: Tape) {
    this.#tape = tape
  }

  write(): string {
    const tape = this.#tape
    const usedCaveats = caveats.slice(0, tape.below(caveats.length + 1))
    const plans: Plan[] = Array.from({ length: 1 + tape.below(4) }, (_, index) => ({
      name: tape.chance(4) ? `acme/thing_${index}` : `thing_${index}`,
      open: tape.chance(3) ? ['public_reader'] : [],
      closed: Array.from({ length: tape.below(4) }, (_, each) => `relation_${each}`),
      permissions: Array.from({ length: tape.below(4) }, (_, each) => `permission_${each}`),
    }))
    const partial = tape.chance(3)
    const uses = ['use expiration', 'use self', ...(partial ? ['use partial'] : [])].map(
      (line) => `${line}${this.#space()}\n${this.#lines()}`,
    )
    const items = [
      ...usedCaveats.map(([name, parameters, expression]) => {
        const open = tape.pick(['(', '(\n', '( /* in */ '])
        return `caveat ${name}${this.#space()}${open}${parameters})${this.#space()}{${tape.pick(['\n  ', ' ', '\n\n\t'])}${expression}${tape.pick(['\n', ' '])}}`
      }),
      ...plans.map((plan) =>
        this.#definition(
          plan,
          plans,
          usedCaveats.map(([name]) => name),
          partial,
        ),
      ),
      ...(partial ? [`partial shared${this.#space()}{\nrelation shared_one: thing_0x\n}`] : []),
    ]
    const text = [...uses, ...items.map((item) => `${this.#lines()}${item}${this.#itemEnd()}`)].join('')
    return `${text.replaceAll('thing_0x', plans[0]!.name)}${this.#lines()}`
  }

  #definition(plan: Plan, plans: readonly Plan[], caveatNames: readonly string[], partial: boolean): string {
    const types = (wildcards: boolean) => this.#types(plans, caveatNames, wildcards)
    const relation = (name: string, wildcards: boolean) =>
      `relation${this.#gap()}${name}${this.#space()}:${this.#space()}${types(wildcards)}`
    const members = [
      ...plan.open.map((name) => relation(name, true)),
      ...plan.closed.map((name) => relation(name, false)),
      ...(partial && this.#tape.chance(2) ? [`...${this.#space()}shared`] : []),
      ...plan.permissions.map((name, index) => {
        const annotation = this.#tape.chance(4)
          ? `:${this.#space()}whatever${this.#space()}|${this.#breakable()}other`
          : ''
        const names = [...plan.open, ...plan.closed, ...plan.permissions.slice(0, index)]
        return `permission${this.#gap()}${name}${this.#space()}${annotation}${this.#space()}=${this.#breakable()}${this.#expression(names, plan.closed, 3)}`
      }),
    ]
    const body = members.map((member) => `${this.#lines()}${member}${this.#memberEnd(member)}`).join('')
    return `definition${this.#gap()}${plan.name}${this.#space()}{${this.#lines()}${body}${this.#lines()}}`
  }

  /** Distinct forms; relations without wildcards never refer to those with them. */
  #types(plans: readonly Plan[], caveatNames: readonly string[], wildcards: boolean): string {
    const forms = new Set<string>()
    for (let left = 1 + this.#tape.below(3); left > 0; left--) {
      const plan = this.#tape.pick(plans)
      const members = [...plan.closed, ...plan.permissions]
      const member = members.length > 0 && this.#tape.chance(2) ? `#${this.#tape.pick(members)}` : ''
      const subject = wildcards && this.#tape.chance(2) ? `${plan.name}:*` : `${plan.name}${member}`
      const traits = [
        ...(caveatNames.length > 0 && this.#tape.chance(3) ? [this.#tape.pick(caveatNames)] : []),
        ...(this.#tape.chance(4) ? ['expiration'] : []),
      ]
      forms.add(traits.length === 0 ? subject : `${subject} with ${traits.join(' and ')}`)
    }
    return [...forms].join(`${this.#space()}|${this.#breakable()}`)
  }

  #expression(names: readonly string[], walkable: readonly string[], depth: number): string {
    const tape = this.#tape
    const operand = () => this.#expression(names, walkable, depth - 1)
    const kind = depth === 0 ? tape.below(4) : tape.below(8)
    if (kind < 2 && names.length > 0) {
      // Alone it might be a permission that is only another name; that is fine, as names only refer backwards.
      return tape.pick(names)
    }
    if (kind === 2 && walkable.length > 0) {
      const relation = tape.pick(walkable)
      const target = tape.pick(['permission_0', 'relation_0', 'nowhere'])
      return tape.pick([
        `${relation}->${target}`,
        `${relation} ->${this.#space()}${target}`,
        `${relation}.any(${target})`,
        `${relation}.all(${this.#space()}${target})`,
      ])
    }
    if (kind <= 3) return tape.pick(['nil', 'self'])
    if (kind === 7) return `(${this.#space()}${operand()}${this.#space()})`
    const operator = ['+', '&', '-'][kind - 4]!
    const operands = Array.from({ length: 2 + tape.below(2) }, operand)
    return operands.join(`${this.#space()}${operator}${this.#breakable()}`)
  }

  /** Nothing, blanks, or a block comment: what may stand anywhere between tokens. */
  #space(): string {
    return this.#tape.pick(['', ' ', ' ', '', '\t', ` /* c${this.#comment++} */ `])
  }

  #gap(): string {
    return this.#tape.pick([' ', ' ', '\t ', ` /* c${this.#comment++} */ `])
  }

  /** Where a line may be broken: behind an operator. */
  #breakable(): string {
    return this.#tape.pick([' ', '', ' ', '\n', ` // c${this.#comment++}\n\t`, '\r\n   '])
  }

  /** Own lines between statements. */
  #lines(): string {
    return this.#tape.pick([
      '\n',
      '\n',
      '\n\n\n',
      `\n// c${this.#comment++}\n`,
      `\n/** c${this.#comment++} */\n`,
      `\n\t/* c${this.#comment++} */\n\n// c${this.#comment++}\r\n`,
      ` // c${this.#comment++}\n`,
      `\n/* c${this.#comment++}\n   * more of it\n */\n`,
      `\n/* c${this.#comment++}\n more of it */`,
    ])
  }

  #memberEnd(member: string): string {
    if (member.endsWith('...')) return ';'
    return this.#tape.pick([
      '\n',
      ';',
      ' ;\n',
      ';;\n',
      ` // c${this.#comment++}\n`,
      `; // c${this.#comment++}\n`,
      ` /* c${this.#comment++} */\n`,
    ])
  }

  #itemEnd(): string {
    return this.#tape.pick([
      '\n',
      '\n\n',
      '',
      ';',
      ` // c${this.#comment++}\n`,
      ` /* c${this.#comment++} */ `,
    ])
  }
}
