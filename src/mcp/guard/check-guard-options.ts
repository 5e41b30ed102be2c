// Options that a guard cannot do without: what is missing and how it is written, before anything is guarded by half.

import { requireOption } from '../../model/require-option.ts'
import type { GuardOptions } from './create-guard.ts'

type Given = { readonly [Option in keyof GuardOptions]?: unknown }

/** Throws CONFIG_INVALID that names the first option that is missing or not what it should be. */
export function checkGuardOptions(options: GuardOptions): void {
  const { authorizer, policy, audit, log, stateKey, listChangedEveryMs }: Given = options ?? {}
  const need = (given: boolean, missing: string, cure: string) =>
    requireOption(given, 'createGuard', missing, cure)
  need(
    has(authorizer, 'checkBulk'),
    'an authorizer',
    authorizer instanceof Promise
      ? 'this one is a promise; write authorizer: await createAuthorizer({ store })'
      : 'write { authorizer: await createAuthorizer({ store }), ... }, or connect({ address, presharedKey }) of cardea/client',
  )
  need(
    typeof policy === 'string' || (typeof policy === 'object' && policy !== null),
    'a policy',
    "write { policy: readFileSync('policy.yaml', 'utf8'), ... }, or the object itself",
  )
  need(
    has(audit, 'append'),
    'an audit sink',
    audit instanceof Promise
      ? 'this one is a promise; write audit: await createAuditLog({ path })'
      : "write { audit: await createAuditLog({ path: 'audit.log' }), ... }; what cannot be recorded is denied",
  )
  need(
    has(log, 'info') && has(log, 'warn') && has(log, 'error'),
    'a log',
    'write { log: pino(), ... }, or an object with info, warn and error, each called with (facts, message)',
  )
  need(
    stateKey === undefined || (stateKey instanceof Uint8Array && stateKey.length === 32),
    'a stateKey of 32 bytes',
    "write stateKey: Buffer.from(secret, 'base64') of a secret made by randomBytes(32), or leave it out",
  )
  need(
    listChangedEveryMs === undefined || Number(listChangedEveryMs) > 0,
    'a listChangedEveryMs above 0',
    'give milliseconds, such as 1000, or leave it out',
  )
}

function has(given: unknown, method: string): boolean {
  return typeof (given as { [name: string]: unknown } | null | undefined)?.[method] === 'function'
}
