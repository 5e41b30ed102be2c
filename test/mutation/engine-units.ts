// Random cases as units: every question of the engine, with fast paths and without, in steps and pages of any size.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { Engine, Evaluation, FoundSubjects } from '../../src/engine/engine.ts'
import type { FoundObject } from '../../src/engine/found-objects.ts'
import { compilePlans } from '../../src/engine/plans.ts'
import type { World } from '../../src/engine/world.ts'
import { CardeaError } from '../../src/model/errors.ts'
import { drain, drainObjects, finish, itemOf, say, worldOf } from '../property/cardea-systems.ts'
import { judgeEvidence, judgeExplanation } from '../property/judge-explanation.ts'
import { monotone } from '../property/monotone.ts'
import { randomCases, referenceOf } from '../property/run-cases.ts'
import { judge } from '../reference/compare.ts'
import { reach } from '../reference/dependencies.ts'
import type { ReferenceEvaluator } from '../reference/evaluator.ts'
import type { Case } from '../reference/generate.ts'
import type { Complaint } from '../reference/judge.ts'
import {
  type AnyQuestion,
  type CheckQuestion,
  checksOf,
  expansionsOf,
  resourceLookupsOf,
  type Said,
  subjectLookupsOf,
} from '../reference/questions.ts'
import type { Unit } from './units.ts'

const caseCount = 40
/** Cases that reachability alone answers: checks and evidence only. */
const monotoneCount = 16

/** Where the answers of the sources without faults are kept between processes; set before any unit runs. */
let answersFolder = ''
let mode: 'judge' | 'keep' | 'verify' = 'judge'

/** `keep`: write the answers down, `verify`: after the reference evaluator agreed to each; `judge`: compare with them. */
export function keepAnswersIn(folder: string, how: typeof mode): void {
  answersFolder = folder
  mode = how
}

interface Asking<Question> {
  readonly name: string
  readonly questions: readonly Question[]
  /** What is said to each question, in order. */
  ask(world: World, questions: readonly Question[], nowMs: number): Promise<readonly Said<unknown>[]>
  complain(reference: ReferenceEvaluator, question: Question, said: Said<unknown>): Complaint
}

export function engineUnits(): Unit[] {
  const reachable = randomCases(monotoneCount, 970).flatMap((each) => monotone(each) ?? [])
  return [
    ...randomCases(caseCount, 900).flatMap((each, number) => unitsOf(each, number, askingsOf(each, number))),
    ...reachable.flatMap((each, at) => unitsOf(each, caseCount + at, reachAskingsOf(each, at))),
  ]
}

function unitsOf(each: Case, number: number, askings: readonly Asking<never>[]): Unit[] {
  let world: Promise<World> | undefined
  let reference: ReferenceEvaluator | undefined
  const load = () => (world ??= worldOf(each))
  return askings.map(({ name, questions, ask, complain }): Unit => {
    const unit = `case ${number}: ${name}`
    let kept: readonly string[] | undefined
    return {
      name: unit,
      async prepare() {
        await load()
      },
      async run() {
        if (questions.length === 0) return
        const { snapshot } = await load()
        const answers = await ask({ snapshot, plans: compilePlans(each.schema) }, questions, each.nowMs)
        const texts = answers.map((answer) => JSON.stringify(answer))
        const path = join(answersFolder, `${number}-${name.replaceAll(/\W+/g, '-')}.json`)
        if (mode === 'keep') return writeFileSync(path, JSON.stringify(texts))
        if (mode === 'judge') kept ??= existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : []
        for (const [at, question] of questions.entries()) {
          if (mode === 'judge' && texts[at] === kept?.[at]) continue
          reference ??= referenceOf(each)
          const complaint = complain(reference, question, answers[at]!)
          if (complaint !== undefined) throw new Error(`${unit}: ${JSON.stringify(question)}: ${complaint}`)
        }
        if (mode === 'verify') writeFileSync(path, JSON.stringify(texts))
      },
    }
  })
}

