// Declarations to the model: expressions flattened, caveat types resolved. Broken members are left out.

import type {
  AllowedType,
  Caveat,
  CaveatType,
  Definition,
  Expression,
  Permission,
  Relation,
} from '../model/schema.ts'
import type { DeclaredCaveat, DeclaredDefinition } from './declarations.ts'
import { type ProblemList, quoteName } from './problem.ts'
import type { SourceText } from './source-text.ts'
import type { CaveatTypeNode, ExpressionNode, TypeNode } from './syntax-tree.ts'

/** The model of a definition; of members with one name, the first. */
export function buildDefinition({ node, members }: DeclaredDefinition): Definition {
  const relations = new Map<string, Relation>()
  const permissions = new Map<string, Permission>()
  const names: string[] = []
  for (const { node: member } of members) {
    const name = member.name.text
    if (relations.has(name) || permissions.has(name)) continue
    const { comments } = member
    if (member.kind === 'relation') {
      if (member.types === undefined) continue
      relations.set(name, { name, comments, types: member.types.map(buildAllowedType) })
    } else {
      if (member.expression === undefined) continue
      const annotation = member.annotation?.map((type) => type.text)
      permissions.set(name, {
        name,
        comments,
        expression: buildExpression(member.expression),
        ...(annotation === undefined ? {} : { annotation }),
      })
    }
    names.push(name)
  }
  return { name: node.name.text, comments: node.comments, relations, permissions, members: names }
}

export function buildAllowedType(node: TypeNode): AllowedType {
  return {
    type: node.type.text,
    relation: node.relation?.text ?? '',
    wildcard: node.wildcard,
    ...(node.caveat === undefined ? {} : { caveat: node.caveat.text }),
    expiration: node.expiration,
  }
}

/** Adjacent unions become one, adjacent intersections too; exclusion stays binary. */
export function buildExpression(node: ExpressionNode): Expression {
  switch (node.kind) {
    case 'nil':
    case 'self':
      return { kind: node.kind }
    case 'reference':
      return { kind: 'reference', name: node.name.text }
    case 'arrow':
      return {
        kind: 'arrow',
        relation: node.relation.text,
        target: node.target.text,
        quantifier: node.quantifier,
        style: node.style,
      }
    case 'exclusion':
      return {
        kind: 'exclusion',
        base: buildExpression(node.base),
        subtracted: buildExpression(node.subtracted),
      }
    default: {
      const operands: Expression[] = []
      for (const operand of node.operands) {
        const built = buildExpression(operand)
        if (built.kind !== node.kind) operands.push(built)
        else for (const inner of built.operands) operands.push(inner)
      }
      return { kind: node.kind, operands }
    }
  }
}

/** How many types each caveat type takes in its angle brackets. */
const typeArguments: Readonly<Record<CaveatType['name'], number>> = {
  any: 0,
  bool: 0,
  string: 0,
  int: 0,
  uint: 0,
  double: 0,
  bytes: 0,
  duration: 0,
  timestamp: 0,
  ipaddress: 0,
  list: 1,
  map: 1,
}

/** The model of a caveat; undefined when something in it could not be read or resolved (reported). */
export function buildCaveat({ source, node }: DeclaredCaveat, problems: ProblemList): Caveat | undefined {
  const parameters = new Map<string, CaveatType>()
  let complete = node.expression !== undefined
  for (const parameter of node.parameters) {
    const name = parameter.name.text
    if (parameters.has(name)) {
      const message = `The caveat ${quoteName(node.name.text)} already has a parameter ${quoteName(name)}.`
      const facts = { caveat_name: node.name.text, parameter_name: name }
      problems.add(source, parameter.name, 'parse', 'duplicate-caveat-parameter', message, facts)
      continue
    }
    const type = buildCaveatType(source, parameter.type, problems)
    if (type === undefined) complete = false
    else parameters.set(name, type)
  }
  if (!complete || node.expression === undefined) return undefined
  return { name: node.name.text, comments: node.comments, parameters, expression: node.expression.text }
}

function buildCaveatType(
  source: SourceText,
  node: CaveatTypeNode,
  problems: ProblemList,
): CaveatType | undefined {
  const invalid = (message: string): undefined => {
    problems.add(source, node, 'parse', 'invalid-caveat-parameter-type', message)
    return undefined
  }
  const name = (Object.keys(typeArguments) as CaveatType['name'][]).find((known) => known === node.name.text)
  if (name === undefined) {
    return invalid(
      `Unknown type ${quoteName(node.name.text)}; there are ${Object.keys(typeArguments).join(', ')}.`,
    )
  }
  const wanted = typeArguments[name]
  if (node.arguments.length !== wanted) {
    const example = name === 'map' ? '`map<any>` (its keys are strings)' : '`list<string>`'
    return invalid(
      wanted === 0
        ? `\`${name}\` takes no type in \`<>\`.`
        : `\`${name}\` takes one type, such as ${example}.`,
    )
  }
  const types = node.arguments.map((argument) => buildCaveatType(source, argument, problems))
  return types.includes(undefined) ? undefined : { name, arguments: types as CaveatType[] }
}
