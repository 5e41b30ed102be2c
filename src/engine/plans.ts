// Plans: a checked schema compiled once, with every relation and permission numbered.

import { type CompiledCaveat, compileCaveat } from '../caveats/compiled-caveat.ts'
import type { Expression, Schema } from '../model/schema.ts'

/** Number of a relation or permission of one definition, unique in its schema. */
export type MemberId = number

/** An expression over numbered members. Union and intersection are n-ary; `not` occurs in exclusions only. */
export type PlanNode =
  | { readonly kind: 'nil' }
  | { readonly kind: 'self' }
  | { readonly kind: 'member'; readonly member: MemberId }
  | ArrowNode
  | { readonly kind: 'union'; readonly operands: readonly PlanNode[] }
  | { readonly kind: 'intersection'; readonly operands: readonly PlanNode[] }
  | { readonly kind: 'exclusion'; readonly base: PlanNode; readonly subtracted: PlanNode }

export interface ArrowNode {
  readonly kind: 'arrow'
  /** The relation whose rows are followed. */
  readonly relation: MemberId
  readonly target: string
  readonly all: boolean
}

export interface MemberPlan {
  readonly id: MemberId
  readonly type: string
  readonly name: string
  readonly isRelation: boolean
  /**
   * A subtracted expression that itself excludes, numbered as if it were a permission of its own (it bears the name of
   * the one it is part of): giving it a name in the schema must never change an answer.
   */
  readonly isPart: boolean
  /** Of a permission. */
  readonly expression: PlanNode | undefined
  /** Whether a relation may have rows whose subject is a userset. */
  readonly hasUsersets: boolean
  /**
   * Whether membership is mere reachability: nothing but relations, unions and `any` arrows, here and in everything
   * that this member depends on.
   */
  readonly monotone: boolean
}

/** What a monotone permission follows, flattened. */
export interface Steps {
  readonly members: readonly MemberId[]
  readonly arrows: readonly ArrowNode[]
  readonly self: boolean
}

export interface Plans {
  readonly members: readonly MemberPlan[]
  /** Member of a type by name; undefined when the schema has none. */
  find(type: string, name: string): MemberPlan | undefined
  readonly types: readonly string[]
  /** Types whose wildcard some relation allows. */
  readonly wildcardTypes: ReadonlySet<string>
  /** By member; undefined for relations and for permissions that are not monotone. */
  readonly steps: readonly (Steps | undefined)[]
  readonly caveats: ReadonlyMap<string, CompiledCaveat>
  readonly schema: Schema
}

/** Compiles a checked schema. Costs about as much as checking it; do it once per schema version. */
export function compilePlans(schema: Schema): Plans {
  const numbers = new Map<string, MemberId>()
  const found: { type: string; name: string }[] = []
  for (const definition of schema.definitions.values()) {
    for (const name of definition.members) {
      numbers.set(`${definition.name}#${name}`, found.length)
      found.push({ type: definition.name, name })
    }
  }
  const named = found.length
  const expressions: (PlanNode | undefined)[] = []
  for (let id = 0; id < named; id += 1) {
    const { type, name } = found[id]!
    const permission = schema.definitions.get(type)!.permissions.get(name)
    const part = (expression: PlanNode): MemberId => {
      expressions[found.length] = expression
      return found.push({ type, name }) - 1
    }
    expressions[id] =
      permission === undefined ? undefined : compile(permission.expression, type, numbers, part)
  }
  const monotone = monotoneMembers(schema, found, numbers, expressions)
  const members = found.map(
    ({ type, name }, id): MemberPlan => ({
      id,
      type,
      name,
      isRelation: expressions[id] === undefined,
      isPart: id >= named,
      expression: expressions[id],
      hasUsersets:
        schema.definitions
          .get(type)!
          .relations.get(name)
          ?.types.some((allowed) => allowed.relation !== '') ?? false,
      monotone: monotone[id]!,
    }),
  )
  const steps = members.map(({ expression, monotone: isMonotone }) =>
    expression === undefined || !isMonotone ? undefined : flatten(expression),
  )
  const byName = new Map<string, Map<string, MemberPlan>>()
  for (const definition of schema.definitions.values()) byName.set(definition.name, new Map())
  for (const member of members.slice(0, named)) byName.get(member.type)!.set(member.name, member)
  return {
    members,
    find: (type, name) => byName.get(type)?.get(name),
    types: [...schema.definitions.keys()],
    wildcardTypes: wildcardTypes(schema),
    steps,
    caveats: new Map([...schema.caveats.values()].map((caveat) => [caveat.name, compileCaveat(caveat)])),
    schema,
  }
}

