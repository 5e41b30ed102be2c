// What a trace promises, held against the schema, the live rows and the reference: every node of it, not only the root.

import type { TraceNode } from '../../src/model/decision.ts'
import { type ObjectRef, type SubjectRef, wildcardId } from '../../src/model/reference.ts'
import { isLive } from '../../src/model/relationship.ts'
import type { Expression } from '../../src/model/schema.ts'
import type { ReferenceEvaluator } from '../reference/evaluator.ts'
import type { Case } from '../reference/generate.ts'
import type { Complaint } from '../reference/judge.ts'
import type { CheckQuestion } from '../reference/questions.ts'
import { rowKey } from './row-key.ts'

const results = { true: 'has', false: 'no', missing: 'conditional', unevaluated: undefined } as const

/** What is wrong with a tree. */
export function judgeTrace(
  each: Case,
  reference: ReferenceEvaluator,
  question: CheckQuestion,
  tree: TraceNode,
): Complaint {
  const live = new Set(each.relationships.filter((row) => isLive(row, each.nowMs)).map(rowKey))
  const { subject, context } = question

  const visit = (node: TraceNode, parent: TraceNode | undefined): Complaint => {
    const told = `${node.operation} ${node.resource.type}:${node.resource.id}#${node.name} ${node.permissionship}`
    const own = judgeNode(node, parent)
    if (own !== undefined) return `${told}: ${own}`
    for (const child of node.children) {
      const complaint = visit(child, node)
      if (complaint !== undefined) return complaint
    }
    return undefined
  }

  const judgeNode = (node: TraceNode, parent: TraceNode | undefined): Complaint => {
    const { relationship, caveat } = node
    const definition = each.schema.definitions.get(node.resource.type)
    if (definition === undefined) return 'there is no such type'
    if (node.kind !== (definition.relations.has(node.name) ? 'relation' : 'permission'))
      return `is no ${node.kind}`
    if (relationship !== undefined) {
      if (!live.has(rowKey(relationship))) return 'its row is none'
      if (parent === undefined || !sameObject(relationship.resource, parent.resource))
        return 'its row leads from elsewhere'
      if ((relationship.caveat === undefined) !== (caveat === undefined)) return 'caveat and row do not fit'
      if (caveat !== undefined && caveat.name !== relationship.caveat?.name)
        return 'the caveat of another row'
      if (caveat?.result === 'missing' && caveat.missing.length === 0) return 'misses nothing'
    }
    if (isRowLeaf(node, parent, subject)) {
      if (node.children.length > 0) return 'a row with children'
      const expected = node.operation === 'nil' ? 'no' : caveat === undefined ? 'has' : results[caveat.result]
      return expected === node.permissionship ? undefined : `the row alone says ${expected}`
    }
    if (isOperator(node, parent)) return judgeChildren(node)
    if (relationship !== undefined && !sameObject(relationship.subject, node.resource))
      return 'its row leads to another object'
    const verdict = reference.check(node.resource, node.name, subject, context)
    if (verdict.kind === 'decided' && verdict.permissionship !== node.permissionship)
      return `expected ${verdict.permissionship}`
    if (node.operation === 'cycle') return undefined
    const isIdentity = sameObject(node.resource, subject) && node.name === subject.relation
    const permission = definition.permissions.get(node.name)
    const expected = isIdentity
      ? ['identity']
      : permission === undefined
        ? ['relation']
        : operationsOf(permission.expression)
    if (!expected.includes(node.operation)) return `expected operation ${expected}`
    return judgeChildren(node)
  }

  return visit(tree, undefined)
}

function sameObject(one: ObjectRef, other: ObjectRef): boolean {
  return one.type === other.type && one.id === other.id
}

/** A row that grants, or leads nowhere, as it stands: it bears its relation's name, on the same object. */
function isRowLeaf(
  { relationship, resource, name, operation }: TraceNode,
  parent: TraceNode | undefined,
  asker: SubjectRef,
): boolean {
  if (relationship === undefined || parent === undefined) return false
  if (!sameObject(resource, parent.resource) || name !== relationship.relation) return false
  if (operation === 'nil') return true
  const { type, id, relation } = relationship.subject
  const names = type === asker.type && relation === asker.relation && (id === asker.id || id === wildcardId)
  return parent.operation === 'relation' && operation === 'relation' && names
}

/** A part of its parent's expression: it bears the same name. */
function isOperator({ relationship, resource, name, operation }: TraceNode, parent?: TraceNode): boolean {
  return (
    relationship === undefined &&
    parent !== undefined &&
    sameObject(resource, parent.resource) &&
    name === parent.name &&
    operation !== 'cycle'
  )
}

/** How the node of a permission may be titled. */
function operationsOf(expression: Expression): readonly TraceNode['operation'][] {
  switch (expression.kind) {
    case 'reference':
      return ['union']
    case 'arrow':
      return [expression.quantifier === 'all' ? 'all' : 'arrow']
    default:
      return [expression.kind]
  }
}

/** Whether what is shown below a node can make it what it says. */
function judgeChildren({ operation, permissionship, children, kind }: TraceNode): Complaint {
  if (children.length === 0) return undefined
  const says = (wanted: TraceNode['permissionship']) =>
    children.filter((each) => each.permissionship === wanted).length
  const condition = (child: TraceNode) => child.caveat?.result ?? 'true'
  switch (operation) {
    case 'union':
      if (permissionship === 'has')
        return says('has') === children.length ? undefined : 'shows what does not grant'
      return permissionship === 'no' && says('no') < children.length ? 'a child is no "no"' : undefined
    case 'relation':
    case 'arrow':
      if (permissionship !== 'has') return undefined
      return children.every((child) => child.permissionship === 'has' && condition(child) === 'true')
        ? undefined
        : 'shows a row that does not grant'
    case 'intersection':
    case 'all':
      if (kind === 'permission' && permissionship === 'has' && says('has') < children.length)
        return 'a child does not hold'
      return permissionship === 'no' &&
        children.every((child) => child.permissionship === 'has' && condition(child) === 'true')
        ? 'every child holds'
        : undefined
    case 'exclusion': {
      const [base, subtracted, more] = children
      if (more !== undefined) return 'more than two children'
      if (permissionship === 'has' && base?.permissionship !== 'has') return 'the base does not hold'
      return permissionship === 'has' && subtracted?.permissionship === 'has'
        ? 'what is subtracted holds'
        : undefined
    }
    default:
      return 'children below what has none'
  }
}
