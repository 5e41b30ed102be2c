// Expand: a permission's expression as a tree, its relations as leaves.

import { allRows } from '../graph/snapshot.ts'
import type { SubjectTree } from '../model/decision.ts'
import type { ObjectRef, SubjectRef } from '../model/reference.ts'
import { bindingOf } from './binding.ts'
import { Budget } from './budget.ts'
import { memberOf } from './check.ts'
import { Conditions, invisible } from './conditions.ts'
import type { EngineLimits, Evaluation } from './engine.ts'
import { evaluationOf, type Work } from './paused-work.ts'
import type { MemberId, PlanNode } from './plans.ts'
import { resolve, targetOf } from './subject.ts'
import type { World } from './world.ts'

/** A tree under construction: children are filled in after their parent is placed. */
interface Growing {
  readonly resource: ObjectRef
  readonly name: string
  kind: SubjectTree['kind']
  subjects?: SubjectRef[]
  children?: Growing[]
}

/** A member to expand into a place of the tree. `above` links to the expansions that contain it. */
interface Pending {
  readonly into: Growing
  readonly node: number
  readonly member: MemberId
  readonly above: Pending | undefined
}

export function expand(
  world: World,
  request: { readonly resource: ObjectRef; readonly permission: string },
  nowMs: number,
  limits: EngineLimits,
): Evaluation<SubjectTree> {
  const budget = new Budget(limits)
  return evaluationOf(budget, expandWork(world, request, nowMs, budget))
}

function* expandWork(
  world: World,
  { resource, permission }: { readonly resource: ObjectRef; readonly permission: string },
  nowMs: number,
  budget: Budget,
): Work<SubjectTree> {
  const { snapshot, plans } = world
  const binding = bindingOf(plans, snapshot)
  const conditions = new Conditions(snapshot, plans, undefined, nowMs, 'every caveat')
  const { node } = resolve(snapshot, plans, resource, { ...resource, relation: '' })
  const root: Growing = { resource, name: permission, kind: 'leaf' }
  const pending: Pending[] = [
    { into: root, node, member: memberOf(plans, resource.type, permission).id, above: undefined },
  ]
  let held = 0

  const rows = (at: number, relation: MemberId): { subjects: SubjectRef[]; nodes: number[] } => {
    const subjects: SubjectRef[] = []
    const nodes: number[] = []
    const name = binding.memberNames[relation]!
    if (at > 0 && name >= 0) {
      const cursor = snapshot.cursor()
      snapshot.openForward(cursor, at, name, allRows)
      while (cursor.next()) {
        budget.steps += 1
        if (conditions.of(cursor.traits) === invisible) continue
        nodes.push(cursor.node)
        const type = snapshot.nameText(snapshot.nodeType(cursor.node))
        subjects.push({
          type,
          id: snapshot.nodeId(cursor.node),
          relation: snapshot.nameText(cursor.subjectRelation),
        })
      }
    }
    const order = nodes
      .map((_, index) => index)
      .sort((a, b) => nodes[a]! - nodes[b]! || compare(subjects[a]!.relation, subjects[b]!.relation))
    // Terminal subjects first, then usersets, each in the stable order of keys.
    const sorted = [
      ...order.filter((at) => subjects[at]!.relation === ''),
      ...order.filter((at) => subjects[at]!.relation !== ''),
    ]
    return { subjects: sorted.map((index) => subjects[index]!), nodes: sorted.map((index) => nodes[index]!) }
  }

  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const current = next
    const { into, node: at, member } = current
    const { expression } = plans.members[member]!
    const grow = (place: Growing, operand: PlanNode): void => {
      const child = (kind: SubjectTree['kind'] = 'leaf'): Growing => {
        held += 1
        return { resource: into.resource, name: into.name, kind }
      }
      switch (operand.kind) {
        case 'nil':
          place.subjects = []
          return
        case 'self':
          place.subjects = [{ ...into.resource, relation: '' }]
          return
        case 'member': {
          const { name, isPart, expression: part } = plans.members[operand.member]!
          if (isPart) {
            grow(place, part!)
            return
          }
          const expanded: Growing = { resource: into.resource, name, kind: 'leaf' }
          Object.assign(place, { kind: 'union', children: [expanded] })
          pending.push({ into: expanded, node: at, member: operand.member, above: current })
          return
        }
        case 'arrow': {
          const { subjects, nodes } = rows(at, operand.relation)
          place.kind = operand.all ? 'intersection' : 'union'
          place.children = []
          subjects.forEach((subject, index) => {
            const other = nodes[index]!
            const target = targetOf(snapshot, binding, other, operand.target)
            // An object whose type lacks the target has no name to show: the leaf repeats its parent's, as operators do.
            const known = target >= 0
            const expanded: Growing = {
              resource: known ? { type: subject.type, id: subject.id } : into.resource,
              name: known ? operand.target : into.name,
              kind: 'leaf',
              subjects: [],
            }
            held += 1
            place.children!.push(expanded)
            if (target >= 0) pending.push({ into: expanded, node: other, member: target, above: current })
          })
          return
        }
        case 'union':
        case 'intersection':
          place.kind = operand.kind
          place.children = operand.operands.map((each) => operandTree(each))
          return
        case 'exclusion':
          place.kind = 'exclusion'
          place.children = [operandTree(operand.base), operandTree(operand.subtracted)]
      }
      // A named operand stands for itself; only operators get a node of their own.
      function operandTree(each: PlanNode): Growing {
        if (each.kind === 'member' && !plans.members[each.member]!.isPart) {
          const expanded: Growing = {
            resource: into.resource,
            name: plans.members[each.member]!.name,
            kind: 'leaf',
          }
          held += 1
          pending.push({ into: expanded, node: at, member: each.member, above: current })
          return expanded
        }
        const operator = child()
        grow(operator, each)
        return operator
      }
    }
    if (isAbove(current)) {
      // A cycle: what is being expanded further up adds nothing here.
      into.kind = 'leaf'
      into.subjects = []
    } else if (expression === undefined) {
      into.kind = 'leaf'
      into.subjects = rows(at, member).subjects
      held += into.subjects.length
    } else {
      // A permission is a union even of one operand; only intersections and exclusions stand for themselves.
      const operators = ['union', 'intersection', 'exclusion', 'member']
      grow(into, operators.includes(expression.kind) ? expression : { kind: 'union', operands: [expression] })
    }
    budget.steps += 1
    budget.hold(held)
    if (budget.spent) yield
  }
  return root as SubjectTree
}

function isAbove({ node, member, above }: Pending): boolean {
  for (let other = above; other !== undefined; other = other.above) {
    if (other.node === node && other.member === member) return true
  }
  return false
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
