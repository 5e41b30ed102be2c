// Output schemas: a filtered result must still be what the tool promised, or clients throw it away with an error of theirs.

import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv'
import type { JsonObject, JsonValue } from '../../model/context.ts'

type Validate = (value: JsonValue | undefined) => boolean

const maxCompiled = 1000
const compiled = new Map<string, Validate>()

/**
 * Whether `value` fits the output schema of a tool; `hash` is the definition's. A schema that cannot be compiled fits
 * nothing; remote references are not followed.
 */
export function fitsOutputSchema(hash: string, schema: JsonObject, value: JsonValue | undefined): boolean {
  let validate = compiled.get(hash)
  if (validate === undefined) {
    validate = compile(schema)
    if (compiled.size >= maxCompiled) compiled.clear()
    compiled.set(hash, validate)
  }
  return value !== undefined && validate(value)
}

function compile(schema: JsonObject): Validate {
  try {
    // A validator of its own, so that two tools with the same $id do not meet in one registry.
    const validator = new AjvJsonSchemaValidator().getValidator(schema as never)
    return (value) => validator(value).valid
  } catch {
    return () => false
  }
}
