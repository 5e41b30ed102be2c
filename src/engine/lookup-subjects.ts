// Lookup of subjects: everything of a type that has a permission on a resource, wildcards with their exceptions.

import { allRows, plainRows, type RowSelection } from '../graph/snapshot.ts'
import type { Answer, ResolvedSubject } from '../model/decision.ts'
import { type SubjectRef, wildcardId } from '../model/reference.ts'
import { AtomTable } from './atom-table.ts'
import { bindingOf } from './binding.ts'
import { Budget } from './budget.ts'
import { Check, type FastPaths, memberOf } from './check.ts'
import { Conditions, invisible } from './conditions.ts'
import type { Engine, EngineLimits, FoundSubjects, StreamEvaluation } from './engine.ts'
import { streamOf } from './paused-work.ts'
import type { PlanNode } from './plans.ts'
import { resolve, targetOf } from './subject.ts'
import { yes } from './truth.ts'
import type { World } from './world.ts'

type Request = Parameters<Engine<World>['lookupSubjects']>[1]

/** An id that no relationship can have, so that it stands for everybody who is mentioned nowhere. */
const nobodyId = '(everybody else)'

export function lookupSubjects(
  world: World,
  request: Request,
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
): StreamEvaluation<FoundSubjects> {
  const budget = new Budget(limits)
  return streamOf(budget, lookupWork(world, request, nowMs, budget, paths))
}

/**
 * Everybody who is mentioned anywhere below the permission is checked, and so is one who is mentioned nowhere. The
 * wildcard is what holds for the latter; its exceptions are the mentioned ones for whom less holds. Mentioned subjects
 * are found on their own when they are granted by name, or when more holds for them than for everybody.
 */
function* lookupWork(
  world: World,
  request: Request,
  nowMs: number,
  budget: Budget,
  paths: FastPaths,
): Generator<FoundSubjects | undefined, void, void> {
  const mentioned = new Mentioned(
    world,
    request,
    new Conditions(world.snapshot, world.plans, request.context, nowMs),
    budget,
  )
  for (const _ of mentioned.collect()) yield undefined
  const { resource, permission, subjectType, subjectRelation, context, afterKey } = request

  function* answerFor(id: string): Generator<undefined, Answer, void> {
    const subject: SubjectRef = { type: subjectType, id, relation: subjectRelation }
    const question = { resource, permission, subject, ...(context === undefined ? {} : { context }) }
    const check = new Check(world, question, nowMs, budget, paths)
    for (let answer = check.advance(); ; answer = check.advance()) {
      if (answer !== undefined) return answer
      yield undefined
    }
  }

  const everybody = mentioned.wildcard ? yield* answerFor(nobodyId) : undefined
  const keys = [...mentioned.subjects.keys()].sort((left, right) => left - right)
  const idOf = (key: number) => (key > 0 ? world.snapshot.nodeId(key) : resource.id)
  // Without conditions, exclusions and intersections to be met, being mentioned is being granted.
  const certain = mentioned.certain && everybody === undefined

  if (everybody !== undefined && everybody.permissionship !== 'no') {
    const excluded: ResolvedSubject[] = []
    const onTheirOwn: FoundSubjects[] = []
    for (const key of keys) {
      const answer = yield* answerFor(idOf(key))
      if (rank(answer) < rank(everybody)) excluded.push(exception(idOf(key), answer))
      if (rank(answer) > rank(everybody) || (answer.permissionship !== 'no' && mentioned.subjects.get(key))) {
        onTheirOwn.push({ key, subjectId: idOf(key), excluded: [], ...answer })
      }
    }
    if (afterKey === undefined) yield { key: -1, subjectId: wildcardId, excluded, ...everybody }
    for (const found of onTheirOwn) if (afterKey === undefined || found.key > afterKey) yield found
    return
  }
  for (const key of keys) {
    if (afterKey !== undefined && key <= afterKey) continue
    const answer: Answer = certain ? { permissionship: 'has', missing: [] } : yield* answerFor(idOf(key))
    if (answer.permissionship !== 'no') yield { key, subjectId: idOf(key), excluded: [], ...answer }
    budget.steps += 1
    if (budget.spent) yield undefined
  }
}

function rank({ permissionship }: Answer): number {
  return permissionship === 'no' ? 0 : permissionship === 'conditional' ? 1 : 2
}

/** An exception is for certain when its subject has nothing, conditional when the context would tell. */
function exception(subjectId: string, answer: Answer): ResolvedSubject {
  return answer.permissionship === 'no'
    ? { subjectId, permissionship: 'has', missing: [] }
    : { subjectId, permissionship: 'conditional', missing: answer.missing }
}