function askingsOf(each: Case, number: number): Asking<never>[] {
  const turn = number % 2 === 0
  const fast = createEngine({}, { reach: true, stepsApart: 0 })
  const general = createEngine({}, { reach: false })
  const checks = some(checksOf(each), 260, number)
  const resources = some(resourceLookupsOf(each), 120, number)
  const subjects = some(subjectLookupsOf(each), 110, number)
  const finite = expansionsOf(each).filter(
    ({ resource, permission }) => !reach(each, [{ object: resource, name: permission }]).cyclic,
  )
  const all: Asking<never>[] = []
  const add = <Question extends AnyQuestion>(
    name: string,
    questions: readonly Question[],
    answer: (world: World, question: Question, nowMs: number) => unknown,
    complain: (reference: ReferenceEvaluator, question: Question, said: Said<unknown>) => Complaint = exactly,
  ) => {
    const ask = async (world: World, asked: readonly Question[], nowMs: number) => {
      const said: Said<unknown>[] = []
      for (const question of asked) said.push(await say(() => answer(world, question, nowMs)))
      return said
    }
    all.push({ name, questions, ask, complain } as Asking<unknown> as Asking<never>)
  }

  for (const [name, engine] of [['fast', fast] as const, ['general', general] as const]) {
    add(`check, ${name}`, checks, (world, question, nowMs) =>
      finish(engine.check(world, question, nowMs), 1_000_000),
    )
    all.push(bulkOf(name, checks, engine), evidenceOf(name, each, some(checks, 30, number), engine))
    add(
      `lookup of subjects, ${name}`,
      some(subjects, turn === (name === 'fast') ? 110 : 30, number),
      (world, question, nowMs) =>
        ascending(drain(engine.lookupSubjects(world, question, nowMs), 1_000_000, 1_000_000)).map(itemOf),
    )
  }
  const wide = createEngine({}, { reach: true, stepsApart: 0, wideRows: 1 })
  add('check, every list wide', checks, (world, question, nowMs) =>
    finish(wide.check(world, question, nowMs), turn ? 1 : 1_000_000),
  )
  add('lookup of subjects, every list wide', some(subjects, 20, number), (world, question, nowMs) =>
    ascending(drain(wide.lookupSubjects(world, question, nowMs), 1_000_000, 1_000_000)).map(itemOf),
  )
  const small = turn ? fast : general
  add('check, in steps', some(checks, 50, number), (world, question, nowMs) =>
    finish(small.check(world, question, nowMs), 1),
  )
  add('lookup of resources', resources, (world, question, nowMs) =>
    ascending(drainObjects(fast.lookupResources(world, question, nowMs), 1_000_000, 1_000_000)),
  )
  add('lookup of resources, in steps', some(resources, 40, number + 1), (world, question, nowMs) =>
    ascending(drainObjects(fast.lookupResources(world, question, nowMs), 1, 1)),
  )
  add('lookup of subjects, in steps', some(subjects, 25, number + 1), (world, question, nowMs) =>
    ascending(drain(small.lookupSubjects(world, question, nowMs), 7, 2)).map(itemOf),
  )
  add('lookup of resources, page by page', some(resources, 40, number + 2), (world, question, nowMs) =>
    pages((afterKey) =>
      drainObjects(fast.lookupResources(world, { ...question, ...afterKey }, nowMs), 1_000_000, 1_000_000),
    ),
  )
  add('lookup of subjects, page by page', some(subjects, 25, number + 2), (world, question, nowMs) =>
    pages((afterKey) =>
      drain(small.lookupSubjects(world, { ...question, ...afterKey }, nowMs), 1_000_000, 1_000_000),
    ).map(itemOf),
  )
  add('expand', some(finite, 60, number), (world, question, nowMs) =>
    finish(fast.expand(world, question, nowMs), turn ? 1 : 1_000_000),
  )
  add(
    'explain',
    some(checks, 24, number + 1),
    (world, question, nowMs) => finish(fast.explain(world, question, nowMs), turn ? 1 : 1000),
    (_, question: CheckQuestion, said) => judgeExplanation(each, question, said as never),
  )
  return all
}

