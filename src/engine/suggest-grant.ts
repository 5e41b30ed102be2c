// Suggests a grant: one relationship whose writing (or deletion) would turn a no into a yes, each tried before it is told.

import type { DenialReason, Question, Suggestion } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import { wildcardId } from '../model/reference.ts'
import type { RelationshipUpdate } from '../model/relationship.ts'
import { Budget } from './budget.ts'
import { Check, defaultFastPaths } from './check.ts'
import { Conditions } from './conditions.ts'
import type { EngineLimits, Evaluation } from './engine.ts'
import { FoundObjects } from './found-objects.ts'
import {
  byBreadth,
  canBeGranted,
  candidateOf,
  formsOf,
  type GrantCandidate,
  openingsOf,
} from './grant-candidates.ts'
import { hypotheses, type RowChange } from './hypothetical-snapshot.ts'
import { lookupResources } from './lookup-resources.ts'
import { evaluationOf, type Work } from './paused-work.ts'
import { objectOf } from './read-rows.ts'
import { Solver } from './solver.ts'
import { resolve } from './subject.ts'
import type { World } from './world.ts'

/** Candidates that are tried at most. */
const maxTried = 100
/** Elementary steps of the whole search, the trying included. */
const maxSearchSteps = 2_000_000
/** Objects looked at of those on which the subject has what a row would ask for. */
const maxHolders = 10
/** Steps between two looks at the budget while a lookup is under way. */
const lookupSliceSteps = 4096

/**
 * Searches for one relationship that the schema allows and that turns the answer to `question`, which is no, into yes.
 * Rows that grant the fewest others come first: on the resource itself, then into sets and parents that are there
 * already, then joining the resource to a set or parent in which the subject is, everyone last. Where a single row
 * blocks, its deletion is tried before all. Never throws LIMIT_EXCEEDED: what the budget does not reach is undetermined.
 */
export function suggestGrant(
  world: World,
  question: Question,
  reason: DenialReason,
  nowMs: number,
  limits: EngineLimits,
): Evaluation<Suggestion> {
  const budget = new Budget({ ...limits, maxSteps: Math.min(limits.maxSteps, maxSearchSteps) })
  return evaluationOf(budget, new GrantSearch(world, question, reason, nowMs, limits, budget).work())
}

class GrantSearch {
  readonly #world: World
  readonly #question: Question
  readonly #reason: DenialReason
  readonly #nowMs: number
  readonly #limits: EngineLimits
  readonly #budget: Budget
  #tried = 0

  constructor(
    world: World,
    question: Question,
    reason: DenialReason,
    nowMs: number,
    limits: EngineLimits,
    budget: Budget,
  ) {
    this.#world = world
    this.#question = question
    this.#reason = reason
    this.#nowMs = nowMs
    this.#limits = limits
    this.#budget = budget
  }

