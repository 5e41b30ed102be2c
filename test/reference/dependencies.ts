// What an answer can depend on: nodes, rows and operators reached from a question, and whether they close a cycle.

import type { ObjectRef } from '../../src/model/reference.ts'
import { isLive, type Relationship } from '../../src/model/relationship.ts'
import type { Expression, Schema } from '../../src/model/schema.ts'
import { nodeKey } from './evaluator.ts'

/** Language features that coverage is counted for. */
export type Feature =
  | 'union'
  | 'intersection'
  | 'exclusion'
  | 'arrow ->'
  | 'arrow .any'
  | 'arrow .all'
  | 'nil'
  | 'self'
  | 'userset'
  | 'wildcard'
  | 'caveat'
  | 'expiration'

export interface Reached {
  /** Keys of nodes, the first ones included. */
  readonly nodes: ReadonlySet<string>
  /** Live rows, whatever their caveats say. */
  readonly rows: ReadonlySet<Relationship>
  readonly features: ReadonlySet<Feature>
  readonly cyclic: boolean
  /** Nodes on the longest path; infinite over a cycle. */
  readonly depth: number
}

export interface Member {
  readonly object: ObjectRef
  readonly name: string
}

type Data = Pick<
  { schema: Schema; relationships: readonly Relationship[]; nowMs: number },
  'schema' | 'nowMs'
> & {
  readonly relationships: readonly Relationship[]
}

/** Everything that the members' answers can depend on. */
export function reach(data: Data, members: readonly Member[]): Reached {
  const rows = new Set<Relationship>()
  const features = new Set<Feature>()
  const depths = new Map<string, number>()
  const open = new Set<string>()
  let cyclic = false

  const rowsOf = (object: ObjectRef, relation: string) =>
    data.relationships.filter(
      (row) =>
        row.relation === relation &&
        row.resource.type === object.type &&
        row.resource.id === object.id &&
        isLive(row, data.nowMs),
    )
  const walkRows = (object: ObjectRef, relation: string, next: (row: Relationship) => Member | undefined) => {
    for (const row of rowsOf(object, relation)) {
      rows.add(row)
      if (row.caveat !== undefined) features.add('caveat')
      if (row.expiresAtMs !== undefined) features.add('expiration')
      const member = next(row)
      if (member !== undefined) children.at(-1)!.push(member)
    }
  }
  const children: Member[][] = []

  const scan = (expression: Expression, object: ObjectRef): void => {
    switch (expression.kind) {
      case 'nil':
      case 'self':
        features.add(expression.kind)
        return
      case 'reference':
        children.at(-1)!.push({ object, name: expression.name })
        return
      case 'arrow':
        features.add(
          expression.quantifier === 'all'
            ? 'arrow .all'
            : expression.style === 'arrow'
              ? 'arrow ->'
              : 'arrow .any',
        )
        walkRows(object, expression.relation, (row) => ({ object: row.subject, name: expression.target }))
        return
      case 'exclusion':
        features.add('exclusion')
        scan(expression.base, object)
        scan(expression.subtracted, object)
        return
      default:
        features.add(expression.kind)
        for (const operand of expression.operands) scan(operand, object)
    }
  }
  const visit = ({ object, name }: Member): number => {
    const definition = data.schema.definitions.get(object.type)
    const permission = definition?.permissions.get(name)
    if (permission === undefined && definition?.relations.get(name) === undefined) return 0
    const key = nodeKey(object, name)
    if (open.has(key)) cyclic = true
    const known = open.has(key) ? Number.POSITIVE_INFINITY : depths.get(key)
    if (known !== undefined) return known
    open.add(key)
    children.push([])
    if (permission !== undefined) scan(permission.expression, object)
    else {
      walkRows(object, name, ({ subject }) => {
        if (subject.id === '*') features.add('wildcard')
        if (subject.relation === '') return undefined
        features.add('userset')
        return { object: subject, name: subject.relation }
      })
    }
    const depth = 1 + Math.max(0, ...children.pop()!.map(visit))
    open.delete(key)
    depths.set(key, depth)
    return depth
  }
  const depth = Math.max(0, ...members.map(visit))
  return { nodes: new Set(depths.keys()), rows, features, cyclic, depth }
}

/** `type#name` of every member that `type#name` can depend on, whatever the data. */
export function reachInSchema(schema: Schema, type: string, name: string): Set<string> {
  const reached = new Set<string>()
  const visit = (type: string, name: string): void => {
    const definition = schema.definitions.get(type)
    const relation = definition?.relations.get(name)
    const permission = definition?.permissions.get(name)
    const key = `${type}#${name}`
    if (reached.has(key) || (relation === undefined && permission === undefined)) return
    reached.add(key)
    for (const allowed of relation?.types ?? [])
      if (allowed.relation !== '') visit(allowed.type, allowed.relation)
    if (permission !== undefined) scan(permission.expression, type)
  }
  const scan = (expression: Expression, type: string): void => {
    switch (expression.kind) {
      case 'reference':
        visit(type, expression.name)
        return
      case 'arrow':
        visit(type, expression.relation)
        for (const allowed of schema.definitions.get(type)?.relations.get(expression.relation)?.types ?? []) {
          visit(allowed.type, expression.target)
        }
        return
      case 'exclusion':
        scan(expression.base, type)
        scan(expression.subtracted, type)
        return
      case 'union':
      case 'intersection':
        for (const operand of expression.operands) scan(operand, type)
    }
  }
  visit(type, name)
  return reached
}
