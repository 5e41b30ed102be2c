// One run: each case is put to SpiceDB and to Cardea, each answer is judged, each difference made small and reported.

import fc from 'fast-check'
import { judgeByTable } from '../reference/caveat-tables.ts'
import { ask, judge, type Rigour } from '../reference/compare.ts'
import { ReferenceEvaluator } from '../reference/evaluator.ts'
import { type Case, caseArbitrary } from '../reference/generate.ts'
import { type Asked, minimise } from '../reference/minimise.ts'
import { type AnyQuestion, describeCase, describeQuestion, type Said } from '../reference/questions.ts'
import type { System } from '../reference/system.ts'
import { Coverage } from './coverage.ts'
import { explain } from './differences.ts'
import { excludesSomebody, reachOf, selectQuestions } from './select-questions.ts'
import { randomFrom } from './shuffle.ts'

/** Longest path of nodes on which SpiceDB, which gives up after 50 hops, is asked at all. */
const maxPeerDepth = 40

/** Every how many-th check is also asked on its own: it takes another way through both systems than a bulk check. */
const singleCheckEvery = 6

/** SpiceDB's answer depends on chance where data is cyclic or near its depth limit: the reference alone judges there. */
function isDetermined(each: Case, question: AnyQuestion): boolean {
  const { cyclic, depth } = reachOf(each, question)
  return !cyclic && depth <= maxPeerDepth
}

function referenceOf(each: Case): ReferenceEvaluator {
  return new ReferenceEvaluator({ ...each, judgeCaveat: judgeByTable })
}

export class Run {
  readonly coverage = new Coverage()
  /** Unexplained differences so far. */
  found = 0
  private readonly seed: number
  private readonly kinds: readonly AnyQuestion['kind'][]
  private readonly peer: System
  private readonly cardea: System

  constructor(seed: number, kinds: readonly AnyQuestion['kind'][], peer: System, cardea: System) {
    this.seed = seed
    this.kinds = kinds
    this.peer = peer
    this.cardea = cardea
  }

  async close(): Promise<void> {
    await Promise.all([this.peer.close(), this.cardea.close()])
  }

  /** The case at an index of the seed, always the same one. */
  async case(index: number): Promise<void> {
    const each = fc.sample(caseArbitrary(), { seed: this.seed * 100_003 + index, numRuns: 1 })[0]!
    const reference = referenceOf(each)
    await this.peer.load(each)
    await this.cardea.load(each)
    this.coverage.countCase()

    const selected = selectQuestions(each, reference, randomFrom(this.seed + index))
    for (const check of selected.checks) this.coverage.countCheck(check.class)
    const questions = [
      ...selected.checks.map(({ question }) => question),
      ...selected.resources,
      ...selected.subjects,
      ...selected.expansions,
    ].filter(({ kind }) => this.kinds.includes(kind))
    for (const question of questions) this.coverage.countReached(each, question, reachOf(each, question))
    for (const question of questions) {
      if (question.kind === 'lookup-subjects' && excludesSomebody(reference, question)) {
        this.coverage.count('feature excluded subjects')
      }
    }
    const determined = questions.filter((question) => isDetermined(each, question))
    this.coverage.count('judged by the reference alone', questions.length - determined.length)
    // The tree of a cycle has no end, so there is nothing to compare.
    const finite = questions.filter((question) => question.kind !== 'expand' || isDetermined(each, question))

    await this.judgeAll(index, this.cardea, each, reference, finite, 'exact')
    await this.judgeAll(index, this.peer, each, reference, determined, 'meaning')
  }

  private async judgeAll(
    index: number,
    system: System,
    each: Case,
    reference: ReferenceEvaluator,
    questions: readonly AnyQuestion[],
    rigour: Rigour,
  ): Promise<void> {
    for (const [question, answers] of await this.askAll(system, questions)) {
      for (const said of answers) {
        const complaint = judge(reference, question, said, rigour)
        if (complaint === undefined) continue
        const explained =
          rigour === 'meaning' && (await explain({ case: each, reference, question, said, peer: this.peer }))
        if (explained) this.coverage.count(`explained: ${explained}`)
        else await this.report(index, system, { case: each, question }, complaint, rigour)
      }
    }
  }

  /** What a system says to each question, in every way in which it was asked. */
  private async askAll(
    system: System,
    questions: readonly AnyQuestion[],
  ): Promise<Map<AnyQuestion, Said<unknown>[]>> {
    const checks = questions.filter((question) => question.kind === 'check')
    const bulk = await system.checkBulk(checks)
    const said = new Map<AnyQuestion, Said<unknown>[]>()
    for (const [at, check] of checks.entries()) {
      said.set(check, at % singleCheckEvery === 0 ? [bulk[at]!, await system.check(check)] : [bulk[at]!])
    }
    for (const question of questions) {
      if (question.kind !== 'check') said.set(question, [await ask(system, question)])
    }
    return said
  }

  private async report(
    index: number,
    system: System,
    asked: Asked,
    complaint: string,
    rigour: Rigour,
  ): Promise<void> {
    this.found += 1
    console.log(`\nDIFFERENCE ${this.found}: --seed ${this.seed} --first ${index} --cases 1`)
    console.log(`${system.name}: ${describeQuestion(asked.question)}\n  ${complaint}`)
    const complain = async ({ case: each, question }: Asked) => {
      if (rigour === 'meaning' && !isDetermined(each, question)) return undefined
      await system.load(each)
      const said = await ask(system, question)
      const reference = referenceOf(each)
      const statement = { case: each, reference, question, said, peer: this.peer }
      if (rigour === 'meaning' && (await explain(statement)) !== undefined) return undefined
      return judge(reference, question, said, rigour)
    }
    const smallest = await minimise(asked, async (candidate) => (await complain(candidate)) !== undefined)
    const again = await complain(smallest)
    console.log(again === undefined ? 'Not repeatable on its own; the whole case:' : 'Smallest case:')
    console.log(describeCase(smallest.case))
    console.log(`${describeQuestion(smallest.question)}\n  ${again ?? complaint}`)
    await system.load(asked.case)
  }
}