function exactly(reference: ReferenceEvaluator, question: AnyQuestion, said: Said<unknown>): Complaint {
  return judge(reference, question, said, 'exact')
}

/** Checks, one by one and in bulk, and what they rest on, where nothing takes away. */
function reachAskingsOf(each: Case, at: number): Asking<never>[] {
  const checks = some(checksOf(each), 400, at)
  const fast = createEngine({}, { reach: true, stepsApart: 0 })
  const wide = createEngine({}, { reach: true, stepsApart: 0, wideRows: 1 })
  const asked = (name: string, engine: Engine<World>, steps: number): Asking<never> => {
    const asking: Asking<CheckQuestion> = {
      name,
      questions: checks,
      async ask(world, questions, nowMs) {
        const said: Said<unknown>[] = []
        for (const question of questions)
          said.push(await say(() => finish(engine.check(world, question, nowMs), steps)))
        return said
      },
      complain: exactly,
    }
    return asking as Asking<unknown> as Asking<never>
  }
  return [
    asked('check, monotone', fast, 1),
    asked('check, monotone, every list wide', wide, at % 2 === 0 ? 1 : 1_000_000),
    bulkOf('monotone', checks, fast),
    evidenceOf('monotone', each, some(checks, 120, at), fast),
  ]
}

function bulkOf(name: string, checks: readonly CheckQuestion[], engine: Engine<World>): Asking<never> {
  return atOnce(`bulk check, ${name}`, checks, engine.checkBulk, exactly)
}

function evidenceOf(
  name: string,
  each: Case,
  checks: readonly CheckQuestion[],
  engine: Engine<World>,
): Asking<never> {
  return atOnce(`bulk evidence, ${name}`, checks, engine.evidenceBulk, (_, question, said) =>
    judgeEvidence(each, question, said as never),
  )
}

/** All questions in one call. */
function atOnce(
  name: string,
  checks: readonly CheckQuestion[],
  answer: (
    world: World,
    questions: readonly CheckQuestion[],
    nowMs: number,
  ) => Evaluation<readonly unknown[]>,
  complain: Asking<CheckQuestion>['complain'],
): Asking<never> {
  const asking: Asking<CheckQuestion> = {
    name,
    questions: checks,
    async ask(world, questions, nowMs) {
      return finish(answer(world, questions, nowMs), 100).map((answer): Said<unknown> => {
        if (!(answer instanceof CardeaError)) return { value: answer }
        if (answer.code === 'INTERNAL') throw answer
        return { error: answer.code }
      })
    },
    complain,
  }
  return asking as Asking<unknown> as Asking<never>
}

/** Fails unless keys ascend (objects that the graph does not know, key 0, come one at a time). */
function ascending<Found extends FoundObject | FoundSubjects>(found: Found[]): Found[] {
  for (const [at, { key }] of found.entries()) {
    if (at > 0 && key <= found[at - 1]!.key) throw new Error(`Key ${key} behind key ${found[at - 1]!.key}.`)
  }
  return found
}

/** The first result of each page, page after page. */
function pages<Found extends FoundObject | FoundSubjects>(
  after: (request: { afterKey?: number }) => Found[],
): Found[] {
  const found: Found[] = []
  for (
    let page = after({});
    page.length > 0 && found.length < 200;
    page = after({ afterKey: page[0]!.key })
  ) {
    found.push(page[0]!)
  }
  return ascending(found)
}

/** At most `count` of the items, evenly spread. */
function some<Item>(items: readonly Item[], count: number, salt: number): Item[] {
  const step = Math.max(1, Math.ceil(items.length / count))
  return items.filter((_, at) => (at + salt) % step === 0)
}