/** `part` numbers a subtracted expression that has to stand on its own. */
function compile(
  expression: Expression,
  type: string,
  numbers: ReadonlyMap<string, MemberId>,
  part: (expression: PlanNode) => MemberId,
): PlanNode {
  switch (expression.kind) {
    case 'nil':
    case 'self':
      return { kind: expression.kind }
    case 'reference':
      return { kind: 'member', member: numbers.get(`${type}#${expression.name}`)! }
    case 'arrow': {
      const relation = numbers.get(`${type}#${expression.relation}`)!
      return { kind: 'arrow', relation, target: expression.target, all: expression.quantifier === 'all' }
    }
    case 'union':
    case 'intersection':
      return {
        kind: expression.kind,
        operands: expression.operands.map((operand) => compile(operand, type, numbers, part)),
      }
    case 'exclusion': {
      const base = compile(expression.base, type, numbers, part)
      const subtracted = compile(expression.subtracted, type, numbers, part)
      if (!excludes(subtracted)) return { kind: 'exclusion', base, subtracted }
      return { kind: 'exclusion', base, subtracted: { kind: 'member', member: part(subtracted) } }
    }
  }
}

function excludes(expression: PlanNode): boolean {
  let found = false
  mentions(expression, (node) => {
    found ||= node.kind === 'exclusion'
  })
  return found
}

/** Operands and arrows that an expression mentions, whatever stands between them. */
export function mentions(expression: PlanNode, visit: (node: PlanNode) => void): void {
  visit(expression)
  if (expression.kind === 'union' || expression.kind === 'intersection') {
    for (const operand of expression.operands) mentions(operand, visit)
  } else if (expression.kind === 'exclusion') {
    mentions(expression.base, visit)
    mentions(expression.subtracted, visit)
  }
}

/** A member is monotone unless it, or anything it depends on, intersects, excludes or asks for all. */
function monotoneMembers(
  schema: Schema,
  found: readonly { type: string; name: string }[],
  numbers: ReadonlyMap<string, MemberId>,
  expressions: readonly (PlanNode | undefined)[],
): boolean[] {
  const dependents: MemberId[][] = found.map(() => [])
  const monotone = found.map(() => true)
  found.forEach(({ type, name }, id) => {
    const dependsOn = (other: MemberId | undefined) => {
      if (other !== undefined) dependents[other]!.push(id)
    }
    const expression = expressions[id]
    if (expression === undefined) {
      for (const allowed of schema.definitions.get(type)!.relations.get(name)!.types) {
        if (allowed.relation !== '') dependsOn(numbers.get(`${allowed.type}#${allowed.relation}`))
      }
      return
    }
    mentions(expression, (node) => {
      if (node.kind === 'intersection' || node.kind === 'exclusion' || (node.kind === 'arrow' && node.all))
        monotone[id] = false
      if (node.kind === 'member') dependsOn(node.member)
      if (node.kind === 'arrow') {
        const relation = found[node.relation]!
        for (const allowed of schema.definitions.get(relation.type)!.relations.get(relation.name)!.types) {
          dependsOn(numbers.get(`${allowed.type}#${node.target}`))
        }
      }
    })
  })
  const pending = monotone.flatMap((isMonotone, id) => (isMonotone ? [] : [id]))
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    for (const dependent of dependents[id]!) {
      if (!monotone[dependent]) continue
      monotone[dependent] = false
      pending.push(dependent)
    }
  }
  return monotone
}

function wildcardTypes(schema: Schema): Set<string> {
  const types = new Set<string>()
  for (const { relations } of schema.definitions.values()) {
    for (const relation of relations.values()) {
      for (const { type, wildcard } of relation.types) if (wildcard) types.add(type)
    }
  }
  return types
}

function flatten(expression: PlanNode): Steps {
  const members: MemberId[] = []
  const arrows: ArrowNode[] = []
  let self = false
  mentions(expression, (node) => {
    if (node.kind === 'member') members.push(node.member)
    if (node.kind === 'arrow') arrows.push(node)
    if (node.kind === 'self') self = true
  })
  return { members, arrows, self }
}
