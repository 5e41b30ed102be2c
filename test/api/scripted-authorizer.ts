// An Authorizer whose answers a test writes down: for what the doors do with them. Everything else is tested on the real one.

import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { CardeaError } from '../../src/model/errors.ts'

/** Methods that an Authorizer need not have. */
const optional: readonly unknown[] = ['checkAtOnce'] satisfies (keyof Authorizer)[]

/** Calls that are not in the script fail with INTERNAL, so that no test passes by accident. */
export function scriptedAuthorizer(script: Partial<Authorizer>): Authorizer {
  const unscripted = (name: string) => () => {
    throw new CardeaError('INTERNAL', `${name} is not in the script.`)
  }
  return new Proxy(script as Authorizer, {
    get: (target, name) =>
      Reflect.get(target, name) ?? (optional.includes(name) ? undefined : unscripted(String(name))),
  })
}
