// Check: one question, by reach where that can answer, by the solver where it cannot.

import type { Answer, Question } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import { Budget } from './budget.ts'
import { Conditions } from './conditions.ts'
import type { EngineLimits, Evaluation, WidestNode } from './engine.ts'
import type { Work } from './paused-work.ts'
import type { MemberPlan, Plans } from './plans.ts'
import { Reach } from './reach.ts'
import { Solver } from './solver.ts'
import { resolve, type Subject } from './subject.ts'
import { no, type Truth, type Truths, yes } from './truth.ts'
import type { World } from './world.ts'

/** Paths that can be turned off, so that tests can compare what they answer with the general one. */
export interface FastPaths {
  /** Answer monotone members by reachability. Default true. */
  readonly reach: boolean
  /** Lists of at least this many usersets are looked at from the subject's side, where that is shorter. Default 16. */
  readonly wideRows: number
  /**
   * Steps that a bulk's questions about one subject take by themselves before they share what they find, unless they are
   * many from the start. Default 1000.
   */
  readonly stepsApart: number
  /** Lookups of resources take rows without traits many at a time. Default true. */
  readonly runs: boolean
}

export const defaultFastPaths: FastPaths = Object.freeze({
  reach: true,
  wideRows: 16,
  stepsApart: 1000,
  runs: true,
})

export const has: Answer = { permissionship: 'has', missing: [] }
export const hasNot: Answer = { permissionship: 'no', missing: [] }

/** The answer for a truth; throws the error on which it depends. */
export function answerOf(truth: Truth, truths: Truths): Answer {
  if (truth === yes) return has
  return truth === no ? hasNot : { permissionship: 'conditional', missing: truths.missingNames(truth) }
}

/** The member asked about. The authorizer has checked that it exists; UNKNOWN_RELATION_OR_PERMISSION if it did not. */
export function memberOf(plans: Plans, type: string, name: string): MemberPlan {
  const member = plans.find(type, name)
  if (member !== undefined) return member
  throw new CardeaError(
    'UNKNOWN_RELATION_OR_PERMISSION',
    `Definition ${JSON.stringify(type)} has no relation or permission ${JSON.stringify(name)}.`,
    { definition_name: type, relation_or_permission_name: name },
  )
}

export function check(
  world: World,
  question: Question,
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
): Evaluation<Answer> {
  return new Check(world, question, nowMs, new Budget(limits), paths)
}

/** The objects of a question, and the conditions of another one in the same context at the same instant. */
export interface KnownOfCheck {
  readonly node: number
  readonly subject: Subject
  readonly conditions: Conditions | undefined
}

/** One check under way: reach first, then, where that cannot decide, the solver. */
export class Check implements Evaluation<Answer> {
  readonly #world: World
  readonly #budget: Budget
  readonly #node: number
  readonly #member: MemberPlan
  readonly #subject: Subject
  readonly #conditions: Conditions
  #reach: Reach | undefined
  #solving: Work<Truth> | undefined
  #answer: Answer | undefined

  /** `known`: what of the question has been looked up before. */
  constructor(
    world: World,
    question: Question,
    nowMs: number,
    budget: Budget,
    paths: FastPaths,
    known?: KnownOfCheck,
  ) {
    const { snapshot, plans } = world
    this.#world = world
    this.#budget = budget
    this.#member = memberOf(plans, question.resource.type, question.permission)
    const { node, subject } = known ?? resolve(snapshot, plans, question.resource, question.subject)
    this.#node = node
    this.#subject = subject
    this.#conditions = known?.conditions ?? new Conditions(snapshot, plans, question.context, nowMs)
    if (paths.reach && this.#member.monotone) {
      this.#reach = Reach.begin(
        world,
        node,
        this.#member.id,
        subject,
        this.#conditions,
        budget,
        paths.wideRows,
      )
    }
  }

  get steps(): number {
    return this.#budget.steps
  }

  get widest(): WidestNode | undefined {
    return this.#budget.widest
  }

  run(maxSteps: number): Answer | undefined {
    this.#budget.resume(maxSteps)
    return this.advance()
  }

  /** The answer, or undefined when the budget is spent first. */
  advance(): Answer | undefined {
    if (this.#answer !== undefined) return this.#answer
    if (this.#reach !== undefined) {
      const reached = this.#reach.run()
      if (reached === undefined) return undefined
      this.#reach = undefined
      if (reached !== 'uncertain') {
        this.#answer = reached === 'yes' ? has : hasNot
        return this.#answer
      }
    }
    this.#solving ??= new Solver(this.#world, this.#subject, this.#conditions, this.#budget).solve(
      this.#node,
      this.#member.id,
    )
    const step = this.#solving.next()
    if (!step.done) return undefined
    this.#answer = answerOf(step.value, this.#conditions.truths)
    return this.#answer
  }
}
