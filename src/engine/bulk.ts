// Bulk work: many questions of one call, each with limits of its own, those about one subject sharing what they find.

import { canonicalJson } from '../model/canonical-json.ts'
import type { Question } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import { Budget } from './budget.ts'
import { type FastPaths, memberOf } from './check.ts'
import { Conditions } from './conditions.ts'
import type { EngineLimits, Evaluation } from './engine.ts'
import { evaluationOf, type Work } from './paused-work.ts'
import { type Found, SharedReach } from './shared-reach.ts'
import { resolve } from './subject.ts'
import type { World } from './world.ts'

/** Fewer questions about one subject than this share nothing: making room for it would cost more than it saves. */
const minShared = 3
/** Atoms that the questions about one subject share before they are let go. */
const maxSharedAtoms = 200_000
/** Steps of one question between two looks at those of the whole call. */
const sliceSteps = 4096

/** A question of a bulk, with what there is to answer it. */
export interface BulkQuestion {
  readonly world: World
  readonly question: Question
  readonly nowMs: number
  readonly budget: Budget
  readonly paths: FastPaths
  /** Undefined when nobody else asks about the subject. */
  readonly shared: SharedSubject | undefined
}

/**
 * Answers in the order of the questions; equal ones are the same answer. `answer` yields whenever the question's
 * budget is spent; what it throws stands in the place of its answer alone.
 */
export function bulkOf<Value>(
  world: World,
  questions: readonly Question[],
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
  answer: (question: BulkQuestion) => Work<Value>,
): Evaluation<readonly (Value | CardeaError)[]> {
  const total = new Budget({ ...limits, maxSteps: Number.MAX_SAFE_INTEGER })

  function* one(question: Question, shared: SharedSubject | undefined): Work<Value | CardeaError> {
    const budget = new Budget(limits)
    try {
      const work = answer({ world, question, nowMs, budget, paths, shared })
      for (;;) {
        const before = budget.steps
        budget.resume(sliceSteps)
        const step = work.next()
        total.steps += 1 + budget.steps - before
        if (total.spent) yield
        if (step.done) return step.value
      }
    } catch (error) {
      return CardeaError.from(error)
    } finally {
      total.absorb(budget)
    }
  }

  function* all(): Work<readonly (Value | CardeaError)[]> {
    const subjectKeys = questions.map(subjectKeyOf)
    const counts = new Map<string, number>()
    for (const key of subjectKeys) counts.set(key, (counts.get(key) ?? 0) + 1)
    const subjects = new Map<string, SharedSubject>()
    const known = new Map<string, Value | CardeaError>()
    const answers: (Value | CardeaError)[] = []
    for (const [at, question] of questions.entries()) {
      const subjectKey = subjectKeys[at]!
      const { resource, permission } = question
      const key = `${resource.type}:${resource.id}#${permission}@${subjectKey}`
      let answered = known.get(key)
      if (answered === undefined) {
        let shared = subjects.get(subjectKey)
        if (shared === undefined && paths.reach && counts.get(subjectKey)! >= minShared) {
          shared = new SharedSubject(world, question, nowMs)
          subjects.set(subjectKey, shared)
        }
        answered = yield* one(question, shared)
        known.set(key, answered)
      }
      answers.push(answered)
    }
    return answers
  }

  return evaluationOf(total, all())
}

/** No two different subjects or contexts share a key: neither names nor ids have a colon, a number sign or a brace. */
function subjectKeyOf({ subject, context }: Question): string {
  const names = `${subject.type}:${subject.id}#${subject.relation}`
  return context === undefined ? names : `${names}${canonicalJson(context)}`
}

/** One subject with one context, and what is known of it. */
export class SharedSubject {
  readonly #world: World
  readonly #question: Question
  readonly #nowMs: number
  #reach: SharedReach | undefined

  /** `question`: any that asks about this subject in this context. */
  constructor(world: World, question: Question, nowMs: number) {
    this.#world = world
    this.#question = question
    this.#nowMs = nowMs
  }

  /** Whether the subject has the permission, by reachability; undefined when that can't be told so. */
  *find(question: Question, budget: Budget): Work<Found | undefined> {
    const { snapshot, plans } = this.#world
    const member = memberOf(plans, question.resource.type, question.permission)
    const { node, subject } = resolve(snapshot, plans, question.resource, question.subject)
    if (!member.monotone || subject.node <= 0) return undefined
    if (this.#reach === undefined || this.#reach.size > maxSharedAtoms) {
      const conditions = new Conditions(snapshot, plans, this.#question.context, this.#nowMs)
      this.#reach = new SharedReach(this.#world, subject, conditions, budget)
    }
    this.#reach.begin(node, member.id, budget)
    for (;;) {
      const found = this.#reach.run()
      if (found !== undefined) return found
      yield
    }
  }

  /** What proves the last answer, a yes; undefined when it is not known to be all needed. */
  proof(): ReturnType<SharedReach['path']> {
    return this.#reach?.path()
  }
}