  *work(): Work<Suggestion> {
    const { resource, subject } = this.#question
    if (!canBeGranted(this.#world.plans, this.#question)) return this.#ended('impossible')
    const objects = [resource, { type: subject.type, id: subject.id }, { type: subject.type, id: wildcardId }]
    const suppose = hypotheses(this.#world, objects)
    try {
      const found = yield* this.#firstGranting(suppose)
      if (found === undefined) return this.#ended('not_determined')
      return { outcome: 'found', update: updateOf(suppose(found), found), tried: this.#tried, maxTried }
    } catch (thrown) {
      if (isLimit(thrown)) return this.#ended('not_determined')
      throw thrown
    }
  }

  #ended(outcome: 'not_determined' | 'impossible'): Suggestion {
    return { outcome, tried: this.#tried, maxTried }
  }

  *#firstGranting(suppose: ReturnType<typeof hypotheses>): Work<RowChange | undefined> {
    for (const change of this.#unblocking(suppose())) if (yield* this.#grants(suppose(change))) return change
    const candidates = yield* this.#candidates(suppose())
    for (const { change } of candidates.sort(byBreadth)) {
      if (this.#tried >= maxTried) return undefined
      if (yield* this.#grants(suppose(change))) return change
    }
    return undefined
  }

  /** The deletion of what blocks, when that is a single row. */
  #unblocking({ snapshot }: World): RowChange[] {
    const { kind, via } = this.#reason
    const row = via[0]
    if (kind !== 'blocked_by_exclusion' || row === undefined || via.length > 1) return []
    const { resource, relation, subject } = row
    return [
      {
        operation: 'delete',
        resource: snapshot.node(snapshot.nameId(resource.type), resource.id),
        relation: snapshot.nameId(relation),
        subject: snapshot.node(snapshot.nameId(subject.type), subject.id),
        subjectRelation: snapshot.nameId(subject.relation),
      },
    ]
  }

  *#grants(world: World): Work<boolean> {
    this.#tried += 1
    const check = new Check(world, this.#question, this.#nowMs, this.#budget, defaultFastPaths)
    try {
      let answer = check.advance()
      while (answer === undefined) {
        yield
        answer = check.advance()
      }
      return answer.permissionship === 'has'
    } catch (thrown) {
      // A row after which the question cannot be answered grants nothing.
      if (!(thrown instanceof CardeaError) || isLimit(thrown)) throw thrown
      return false
    }
  }

  *#candidates(world: World): Work<GrantCandidate[]> {
    const { snapshot, plans } = world
    const { resource, permission, subject } = this.#question
    const { node, subject: asking } = resolve(snapshot, plans, resource, subject)
    const conditions = new Conditions(snapshot, plans, this.#question.context, this.#nowMs)
    const solver = new Solver(world, asking, conditions, this.#budget)
    const member = plans.find(resource.type, permission)!.id
    yield* solver.solve(node, member)
    const type = snapshot.nameId(subject.type)
    const known = new Map<string, readonly number[]>()
    const found: GrantCandidate[] = []
    const openings = yield* openingsOf(solver, solver.atomOf(node, member), plans, this.#budget)
    for (const opening of openings) {
      const forms = formsOf(plans, opening, this.#question)
      const add = (allowed: (typeof forms.itself)[number], object: number) =>
        found.push(candidateOf(world, opening, allowed, object, node, this.#nowMs))
      for (const allowed of forms.itself) add(allowed, asking.node)
      for (const allowed of forms.everyone) add(allowed, snapshot.node(type, wildcardId))
      for (const { allowed, member: held } of forms.holders) {
        const key = `${allowed.type}#${held}`
        const holders = known.get(key) ?? (yield* this.#holders(world, allowed.type, held))
        known.set(key, holders)
        for (const holder of holders) add(allowed, holder)
      }
    }
    return found
  }

  /** Some objects of a type on which the subject has a member. */
  *#holders({ snapshot }: World, resourceType: string, permission: string): Work<readonly number[]> {
    const { subject, context } = this.#question
    const request = { resourceType, permission, subject, ...(context === undefined ? {} : { context }) }
    const lookup = lookupResources(this.#world, request, this.#nowMs, this.#limits, defaultFastPaths)
    const type = snapshot.nameId(resourceType)
    const holders: number[] = []
    try {
      for (let done = false; !done && holders.length < maxHolders; ) {
        const before = lookup.steps
        const found = new FoundObjects()
        done = lookup.run(lookupSliceSteps, found, maxHolders - holders.length)
        for (const { id, permissionship } of found) {
          if (permissionship === 'has') holders.push(snapshot.node(type, id))
        }
        this.#budget.steps += lookup.steps - before
        if (this.#budget.spent) yield
      }
    } catch (thrown) {
      // What can't be answered of one object must not end the search at others.
      if (!(thrown instanceof CardeaError) || isLimit(thrown)) throw thrown
    }
    return holders
  }
}

function isLimit(thrown: unknown): boolean {
  return thrown instanceof CardeaError && thrown.code === 'LIMIT_EXCEEDED'
}

function updateOf({ snapshot }: World, change: RowChange): RelationshipUpdate {
  const { operation, resource, relation, subject, subjectRelation, traits } = change
  return {
    operation,
    relationship: {
      resource: objectOf(snapshot, resource),
      relation: snapshot.nameText(relation),
      subject: { ...objectOf(snapshot, subject), relation: snapshot.nameText(subjectRelation) },
      ...traits,
    },
  }
}
