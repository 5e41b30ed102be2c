// The static types of an expression's parts: what is undeclared, what has no overload, where.

import {
  bool,
  bytes,
  type CelType,
  double,
  dyn,
  formatType,
  int,
  isCompatible,
  joinTypes,
  listOf,
  mapOf,
  namedTypes,
  nullType,
  optionalOf,
  string,
  typeType,
  uint,
} from './cel-type.ts'
import { type BindingMacro, bindingMacro, type ExpressionNode } from './expression-tree.ts'
import { globalSignatures, memberSignatures, operatorSignatures, resultOfCall } from './signatures.ts'

/** The first part of an expression that has no type, and why. */
export class TypeProblem extends Error {
  readonly start: number
  readonly end: number

  constructor(message: string, node: ExpressionNode) {
    super(message)
    this.start = node.start
    this.end = node.end
  }
}

/** Types of the names in scope; macros add theirs. */
type Scope = ReadonlyMap<string, CelType>

const minInt = -(2n ** 63n)
const maxInt = 2n ** 63n - 1n

/**
 * The type of an expression whose parameters have these types, by the rules of CEL's type checker. Throws TypeProblem.
 * Recursion is bounded by the depth that the parser allows.
 */
export function typeOfExpression(node: ExpressionNode, scope: Scope): CelType {
  const typeOf = (part: ExpressionNode) => typeOfExpression(part, scope)
  switch (node.op) {
    case 'value':
      return typeOfLiteral(node.args, node)
    case 'id':
      return typeOfName(node.args, scope, node)
    case '||':
    case '&&':
      return typeOfLogical(node, scope)
    case '?:': {
      const [condition, whenTrue, whenFalse] = node.args
      requireBool(typeOf(condition), condition, 'The condition of ?:')
      const types = [typeOf(whenTrue), typeOf(whenFalse)] as const
      if (!isCompatible(...types)) throw noOverload('?:', types, node)
      return joinTypes(...types)
    }
    case '==':
    case '!=': {
      const types = [typeOf(node.args[0]), typeOf(node.args[1])] as const
      if (!isCompatible(...types)) throw noOverload(node.op, types, node)
      return bool
    }
    case 'in': {
      const types = [typeOf(node.args[0]), typeOf(node.args[1])] as const
      const [element, container] = types
      const isContainer =
        ['list', 'map'].includes(container.name) && isCompatible(element, container.parts[0]!)
      if (!isContainer && container.name !== 'dyn') throw noOverload('in', types, node)
      return bool
    }
    case '-_':
      // The smallest integer has no positive counterpart.
      if (node.args.op === 'value' && typeof node.args.args === 'bigint') {
        return typeOfLiteral(-node.args.args, node)
      }
      return call('-', operatorSignatures['-_'], [typeOf(node.args)], node)
    case '!_':
      return call('!', operatorSignatures['!_'], [typeOf(node.args)], node)
    case '.':
      return typeOfField(node, scope)
    case '.?':
      return optionalOf(unwrap(select(withoutOptional(typeOf(node.args[0])), string, node)))
    case '[]':
      return select(typeOf(node.args[0]), typeOf(node.args[1]), node)
    case '[?]':
      return optionalOf(unwrap(select(withoutOptional(typeOf(node.args[0])), typeOf(node.args[1]), node)))
    case 'list':
      return listOf(joinAll(node.args.map(typeOf)))
    case 'map':
      return mapOf(
        joinAll(node.args.map(([key]) => typeOf(key))),
        joinAll(node.args.map(([, value]) => typeOf(value))),
      )
    case 'call':
      return typeOfCall(node, scope)
    case 'rcall':
      return typeOfMethod(node, scope)
    default: {
      const types = [typeOf(node.args[0]), typeOf(node.args[1])] as const
      const result = call(node.op, operatorSignatures[node.op], types, node)
      return result.name === 'list' && isCompatible(...types) ? joinTypes(...types) : result
    }
  }
}

