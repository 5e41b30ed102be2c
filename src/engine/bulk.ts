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
  /** Undefined when hardly anybody else asks about the subject. */
  readonly shared: SharedSubject | undefined
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
  evaluationFor: (question: BulkQuestion) => Evaluation<Value>,
): Evaluation<readonly (Value | CardeaError)[]> {
  const total = new Budget({ ...limits, maxSteps: Number.MAX_SAFE_INTEGER })

  function* all(): Work<readonly (Value | CardeaError)[]> {
    const asking = paths.reach ? subjectsOf(world, questions, nowMs) : []
    const answers: (Value | CardeaError)[] = []
    for (let at = 0; at < questions.length; at += 1) {
      const budget = new Budget(limits)
      const asked = asking[at]
      const shared = asked !== undefined && asked.questions >= minShared ? asked : undefined
      try {
        const question = questions[at]!
        const evaluation = evaluationFor({ world, question, nowMs, budget, paths, shared })
        for (;;) {
          const before = budget.steps
          const answer = evaluation.run(sliceSteps)
          total.steps += 1 + budget.steps - before
          if (total.spent) yield
          if (answer === undefined) continue
          answers.push(answer)
          break
        }
      } catch (error) {
        answers.push(CardeaError.from(error))
      }
      total.absorb(budget)
    }
    return answers
  }

  return evaluationOf(total, all())
}

/** By question: its subject in its context. */
function subjectsOf(world: World, questions: readonly Question[], nowMs: number): SharedSubject[] {
  const byId = new Map<string, SharedSubject[]>()
  return questions.map((question) => {
    const { id } = question.subject
    const known = byId.get(id)
    let subject = known?.find((other) => other.isOf(question))
    if (subject === undefined) {
      subject = new SharedSubject(world, question, nowMs)
      if (known === undefined) byId.set(id, [subject])
      else known.push(subject)
    }
    subject.questions += 1
    return subject
  })
}

/** One subject with one context, and what is known of it. */
export class SharedSubject {
  /** How many questions ask about it. */
  questions = 0
  readonly #world: World
  readonly #question: Question
  readonly #nowMs: number
  #contextText: string | undefined
  #reach: SharedReach | undefined

  /** `question`: any that asks about this subject in this context. */
  constructor(world: World, question: Question, nowMs: number) {
    this.#world = world
    this.#question = question
    this.#nowMs = nowMs
  }

  /** Whether a question with a subject of the same id asks about this one, in the same context. */
  isOf({ subject, context }: Question): boolean {
    const { subject: known, context: knownContext } = this.#question
    if (subject.type !== known.type || subject.relation !== known.relation) return false
    if (context === knownContext) return true
    if (context === undefined || knownContext === undefined) return false
    this.#contextText ??= canonicalJson(knownContext)
    return canonicalJson(context) === this.#contextText
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
