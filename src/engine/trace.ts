// Traces: a solved system of equations as the tree that people and debug traces show.

import type { Answer, TraceNode } from '../model/decision.ts'
import type { ObjectRef } from '../model/reference.ts'
import type { Relationship } from '../model/relationship.ts'
import type { Budget } from './budget.ts'
import { answerOf } from './check.ts'
import { type Equation, evaluate, grants, leadsNowhere, type RowTerm, rowTruth } from './equation.ts'
import type { Work } from './paused-work.ts'
import type { Plans } from './plans.ts'
import type { Solver } from './solver.ts'
import type { SupportRow } from './support-row.ts'
import { no, type Truth, yes } from './truth.ts'

/** Most nodes of one tree, and most children shown of one node: a wide relation is not retold row by row. */
const maxNodes = 2000
const maxChildren = 50

/** How a tree names things. */
export interface TraceNames {
  readonly plans: Plans
  object(node: number): ObjectRef
  relationship(row: SupportRow): Relationship
}

/** A node whose children, and what is known of it, are still being added. */
type Growing = {
  -readonly [Key in keyof Omit<TraceNode, 'children'>]: TraceNode[Key]
} & { readonly children: Growing[] }

interface Pending {
  readonly into: Growing
  readonly atom: number
  readonly above: Pending | undefined
}

/**
 * The tree below one atom. Where the answer is yes only what grants is followed, else everything, within bounds.
 * `supporting` are the atoms that the proof relies on; an atom is followed once, a repetition stays a leaf.
 */
export function* traceOf(
  solver: Solver,
  root: number,
  supporting: ReadonlySet<number>,
  names: TraceNames,
  budget: Budget,
): Work<TraceNode> {
  const { truths } = solver.conditions
  const solved = (atom: number): Truth => solver.truthOf(atom)
  const followed = new Set<number>()
  let count = 0

  const answer = (truth: Truth): Pick<Answer, 'permissionship'> => {
    try {
      return { permissionship: answerOf(truth, truths).permissionship }
    } catch {
      return { permissionship: 'conditional' }
    }
  }
  const atomNode = (atom: number): Growing => {
    count += 1
    const { name, isRelation } = names.plans.members[solver.atoms.members[atom]!]!
    return {
      resource: names.object(solver.atoms.nodes[atom]!),
      name,
      kind: isRelation ? 'relation' : 'permission',
      operation: 'relation',
      ...answer(solved(atom)),
      children: [],
    }
  }
  const tree = atomNode(root)
  const pending: Pending[] = [{ into: tree, atom: root, above: undefined }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const current = next
    const { into, atom } = current
    if (isAbove(current)) {
      into.operation = 'cycle'
      continue
    }
    const equation = solver.equations[atom]!
    into.operation = equation.kind === 'some' && into.kind === 'permission' ? 'arrow' : operationOf(equation)
    budget.steps += 1
    if (budget.spent) yield
    if (followed.has(atom) || count > maxNodes) continue
    followed.add(atom)
    function* grow(place: Growing, operand: Equation): Work<void> {
      switch (operand.kind) {
        case 'constant':
          return
        case 'atom':
          follow(place, operand.atom)
          return
        case 'some':
        case 'every': {
          let left = maxChildren
          for (const row of operand.rows) {
            if (left === 0) return
            // Of a very long list perhaps only the last row holds.
            budget.steps += 1
            if ((budget.steps & 255) === 0 && budget.spent) yield
            if (!relevant(row, place.permissionship)) continue
            followRow(place, operand.relation, row)
            left -= 1
          }
          return
        }
        case 'union':
        case 'intersection': {
          for (const each of operand.operands) {
            if (operand.kind === 'union' && place.permissionship === 'has' && !supports(each)) continue
            yield* operator(place, each)
          }
          return
        }
        case 'exclusion':
          yield* operator(place, operand.base)
          yield* operator(place, operand.subtracted)
      }
    }
    const supports = (operand: Equation): boolean => {
      if (evaluate(operand, solved, solved, truths) !== yes) return false
      if (operand.kind === 'some') return operand.rows.some((row) => relevant(row, 'has'))
      return operand.kind !== 'atom' || supporting.size === 0 || supporting.has(operand.atom)
    }
    const relevant = (row: RowTerm, permissionship: Answer['permissionship']): boolean => {
      if (permissionship !== 'has') return true
      return (
        rowTruth(row, solved, truths) === yes &&
        (row.atom < 0 || supporting.size === 0 || supporting.has(row.atom))
      )
    }
    const follow = (place: Growing, other: number): Growing => {
      const child = atomNode(other)
      place.children.push(child)
      pending.push({ into: child, atom: other, above: current })
      return child
    }
    function* operator(place: Growing, operand: Equation): Work<void> {
      if (operand.kind === 'atom') {
        follow(place, operand.atom)
        return
      }
      count += 1
      const truth = evaluate(operand, solved, solved, truths)
      const child: Growing = {
        resource: into.resource,
        name: into.name,
        kind: into.kind,
        operation: operand.kind === 'some' ? 'arrow' : operationOf(operand),
        ...answer(truth),
        children: [],
      }
      place.children.push(child)
      yield* grow(child, operand)
    }
    const followRow = (place: Growing, relation: number, row: RowTerm): void => {
      const resource = solver.atoms.nodes[atom]!
      const relationship = names.relationship({ resource, relation, ...row })
      const caveat = solver.conditions.outcome(row.traits)
      const traits = { relationship, ...(caveat === undefined ? {} : { caveat }) }
      if (row.atom >= 0) {
        Object.assign(follow(place, row.atom), traits)
        return
      }
      count += 1
      const truth = row.atom === grants ? row.truth : no
      place.children.push({
        resource: into.resource,
        name: names.plans.members[relation]!.name,
        kind: 'relation',
        operation: row.atom === leadsNowhere ? 'nil' : 'relation',
        ...answer(truth),
        ...traits,
        children: [],
      })
    }
    yield* grow(into, equation)
  }
  return tree
}

function isAbove({ atom, above }: Pending): boolean {
  let hops = 0
  for (let other = above; other !== undefined && hops < 200; other = other.above, hops += 1) {
    if (other.atom === atom) return true
  }
  return false
}

function operationOf(equation: Equation): TraceNode['operation'] {
  switch (equation.kind) {
    case 'constant':
      return equation.why
    case 'atom':
      return 'union'
    case 'some':
      return 'relation'
    case 'every':
      return 'all'
    default:
      return equation.kind
  }
}
