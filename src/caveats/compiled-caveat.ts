// A caveat made ready for evaluation, many times over, with whatever context is there.

import type { JsonObject } from '../model/context.ts'
import { CardeaError } from '../model/errors.ts'
import type { Caveat } from '../model/schema.ts'
import { readCaveatExpression } from './check-caveat.ts'
import { compileExpression } from './compile-expression.ts'
import { convertValue, Unconvertible } from './convert-context.ts'
import { Failure, type Outcome, TooManySteps, Unknown } from './outcome.ts'
import type { Value } from './value.ts'

/** Outcome of a caveat: `missing` when parameters that were not given could still decide. */
export interface CaveatResult {
  readonly result: 'true' | 'false' | 'missing'
  /** For `missing`: names of the parameters that were needed first, sorted; else empty. */
  readonly missing: readonly string[]
}

/** A caveat that can be evaluated synchronously, in bounded time, without recursion over data. */
export interface CompiledCaveat {
  readonly name: string
  /**
   * Evaluates with the request's context overlaid by the stored one (stored wins). Keys that are no parameters are
   * ignored. `true` and `false` hold whatever else were given.
   *
   * Throws CAVEAT_PARAMETER_TYPE_ERROR (facts `caveat_name`, `parameter_name`) for a value of the wrong type and
   * CAVEAT_EVALUATION_ERROR (fact `caveat_name`) when the expression itself fails, as by a division by zero.
   */
  evaluate(requestContext: JsonObject | undefined, storedContext: JsonObject | undefined): CaveatResult
}

const isTrue: CaveatResult = { result: 'true', missing: [] }
const isFalse: CaveatResult = { result: 'false', missing: [] }

/**
 * Compiles a caveat of a checked schema.
 * Throws SCHEMA_TYPE_ERROR when the expression is not valid, which a checked schema rules out.
 */
export function compileCaveat(caveat: Caveat): CompiledCaveat {
  const { name, parameters, expression } = caveat
  const { root, problems } = readCaveatExpression(parameters, expression)
  const problem = problems[0]
  if (root === undefined || problem !== undefined) {
    throw new CardeaError('SCHEMA_TYPE_ERROR', `Caveat "${name}": ${problem?.message}`, { caveat_name: name })
  }
  const declared = [...parameters]
  const run = compileExpression(root, [...parameters.keys()])
  return {
    name,
    evaluate(requestContext, storedContext) {
      const values = declared.map(([parameter, type]) => {
        const json = own(storedContext, parameter) ?? own(requestContext, parameter)
        if (json === undefined) return undefined
        const value = convertValue(type, json.value)
        if (value instanceof Unconvertible) throw parameterError(name, parameter, value)
        return value
      })
      return resultOf(name, evaluateBounded(name, run, values))
    },
  }
}

function own(context: JsonObject | undefined, key: string) {
  return context !== undefined && Object.hasOwn(context, key) ? { value: context[key]! } : undefined
}

/** The error for a context value of the wrong type. */
export function parameterError(caveat: string, parameter: string, problem: Unconvertible): CardeaError {
  const message = `Context of caveat "${caveat}": ${parameter}${problem.path} must be ${problem.problem}.`
  return new CardeaError('CAVEAT_PARAMETER_TYPE_ERROR', message, {
    caveat_name: caveat,
    parameter_name: parameter,
  })
}

function evaluationError(caveat: string, problem: string): CardeaError {
  return new CardeaError('CAVEAT_EVALUATION_ERROR', `Caveat "${caveat}" cannot be evaluated: ${problem}.`, {
    caveat_name: caveat,
  })
}

function evaluateBounded(
  caveat: string,
  run: (values: readonly (Value | undefined)[]) => Outcome,
  values: readonly (Value | undefined)[],
): Outcome {
  try {
    return run(values)
  } catch (thrown) {
    if (thrown instanceof TooManySteps) throw evaluationError(caveat, `it needs ${thrown.message}`)
    throw thrown
  }
}

function resultOf(caveat: string, outcome: Outcome): CaveatResult {
  if (outcome === true) return isTrue
  if (outcome === false) return isFalse
  if (outcome instanceof Unknown) return { result: 'missing', missing: [...outcome.names].sort() }
  if (!(outcome instanceof Failure)) throw evaluationError(caveat, 'its result is neither true nor false')
  const place = outcome.offset === undefined ? '' : ` (at character ${outcome.offset + 1} of the expression)`
  throw evaluationError(caveat, `${outcome.problem}${place}`)
}