/** Every subject of the asked form below a permission, in grants and in exclusions alike. */
class Mentioned {
  /** By key (0: the resource itself, unknown to the graph): whether it stands in a place that grants. */
  readonly subjects = new Map<number, boolean>()
  wildcard = false
  /** Whether every mentioned subject has the permission for sure. */
  certain: boolean
  readonly #world: World
  readonly #request: Request
  readonly #conditions: Conditions
  readonly #budget: Budget
  readonly #granting = new AtomTable()
  readonly #excluding = new AtomTable()

  constructor(world: World, request: Request, conditions: Conditions, budget: Budget) {
    this.#world = world
    this.#request = request
    this.#conditions = conditions
    this.#budget = budget
    this.certain = memberOf(world.plans, request.resource.type, request.permission).monotone
  }

  *collect(): Generator<void, void, void> {
    const { snapshot, plans } = this.#world
    const { resource, permission } = this.#request
    const { node } = resolve(snapshot, plans, resource, { ...resource, relation: '' })
    this.#granting.add(node, memberOf(plans, resource.type, permission).id)
    let granting = 0
    let excluding = 0
    while (granting < this.#granting.size || excluding < this.#excluding.size) {
      if (granting < this.#granting.size) this.#visit(this.#granting, granting++, true)
      else this.#visit(this.#excluding, excluding++, false)
      this.#budget.steps += 1
      this.#budget.hold(this.#granting.size + this.#excluding.size + this.subjects.size)
      if (this.#budget.spent) yield
    }
  }

  #visit(atoms: AtomTable, atom: number, grants: boolean): void {
    const { plans } = this.#world
    const node = atoms.nodes[atom]!
    const { id, type, name, expression } = plans.members[atoms.members[atom]!]!
    const { subjectType, subjectRelation } = this.#request
    if (subjectRelation !== '' && type === subjectType && name === subjectRelation)
      this.#mention(Math.max(0, node), grants)
    if (expression === undefined) this.#visitRelation(node, id, grants)
    else this.#visitExpression(node, type, expression, grants)
  }

  #visitRelation(node: number, member: number, grants: boolean): void {
    const { snapshot, plans } = this.#world
    const binding = bindingOf(plans, snapshot)
    const relation = binding.memberNames[member]!
    if (node <= 0 || relation < 0) return
    const { subjectType, subjectRelation } = this.#request
    const type = snapshot.nameId(subjectType)
    const hasUsersets = plans.members[member]!.hasUsersets
    this.#eachRow(node, relation, hasUsersets ? allRows : plainRows, (other, otherRelation) => {
      if (otherRelation === 0) {
        if (subjectRelation !== '' || snapshot.nodeType(other) !== type) return
        if (snapshot.nodeId(other) === wildcardId) this.wildcard = true
        else this.#mention(other, grants)
        return
      }
      const userset = binding.member(snapshot.nodeType(other), otherRelation)
      if (userset >= 0) this.#atoms(grants).add(other, userset)
    })
  }

  #visitExpression(node: number, type: string, expression: PlanNode, grants: boolean): void {
    const { snapshot, plans } = this.#world
    const binding = bindingOf(plans, snapshot)
    const { subjectType, subjectRelation } = this.#request
    const visit = (operand: PlanNode, granting: boolean): void => {
      switch (operand.kind) {
        case 'nil':
          return
        case 'self':
          if (subjectRelation === '' && type === subjectType) this.#mention(Math.max(0, node), granting)
          return
        case 'member':
          this.#atoms(granting).add(node, operand.member)
          return
        case 'arrow': {
          const relation = binding.memberNames[operand.relation]!
          if (node <= 0 || relation < 0) return
          this.#eachRow(node, relation, allRows, (other) => {
            const target = targetOf(snapshot, binding, other, operand.target)
            if (target >= 0) this.#atoms(granting).add(other, target)
          })
          return
        }
        case 'union':
        case 'intersection':
          for (const each of operand.operands) visit(each, granting)
          return
        case 'exclusion':
          visit(operand.base, granting)
          visit(operand.subtracted, false)
      }
    }
    visit(expression, grants)
  }

  #eachRow(
    node: number,
    relation: number,
    selection: RowSelection,
    use: (other: number, otherRelation: number) => void,
  ): void {
    const cursor = this.#world.snapshot.cursor()
    this.#world.snapshot.openForward(cursor, node, relation, selection)
    const before = this.#budget.steps
    while (cursor.next()) {
      this.#budget.steps += 1
      const truth = this.#conditions.of(cursor.traits)
      if (truth === invisible) continue
      if (truth !== yes) this.certain = false
      use(cursor.node, cursor.subjectRelation)
    }
    this.#budget.walked(this.#budget.steps - before, this.#world.snapshot, node, relation)
  }

  #atoms(grants: boolean): AtomTable {
    return grants ? this.#granting : this.#excluding
  }

  #mention(key: number, grants: boolean): void {
    this.subjects.set(key, grants || this.subjects.get(key) === true)
  }
}
