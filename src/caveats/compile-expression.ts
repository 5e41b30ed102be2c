// Turns a checked expression into a function that evaluates it with three values: known, unknown, failed.
//
// The rules for unknown and failed parts are those of cel-go: `&&`, `||`, `all` and `exists` are commutative (one
// operand that decides wins over everything, then unknown, then failure); everywhere else the first part from the left
// that is no value decides.

import { namedTypes } from './cel-type.ts'
import { isOptionalNamespace, isTypePath } from './check-types.ts'
import { compileMacro } from './compile-macro.ts'
import { type CompiledNode, LogicalFold, noOverload, type Scope } from './compiled-node.ts'
import { bindingMacro, type ExpressionNode } from './expression-tree.ts'
import { binaryOperators, hasKey, negate, type Result, select, selectOptional } from './operators.ts'
import { Failure, isValue, Meter, type Outcome, Unknown } from './outcome.ts'
import {
  globalFunctions,
  memberFunctions,
  optionalFunctions,
  type StandardFunction,
} from './standard-functions.ts'
import { type MapKey, mapKey, Optional, TypeName, UnsignedInt, type Value } from './value.ts'

/**
 * Compiles an expression that `checkCaveat` found nothing wrong with.
 * The function takes the parameters' values in the order of `parameterNames`, undefined where none was given; it throws
 * TooManySteps and nothing else.
 */
export function compileExpression(
  root: ExpressionNode,
  parameterNames: readonly string[],
): (parameters: readonly (Value | undefined)[]) => Outcome {
  const scope = { parameters: new Map(parameterNames.map((name, at) => [name, at])), locals: [] }
  const compiled = compileNode(root, scope)
  return (parameters) => compiled({ parameters, locals: [], meter: new Meter() })
}

function compileNode(node: ExpressionNode, scope: Scope): CompiledNode {
  switch (node.op) {
    case 'value': {
      const value = literal(node.args)
      return () => value
    }
    case 'id':
      return compileName(node.args, scope)
    case '||':
    case '&&':
      return compileLogical(node.op, chainOperands(node, node.op), scope)
    case '?:':
      return compileConditional(node.args, scope, node.start)
    case '!_':
      return compileStrict([node.args], scope, node, ([value]) =>
        typeof value === 'boolean' ? !value : undefined,
      )
    case '-_':
      if (node.args.op === 'value' && typeof node.args.args === 'bigint') {
        const value = -node.args.args
        return () => value
      }
      return compileStrict([node.args], scope, node, ([value]) => negate(value!))
    case '.':
      return compileField(node, scope)
    case '.?': {
      const [container, field] = node.args
      return compileStrict([container], scope, node, ([value]) => selectOptional(value!, field))
    }
    case '[]':
      return compileIndex(node, scope, select)
    case '[?]':
      return compileIndex(node, scope, selectOptional)
    case 'list':
      return compileStrict(node.args, scope, node, (values) => values)
    case 'map':
      return compileStrict(node.args.flat(), scope, node, mapOf)
    case 'call':
      return compileCall(node, scope)
    case 'rcall':
      return compileMethod(node, scope)
    default: {
      const operator = binaryOperators[node.op]!
      return compileBinary(node.args, scope, node.start, operator)
    }
  }
}

function literal(value: unknown): Value {
  // The CEL library has a class of its own for `1u`.
  const isUnsigned = typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
  return isUnsigned ? new UnsignedInt(BigInt(String(value.valueOf()))) : (value as Value)
}

function names(scope: Scope): { has(name: string): boolean } {
  return { has: (name) => scope.parameters.has(name) || scope.locals.includes(name) }
}

function compileName(name: string, scope: Scope): CompiledNode {
  const local = scope.locals.lastIndexOf(name)
  if (local >= 0) return (frame) => frame.locals[local]!
  const parameter = scope.parameters.get(name)
  if (parameter !== undefined) {
    const unknown = new Unknown([name])
    return (frame) => {
      const value = frame.parameters[parameter]
      return value === undefined ? unknown : value
    }
  }
  if (!namedTypes.includes(name)) throw new Error(`the checker let the unknown name ${name} pass`)
  const type = new TypeName(name)
  return () => type
}

/** The operands of `a && b && c`, however long the chain is. */
function chainOperands(node: ExpressionNode, operator: '||' | '&&'): ExpressionNode[] {
  const operands: ExpressionNode[] = []
  let rest = node
  while (rest.op === operator) {
    operands.push(rest.args[1])
    rest = rest.args[0]
  }
  operands.push(rest)
  return operands.reverse()
}

function compileLogical(
  operator: '||' | '&&',
  operands: readonly ExpressionNode[],
  scope: Scope,
): CompiledNode {
  const compiled = operands.map((operand) => compileNode(operand, scope))
  const deciding = operator === '||'
  return (frame) => {
    const fold = new LogicalFold(deciding)
    for (const operand of compiled) if (fold.add(operand(frame))) return deciding
    return fold.rest()
  }
}

function compileConditional(
  [condition, whenTrue, whenFalse]: readonly [ExpressionNode, ExpressionNode, ExpressionNode],
  scope: Scope,
  offset: number,
): CompiledNode {
  const test = compileNode(condition, scope)
  const yes = compileNode(whenTrue, scope)
  const no = compileNode(whenFalse, scope)
  const noBool = noOverload.at(offset)
  return (frame) => {
    const outcome = test(frame)
    if (outcome === true) return yes(frame)
    if (outcome === false) return no(frame)
    return isValue(outcome) ? noBool : outcome
  }
}

