// Refusals of a request's fields: which one, and what it should have been.

import { CardeaError } from '../model/errors.ts'

/** A request whose field is malformed or missing. The path is written as in the .proto files. */
export class InvalidField extends CardeaError {
  readonly path: string
  readonly problem: string

  constructor(path: string, problem: string) {
    super('INVALID_ARGUMENT', `validation error: ${path} ${problem}.`, { field: path })
    this.path = path
    this.problem = problem
  }
}

/** The refusal of a field that must be set. */
export function missingField(path: string): InvalidField {
  return new InvalidField(path, 'is required')
}

/** The refusal of a malformed text; long ones are cut. */
export function malformedField(path: string, text: string, rule: string): InvalidField {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
  return new InvalidField(path, `${shown} is malformed: expected ${rule}`)
}

/** Converts each item; a refusal says in which one. */
export function convertEach<From, To>(
  list: readonly From[],
  path: string,
  convert: (item: From) => To,
): To[] {
  const converted: To[] = []
  for (let at = 0; at < list.length; at += 1) {
    try {
      converted.push(convert(list[at]!))
    } catch (thrown) {
      if (!(thrown instanceof InvalidField)) throw thrown
      throw new InvalidField(
        thrown.path === '' ? `${path}[${at}]` : `${path}[${at}].${thrown.path}`,
        thrown.problem,
      )
    }
  }
  return converted
}
