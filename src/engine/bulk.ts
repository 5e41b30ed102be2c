// Bulk work: many questions of one call, each with limits of its own, those about one subject sharing what they find.

import { canonicalJson } from '../model/canonical-json.ts'
import type { Question } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import type { ObjectKey } from '../store/store.ts'
import { Budget } from './budget.ts'
import { keysOf, timesOf } from './bulk-keys.ts'
import { type FastPaths, memberOf } from './check.ts'
import { Conditions } from './conditions.ts'
import type { EngineLimits, Evaluation } from './engine.ts'
import { evaluationOf, type Work } from './paused-work.ts'
import type { MemberPlan } from './plans.ts'
import { type Found, SharedReach } from './shared-reach.ts'
import { resolve, type Subject, unseenResource } from './subject.ts'
import type { World } from './world.ts'

/** Fewer questions about one subject than this share nothing. */
const minShared = 3
/** So many questions about one subject share from the first on: what they have in common is worth the room for it. */
const manyShared = 48
/** Atoms that the questions about one subject share before they are let go. */
const maxSharedAtoms = 200_000
/** Steps of one question between two looks at those of the whole call. */
const sliceSteps = 4096

/** How the questions of one kind of bulk are answered. */
export interface BulkAnswers<Value> {
  /** By what reachability told; undefined when that is not enough. */
  byReach(found: Found, question: Question, shared: SharedSubject): Value | undefined
  /** By itself. Keys are 0 for objects that the graph has never seen. */
  evaluation(
    question: Question,
    budget: Budget,
    resourceKey: ObjectKey,
    subjectKey: ObjectKey,
  ): Evaluation<Value>
  /** As in {@link FastPaths}. */
  readonly stepsApart: number
  /** As in {@link FastPaths}, for reachability that is shared. Infinity where proofs are wanted. */
  readonly wideRows: number
}

/**
 * Answers in the order of the questions. What making or running one's evaluation throws stands in the place of its
 * answer alone.
 */
export function bulkOf<Value>(
  world: World,
  questions: readonly Question[],
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
  { byReach, evaluation, stepsApart, wideRows }: BulkAnswers<Value>,
): Evaluation<readonly (Value | CardeaError)[]> {
  const total = new Budget({ ...limits, maxSteps: Number.MAX_SAFE_INTEGER })

  /** A slice of one question's work, which counts for the whole. */
  function slice<Part>(work: Pick<Evaluation<Part>, 'run'>, budget: Budget): Part | undefined {
    const before = budget.steps
    const end = work.run(sliceSteps)
    total.steps += 1 + budget.steps - before
    return end
  }

  function* furtherSlices<Part>(work: Pick<Evaluation<Part>, 'run'>, budget: Budget): Work<Part> {
    for (;;) {
      if (total.spent) yield
      const end = slice(work, budget)
      if (end !== undefined) return end
    }
  }

  function* all(): Work<readonly (Value | CardeaError)[]> {
    const { resources, subjects } = keysOf(world.snapshot, questions)
    const asking = paths.reach ? subjectsOf(world, questions, subjects, nowMs, stepsApart, wideRows) : []
    const answers: (Value | CardeaError)[] = []
    // One after the other has it to itself.
    const budget = new Budget(limits)
    for (let at = 0; at < questions.length; at += 1) {
      const question = questions[at]!
      const shared = asking[at]
      budget.renew()
      try {
        let answer: Value | undefined
        if (shared?.begin(question, resources[at]!, budget)) {
          const found = slice(shared, budget) ?? (yield* furtherSlices(shared, budget))
          answer = byReach(found, question, shared)
        }
        if (answer === undefined) {
          const work = evaluation(question, budget, resources[at]!, subjects[at]!)
          answer = slice(work, budget) ?? (yield* furtherSlices(work, budget))
          if (shared !== undefined) shared.stepsApart -= budget.steps
        }
        answers.push(answer)
      } catch (error) {
        answers.push(CardeaError.from(error))
      }
      total.absorb(budget)
      if (total.spent) yield
    }
    return answers
  }

  return evaluationOf(total, all())
}

/** By question: its subject in its context, where enough others ask about the same object. */
function subjectsOf(
  world: World,
  questions: readonly Question[],
  keys: Int32Array,
  nowMs: number,
  stepsApart: number,
  wideRows: number,
): readonly (SharedSubject | undefined)[] {
  const times = timesOf(keys)
  if (!times.some((count) => count >= minShared)) return []
  const byKey = new Map<ObjectKey, SharedSubject[]>()
  return questions.map((question, at) => {
    if (times[at]! < minShared) return undefined
    const key = keys[at]!
    const known = byKey.get(key)
    let subject = known?.find((other) => other.isOf(question))
    if (subject === undefined) {
      const apart = times[at]! < manyShared ? stepsApart : 0
      subject = new SharedSubject(world, question, nowMs, apart, wideRows)
      if (known === undefined) byKey.set(key, [subject])
      else known.push(subject)
    }
    return subject
  })
}

/** One subject with one context, and what is known of it. */
export class SharedSubject {
  /** Steps that questions are still to take by themselves, before room is made for what they share. */
  stepsApart: number
  readonly #world: World
  readonly #question: Question
  readonly #nowMs: number
  readonly #wideRows: number
  #contextText: string | undefined
  /** The subject in the graph, to any resource: an unknown one is not looked for here. */
  #subject: Subject | undefined
  #reach: SharedReach | undefined
  /** Of the last question: nearly all ask about the same permission. */
  #member: MemberPlan | undefined
  #budget: Budget | undefined

  /** `question`: any that asks about this subject in this context. */
  constructor(world: World, question: Question, nowMs: number, stepsApart: number, wideRows: number) {
    this.#world = world
    this.#question = question
    this.#nowMs = nowMs
    this.stepsApart = stepsApart
    this.#wideRows = wideRows
  }

  /** Whether a question about the same object asks about this subject, in the same context. */
  isOf({ subject, context }: Question): boolean {
    const { subject: known, context: knownContext } = this.#question
    if (subject.relation !== known.relation) return false
    if (context === knownContext) return true
    if (context === undefined || knownContext === undefined) return false
    this.#contextText ??= canonicalJson(knownContext)
    return canonicalJson(context) === this.#contextText
  }

  /** Begins to look whether the subject has the permission, by reachability; false when that can't be told so, or not yet. */
  begin({ resource, permission }: Question, resourceKey: ObjectKey, budget: Budget): boolean {
    if (this.stepsApart > 0) return false
    const { snapshot, plans } = this.#world
    const { type } = resource
    if (this.#member?.type !== type || this.#member.name !== permission)
      this.#member = memberOf(plans, type, permission)
    this.#subject ??= resolve(snapshot, plans, undefined, this.#question.subject).subject
    if (!this.#member.monotone || this.#subject.node <= 0) return false
    if (this.#reach === undefined || this.#reach.size > maxSharedAtoms) {
      const conditions = new Conditions(snapshot, plans, this.#question.context, this.#nowMs)
      this.#reach = new SharedReach(this.#world, this.#subject, conditions, budget, this.#wideRows)
    }
    this.#reach.begin(resourceKey === 0 ? unseenResource : resourceKey, this.#member.id, budget)
    this.#budget = budget
    return true
  }

  /** What was found; undefined when it takes longer: call again. */
  run(maxSteps: number): Found | undefined {
    this.#budget!.resume(maxSteps)
    return this.#reach!.run()
  }

  /** What proves the last answer, a yes; undefined when it is not known to be all needed. */
  proof({ resource }: Question): ReturnType<SharedReach['path']> {
    return this.#reach?.path(resource)
  }
}