function noOverload(operator: string, types: readonly CelType[], node: ExpressionNode): TypeProblem {
  const shown = types.map(formatType)
  const isOperator = !/\w/.test(operator) || operator === 'in'
  const use = !isOperator
    ? `${operator}(${shown.join(', ')})`
    : types.length === 1
      ? `${operator}${shown[0]}`
      : shown.join(` ${operator === '?:' ? ':' : operator} `)
  return new TypeProblem(`No overload fits ${use}.`, node)
}

function call(
  name: string,
  signatures: Parameters<typeof resultOfCall>[0] | undefined,
  operands: readonly CelType[],
  node: ExpressionNode,
): CelType {
  const result = resultOfCall(signatures ?? [], operands)
  if (result === undefined) throw noOverload(name, operands, node)
  return result
}

function typeOfLiteral(value: unknown, node: ExpressionNode): CelType {
  switch (typeof value) {
    case 'boolean':
      return bool
    case 'string':
      return string
    case 'number':
      return double
    case 'bigint':
      if (value < minInt || value > maxInt)
        throw new TypeProblem('This integer does not fit into 64 bits.', node)
      return int
  }
  return value === null ? nullType : value instanceof Uint8Array ? bytes : uint
}

function typeOfName(name: string, scope: Scope, node: ExpressionNode): CelType {
  const type = scope.get(name)
  if (type !== undefined) return type
  if (namedTypes.includes(name)) return typeType
  const known = [...scope.keys()].sort().join(', ')
  throw new TypeProblem(`"${name}" is not declared; the parameters are ${known}.`, node)
}

function requireBool(type: CelType, node: ExpressionNode, what: string): void {
  if (isCompatible(type, bool)) return
  throw new TypeProblem(`${what} must be a bool, but is of type ${formatType(type)}.`, node)
}

/** Walks down chains such as `a || b || c` without recursion. */
function typeOfLogical(node: ExpressionNode, scope: Scope): CelType {
  let rest = node
  while (rest.op === '||' || rest.op === '&&') {
    const [left, right] = rest.args
    requireBool(typeOfExpression(right, scope), right, `The right side of ${rest.op}`)
    if (left.op !== '||' && left.op !== '&&') {
      requireBool(typeOfExpression(left, scope), left, `The left side of ${rest.op}`)
    }
    rest = left
  }
  return bool
}

/** Of elements of several types: their common type, or dyn. */
function joinAll(types: readonly CelType[]): CelType {
  const [first = dyn, ...others] = types
  return others.reduce((joined, type) => (isCompatible(joined, type) ? joinTypes(joined, type) : dyn), first)
}

function withoutOptional(type: CelType): CelType {
  return type.name === 'optional_type' ? type.parts[0]! : type
}

const unwrap = withoutOptional

/** `container[key]` and `container.key`. From an optional container, an optional. */
function select(container: CelType, key: CelType, node: ExpressionNode): CelType {
  switch (container.name) {
    case 'dyn':
      return dyn
    case 'optional_type':
      return optionalOf(unwrap(select(container.parts[0]!, key, node)))
    case 'list':
      if (!isCompatible(key, int)) break
      return container.parts[0]!
    case 'map':
      if (!isCompatible(key, container.parts[0]!)) break
      return container.parts[1]!
  }
  if (node.op === '.' || node.op === '.?') {
    throw new TypeProblem(`A value of type ${formatType(container)} has no fields.`, node)
  }
  throw new TypeProblem(`No overload fits ${formatType(container)}[${formatType(key)}].`, node)
}

function typeOfField(node: ExpressionNode & { op: '.' }, scope: Scope): CelType {
  const [container] = node.args
  return isTypePath(node, scope) ? typeType : select(typeOfExpression(container, scope), string, node)
}

/** `google.protobuf.Timestamp` and `google.protobuf.Duration`. */
export function isTypePath(node: ExpressionNode, scope: { has(name: string): boolean }): boolean {
  if (node.op !== '.' || !['Timestamp', 'Duration'].includes(node.args[1])) return false
  const [outer] = node.args
  if (outer.op !== '.' || outer.args[1] !== 'protobuf') return false
  const [root] = outer.args
  return root.op === 'id' && root.args === 'google' && !scope.has('google')
}

