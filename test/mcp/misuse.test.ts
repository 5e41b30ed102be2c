// What callers without types get wrong around the guard is answered with what is missing and how it is written.

import { afterAll, expect, test } from 'vitest'
import { createAuthorizer, memoryStore } from '../../src/index.ts'
import { createAuditLog, createGuard, createHttpGuard } from '../../src/mcp.ts'
import { documentsPolicy } from './guard/documents.ts'
import { MemoryAudit, memoryLog } from './guard/world.ts'

const calls = { createGuard, createAuditLog, createHttpGuard }
const authorizer = await createAuthorizer({ store: memoryStore() })
afterAll(() => authorizer.close())

const guard = { authorizer, policy: documentsPolicy, audit: new MemoryAudit(), log: memoryLog([]) }
const door = {
  resource: 'https://mcp.example/mcp',
  authorizationServers: ['https://idp.example'],
  verifier: { verify: async () => ({ refusal: { status: 401 } }) },
}
const promise = Promise.resolve({})

const cases: readonly [keyof typeof calls, string, unknown, string][] = [
  ['createGuard', 'nothing', undefined, 'createGuard needs an authorizer: write { authorizer: await create'],
  [
    'createGuard',
    '{}',
    {},
    'createGuard needs an authorizer: write { authorizer: await createAuthorizer({ store })',
  ],
  [
    'createGuard',
    'a promise of an authorizer',
    { ...guard, authorizer: promise },
    'this one is a promise; write authorizer: await createAuthorizer({ store })',
  ],
  [
    'createGuard',
    'no policy',
    { ...guard, policy: undefined },
    'needs a policy: write { policy: readFileSync(',
  ],
  ['createGuard', 'policy null', { ...guard, policy: null }, 'needs a policy'],
  [
    'createGuard',
    'no audit',
    { ...guard, audit: undefined },
    'needs an audit sink: write { audit: await create',
  ],
  [
    'createGuard',
    'a promise of an audit log',
    { ...guard, audit: promise },
    'this one is a promise; write audit: await createAuditLog({ path })',
  ],
  ['createGuard', 'no log', { ...guard, log: undefined }, 'needs a log: write { log: pino(), ... }'],
  ['createGuard', 'half a log', { ...guard, log: { info() {} } }, 'needs a log'],
  ['createGuard', 'a short key', { ...guard, stateKey: new Uint8Array(16) }, 'needs a stateKey of 32 bytes'],
  ['createGuard', 'a key as text', { ...guard, stateKey: 'x'.repeat(32) }, 'needs a stateKey of 32 bytes'],
  ['createGuard', 'no interval', { ...guard, listChangedEveryMs: 0 }, 'needs a listChangedEveryMs above 0'],
  ['createAuditLog', 'nothing', undefined, "createAuditLog needs a path: write { path: 'audit.log' }"],
  ['createAuditLog', '{}', {}, "createAuditLog needs a path: write { path: 'audit.log' }"],
  ['createAuditLog', 'a path alone', 'audit.log', "createAuditLog needs a path: write { path: 'audit.log' }"],
  ['createHttpGuard', 'nothing', undefined, "createHttpGuard needs a resource: write { resource: 'https://"],
  ['createHttpGuard', '{}', {}, "createHttpGuard needs a resource: write { resource: 'https://"],
  [
    'createHttpGuard',
    'no issuers',
    { ...door, authorizationServers: undefined },
    "needs authorizationServers: write { authorizationServers: ['https://",
  ],
  [
    'createHttpGuard',
    'no verifier',
    { ...door, verifier: undefined },
    'needs a verifier: write { verifier: createTokenVerifier({ resource, issuers }), ... }',
  ],
]

test.each(cases)('%s, given %s', async (name, _what, given, message) => {
  const call = calls[name] as (given: unknown) => unknown
  const failed = await new Promise((resolve) => resolve(call(given))).catch((error) => error)
  expect(failed).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) })
})

test('what is complete is taken', () => {
  expect(() => createGuard({ ...guard, stateKey: new Uint8Array(32) })).not.toThrow()
  expect(() => createHttpGuard(door as never)).not.toThrow()
})
