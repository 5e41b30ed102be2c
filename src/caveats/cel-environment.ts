// The expression language of caveats: which names and types the CEL parser and type checker know.

import { Environment } from '@marcbachmann/cel-js'
import type { CaveatType } from '../model/schema.ts'

const timestampType = 'google.protobuf.Timestamp'
const durationType = 'google.protobuf.Duration'
const ipAddressType = 'IPAddress'

/** Deepest nesting of parentheses, brackets, selections and calls that the parser follows. */
export const maxNesting = 250

/** Stands for addresses in the type checker only; evaluation has a class of its own. */
class CheckedIpAddress {}

// The checker never calls these: evaluation is ours (compile-expression.ts).
const notCalled = () => {
  throw new Error('the type checker does not evaluate')
}

/** What the CEL library's checker lacks of CEL's standard library, and the two functions of the schema language. */
const functions = [
  `${ipAddressType}.in_cidr(string): bool`,
  'map.isSubtreeOf(map): bool',
  'matches(string, string): bool',
  `string(${timestampType}): string`,
  `string(${durationType}): string`,
  `int(${timestampType}): int`,
  `int(${durationType}): int`,
  `timestamp(${timestampType}): ${timestampType}`,
  `duration(${durationType}): ${durationType}`,
  `duration(int): ${durationType}`,
  'OptionalNamespace.ofNonZeroValue(A): optional<A>',
]

const operators = [
  ...['<', '<=', '>', '>='].map((operator) => `bytes ${operator} bytes`),
  `${ipAddressType} == ${ipAddressType}`,
  'optional<A> == optional<A>',
  ...[timestampType, durationType, ipAddressType].map((type) => `${type} == null`),
]

/** What a macro's type check is handed by the CEL library. */
interface Checker {
  check(
    node: unknown,
    scope: Scope,
  ): { readonly kind: string; readonly name: string; readonly valueType: unknown }
  getType(name: string): unknown
  createError(code: string, message: string, node: unknown): Error
}

interface Scope {
  forkWithVariable(name: string, type: unknown): Scope
}

interface MacroCall {
  readonly args: readonly { readonly op: string; readonly args: unknown }[]
  readonly receiver: unknown
}

/** `optional.optMap(x, expression)`: the expression over the value, if there is one. */
function optMapMacro({ args, receiver }: MacroCall) {
  const [variable, mapped] = args
  return {
    typeCheck(checker: Checker, _macro: unknown, scope: Scope) {
      if (variable?.op !== 'id') {
        throw checker.createError('invalid_macro_argument', 'optMap needs a variable name first', variable)
      }
      const optional = checker.check(receiver, scope)
      const inner = optional.kind === 'optional' ? optional.valueType : checker.getType('dyn')
      const result = checker.check(mapped, scope.forkWithVariable(variable.args as string, inner))
      return checker.getType(`optional<${result.name}>`)
    },
    evaluate: notCalled,
  }
}

function createBaseEnvironment(): Environment {
  const environment = new Environment({
    // As in CEL: a literal of mixed element types is a list of dyn.
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxDepth: maxNesting, maxListElements: 10_000, maxMapEntries: 10_000 },
  })
  environment.registerType(ipAddressType, { ctor: CheckedIpAddress, fields: {} })
  for (const signature of functions) environment.registerFunction(signature, notCalled)
  for (const signature of operators) environment.registerOperator(signature, notCalled)
  environment.registerFunction('optional.optMap(ast, ast): optional<dyn>', optMapMacro)
  return environment
}

let baseEnvironment: Environment | undefined

/** The type by which the checker knows a caveat parameter. `uint` is declared as `int` (reference: caveats). */
export function checkedTypeName(type: CaveatType): string {
  const argument = type.arguments[0]
  switch (type.name) {
    case 'any':
      return 'dyn'
    case 'uint':
      return 'int'
    case 'duration':
      return durationType
    case 'timestamp':
      return timestampType
    case 'ipaddress':
      return ipAddressType
    case 'list':
      return argument === undefined ? 'list<dyn>' : `list<${checkedTypeName(argument)}>`
    case 'map':
      return argument === undefined ? 'map<string, dyn>' : `map<string, ${checkedTypeName(argument)}>`
    default:
      return type.name
  }
}

/**
 * An environment in which the parameters are declared. `refused` lists parameters whose name the expression language
 * needs for itself, such as `string` or `package`.
 */
export function createCelEnvironment(parameters: ReadonlyMap<string, CaveatType>): {
  readonly environment: Environment
  readonly refused: readonly string[]
} {
  baseEnvironment ??= createBaseEnvironment()
  const environment = baseEnvironment.clone()
  const refused: string[] = []
  for (const [name, type] of parameters) {
    try {
      environment.registerVariable(name, checkedTypeName(type))
    } catch {
      refused.push(name)
    }
  }
  return { environment, refused }
}