function typeOfCall(node: ExpressionNode & { op: 'call' }, scope: Scope): CelType {
  const [name, parts] = node.args
  if (name === 'has') {
    const [field] = parts
    if (parts.length !== 1 || field?.op !== '.')
      throw new TypeProblem('has() needs a selection such as has(a.b).', node)
    typeOfField(field, scope)
    return bool
  }
  if (!Object.hasOwn(globalSignatures, name)) {
    throw new TypeProblem(`There is no function "${name}" in caveat expressions.`, node)
  }
  return call(
    name,
    globalSignatures[name],
    parts.map((part) => typeOfExpression(part, scope)),
    node,
  )
}

function typeOfMethod(node: ExpressionNode & { op: 'rcall' }, scope: Scope): CelType {
  const macro = bindingMacro(node)
  if (macro !== undefined) return typeOfMacro(macro, scope, node)
  const [name, receiver, parts] = node.args
  const types = parts.map((part) => typeOfExpression(part, scope))
  if (isOptionalNamespace(receiver, scope)) return typeOfOptionalFunction(name, types, node)
  const type = typeOfExpression(receiver, scope)
  if (['value', 'or', 'orValue'].includes(name)) return typeOfOptionalMethod(name, type, types, node)
  if (!Object.hasOwn(memberSignatures, name)) {
    throw new TypeProblem(`There is no method "${name}" in caveat expressions.`, node)
  }
  return call(`${formatType(type)}.${name}`, memberSignatures[name], [type, ...types], node)
}

/** Whether `optional.name(...)` calls a function of that namespace. */
export function isOptionalNamespace(
  receiver: ExpressionNode,
  scope: { has(name: string): boolean },
): boolean {
  return receiver.op === 'id' && receiver.args === 'optional' && !scope.has('optional')
}

function typeOfOptionalFunction(name: string, types: readonly CelType[], node: ExpressionNode): CelType {
  const [type] = types
  if (name === 'none' && types.length === 0) return optionalOf(dyn)
  if ((name === 'of' || name === 'ofNonZeroValue') && type !== undefined && types.length === 1) {
    return optionalOf(type)
  }
  throw noOverload(`optional.${name}`, types, node)
}

function typeOfOptionalMethod(
  name: string,
  receiver: CelType,
  types: readonly CelType[],
  node: ExpressionNode,
): CelType {
  const content = receiver.name === 'optional_type' ? receiver.parts[0]! : dyn
  const expected = name === 'value' ? [] : name === 'or' ? [optionalOf(content)] : [content]
  const fits =
    isCompatible(receiver, optionalOf(dyn)) &&
    types.length === expected.length &&
    types.every((type, at) => isCompatible(type, expected[at]!))
  if (!fits) throw noOverload(`${formatType(receiver)}.${name}`, types, node)
  const [other] = types
  if (other === undefined) return content
  return name === 'or' ? joinTypes(optionalOf(content), other) : joinTypes(content, other)
}

function typeOfMacro(macro: BindingMacro, scope: Scope, node: ExpressionNode): CelType {
  const range = typeOfExpression(macro.receiver, scope)
  const wanted = macro.name === 'optMap' ? ['optional_type'] : ['list', 'map']
  if (range.name !== 'dyn' && !wanted.includes(range.name)) {
    const need = macro.name === 'optMap' ? 'an optional' : 'a list or a map'
    throw new TypeProblem(`${macro.name}() needs ${need}, but is called on ${formatType(range)}.`, node)
  }
  const element = range.name === 'dyn' ? dyn : range.parts[0]!
  const inner = new Map([...scope, [macro.variable, element]])
  const types = macro.bodies.map((body) => typeOfExpression(body, inner))
  const last = types.at(-1)!
  if (macro.name === 'optMap') return optionalOf(last)
  const test = macro.name === 'map' && types.length === 1 ? undefined : macro.bodies[0]
  if (test !== undefined) requireBool(types[0]!, test, `The predicate of ${macro.name}()`)
  if (macro.name === 'map') return listOf(last)
  return macro.name === 'filter' ? listOf(element) : bool
}
