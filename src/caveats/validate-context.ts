// Checks the context that is about to be stored with a relationship.

import type { JsonObject } from '../model/context.ts'
import { CardeaError } from '../model/errors.ts'
import type { Caveat } from '../model/schema.ts'
import { parameterError } from './compiled-caveat.ts'
import { convertValue, Unconvertible } from './convert-context.ts'

/**
 * Throws CAVEAT_PARAMETER_TYPE_ERROR (facts `caveat_name`, `parameter_name`) for a key that is no parameter of the
 * caveat or a value that is not of its parameter's type. At evaluation unknown keys are ignored; stored ones are
 * surely a mistake.
 */
export function validateContext(caveat: Caveat, context: JsonObject): void {
  for (const [key, json] of Object.entries(context)) {
    const type = caveat.parameters.get(key)
    if (type === undefined) {
      const known = [...caveat.parameters.keys()].sort().join(', ')
      const message = `Caveat "${caveat.name}" has no parameter ${JSON.stringify(key.slice(0, 80))}; it has ${known}.`
      throw new CardeaError('CAVEAT_PARAMETER_TYPE_ERROR', message, {
        caveat_name: caveat.name,
        parameter_name: key,
      })
    }
    const value = convertValue(type, json)
    if (value instanceof Unconvertible) throw parameterError(caveat.name, key, value)
  }
}