/** An operation that needs all its parts: the first one from the left that is no value decides. */
function compileStrict(
  parts: readonly ExpressionNode[],
  scope: Scope,
  node: ExpressionNode,
  compute: (values: Value[], meter: Meter) => Result,
): CompiledNode {
  const compiled = parts.map((part) => compileNode(part, scope))
  const undefinedHere = noOverload.at(node.start)
  return (frame) => {
    const values: Value[] = []
    for (const part of compiled) {
      const outcome = part(frame)
      if (!isValue(outcome)) return outcome
      values.push(outcome)
    }
    frame.meter.charge(1 + values.length)
    const result = compute(values, frame.meter)
    if (result === undefined) return undefinedHere
    return result instanceof Failure ? result.at(node.start) : result
  }
}

function compileBinary(
  [leftNode, rightNode]: readonly [ExpressionNode, ExpressionNode],
  scope: Scope,
  offset: number,
  operator: (left: Value, right: Value, meter: Meter) => Result,
): CompiledNode {
  const left = compileNode(leftNode, scope)
  const right = compileNode(rightNode, scope)
  const undefinedHere = noOverload.at(offset)
  return (frame) => {
    const leftOutcome = left(frame)
    if (!isValue(leftOutcome)) return leftOutcome
    const rightOutcome = right(frame)
    if (!isValue(rightOutcome)) return rightOutcome
    frame.meter.charge(1)
    const result = operator(leftOutcome, rightOutcome, frame.meter)
    if (result === undefined) return undefinedHere
    return result instanceof Failure ? result.at(offset) : result
  }
}

/** `container[key]`. As in cel-go, a key that fails does so even when the path begins at an unknown parameter. */
function compileIndex(
  node: ExpressionNode & { op: '[]' | '[?]' },
  scope: Scope,
  find: (container: Value, key: Value) => Value | Failure,
): CompiledNode {
  const [container, key] = node.args
  const compiledContainer = compileNode(container, scope)
  const compiledKey = compileNode(key, scope)
  const keysMayFail = isPath(container)
  return (frame) => {
    const from = compiledContainer(frame)
    if (from instanceof Failure || (from instanceof Unknown && !keysMayFail)) return from
    const at = compiledKey(frame)
    if (from instanceof Unknown) return at instanceof Failure ? at : from
    if (!isValue(at)) return at
    frame.meter.charge(1)
    const found = find(from, at)
    return found instanceof Failure ? found.at(node.start) : found
  }
}

/** Whether the node is a name, or selections that begin at one. */
function isPath(node: ExpressionNode): boolean {
  let rest = node
  while (rest.op === '.' || rest.op === '[]' || rest.op === '.?' || rest.op === '[?]') rest = rest.args[0]
  return rest.op === 'id'
}

/** `google.protobuf.Timestamp` and `google.protobuf.Duration` name types; every other `a.b` selects. */
function compileField(node: ExpressionNode & { op: '.' }, scope: Scope): CompiledNode {
  const [container, field] = node.args
  if (isTypePath(node, names(scope))) {
    const type = new TypeName(`google.protobuf.${field}`)
    return () => type
  }
  return compileStrict([container], scope, node, ([value]) => select(value!, field))
}

function mapOf(values: readonly Value[], meter: Meter): Result {
  meter.charge(values.length)
  const map = new Map<MapKey, Value>()
  for (let at = 0; at + 1 < values.length; at += 2) {
    const key = mapKey(values[at]!)
    if (key === undefined) return new Failure('unsupported key type')
    map.set(key, values[at + 1]!)
  }
  return map
}

function compileCall(node: ExpressionNode & { op: 'call' }, scope: Scope): CompiledNode {
  const [name, parts] = node.args
  const [first] = parts
  if (name === 'has' && first?.op === '.') {
    const [container, field] = first.args
    return compileStrict([container], scope, node, ([value]) => hasKey(value!, field))
  }
  return compileStrict(parts, scope, node, known(globalFunctions, name))
}

function compileMethod(node: ExpressionNode & { op: 'rcall' }, scope: Scope): CompiledNode {
  const macro = bindingMacro(node)
  if (macro !== undefined) return compileMacro(macro, scope, node.start, compileNode)
  const [name, receiver, parts] = node.args
  if (isOptionalNamespace(receiver, names(scope))) {
    return compileStrict(parts, scope, node, known(optionalFunctions, name))
  }
  if (name === 'or' || name === 'orValue') return compileOptionalDefault(name, receiver, parts[0]!, scope)
  return compileStrict([receiver, ...parts], scope, node, known(memberFunctions, name))
}

function known(table: { readonly [name: string]: StandardFunction }, name: string): StandardFunction {
  const found = Object.hasOwn(table, name) ? table[name] : undefined
  if (found === undefined) throw new Error(`the checker let the unknown function ${name} pass`)
  return found
}

/** `x.or(y)` and `x.orValue(y)`: y is only evaluated when x is empty. */
function compileOptionalDefault(
  name: 'or' | 'orValue',
  receiver: ExpressionNode,
  fallback: ExpressionNode,
  scope: Scope,
): CompiledNode {
  const optional = compileNode(receiver, scope)
  const otherwise = compileNode(fallback, scope)
  const undefinedHere = noOverload.at(receiver.start)
  return (frame) => {
    const outcome = optional(frame)
    if (!isValue(outcome)) return outcome
    if (!(outcome instanceof Optional)) return undefinedHere
    if (outcome.content !== undefined) return name === 'or' ? outcome : outcome.content
    const other = otherwise(frame)
    return name === 'or' && isValue(other) && !(other instanceof Optional) ? undefinedHere : other
  }
}
