// Options that a library call cannot do without, for callers whose editor did not tell them.

import { CardeaError } from './errors.ts'

/** CONFIG_INVALID unless `given`: names the call, what is missing and how it is written. */
export function requireOption(given: boolean, call: string, missing: string, cure: string): void {
  if (given) return
  throw new CardeaError('CONFIG_INVALID', `${call} needs ${missing}: ${cure}.`, { missing })
}
