// Test support: caveats from their schema-like text.

import { type CaveatProblem, checkCaveat } from '../../src/caveats/check-caveat.ts'
import { type CompiledCaveat, compileCaveat } from '../../src/caveats/compiled-caveat.ts'
import type { JsonObject } from '../../src/model/context.ts'
import { CardeaError } from '../../src/model/errors.ts'
import type { Caveat, CaveatType } from '../../src/model/schema.ts'

function typeOf(text: string): CaveatType {
  const generic = /^(\w+)<(.*)>$/.exec(text)
  const name = (generic?.[1] ?? text) as CaveatType['name']
  return { name, arguments: generic === null ? [] : [typeOf(generic[2]!)] }
}

/** `'a int, b list<string>'` as parameters. */
export function parametersOf(text: string): ReadonlyMap<string, CaveatType> {
  return new Map(
    text.split(', ').map((parameter) => {
      const [name, type] = parameter.split(' ')
      return [name!, typeOf(type!)]
    }),
  )
}

export function caveatOf(parameters: string, expression: string): Caveat {
  return { name: 'rule', comments: [], parameters: parametersOf(parameters), expression }
}

export function problemsOf(parameters: string, expression: string): readonly CaveatProblem[] {
  return checkCaveat(parametersOf(parameters), expression)
}

/** `true`, `false`, `missing a, b`, or the code of the error. */
export function outcomeOf(caveat: CompiledCaveat, request?: JsonObject, stored?: JsonObject): string {
  try {
    const { result, missing } = caveat.evaluate(request, stored)
    return result === 'missing' ? `missing ${missing.join(', ')}` : result
  } catch (error) {
    if (error instanceof CardeaError) return error.code
    throw error
  }
}

export function evaluate(
  parameters: string,
  expression: string,
  request?: JsonObject,
  stored?: JsonObject,
): string {
  return outcomeOf(compileCaveat(caveatOf(parameters, expression)), request, stored)
}

/** An expression without parameters of its own. */
export function evaluateConstant(expression: string): string {
  return evaluate('always bool', `always && (${expression})`, { always: true })
}

/** The CardeaError that `run` throws. */
export function errorOf(run: () => unknown): CardeaError {
  try {
    run()
  } catch (error) {
    if (error instanceof CardeaError) return error
    throw error
  }
  throw new Error('expected a CardeaError, but nothing was thrown')
}
