// The error for a path where a datastore was expected and is not.

import { existsSync } from 'node:fs'
import { CardeaError } from '../../model/errors.ts'

/** CONFIG_INVALID: whether nothing is there, or something else. */
export function noDatastore(path: string): CardeaError {
  const what = existsSync(path)
    ? `${path} is not a Cardea datastore.`
    : `There is no file ${path}. Check the path; relative ones begin at the folder that the command runs in.`
  return new CardeaError('CONFIG_INVALID', what, { path })
}
