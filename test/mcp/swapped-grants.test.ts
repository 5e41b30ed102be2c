// What a guarded server returns follows from the relationships alone: random grants, then the same with two users swapped.

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AuditEvent, AuditSink } from '../../src/audit/audit.ts'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { createDocumentsServer } from '../../src/cli/demo/documents-server.ts'
import { demoPolicy } from '../../src/cli/demo/policy.ts'
import { createGuard } from '../../src/mcp/guard/create-guard.ts'
import { loadPolicy } from '../../src/mcp/policy/load-policy.ts'
import type { Principal } from '../../src/mcp/principal.ts'
import type { Relationship } from '../../src/model/relationship.ts'
import { parseRelationship, parseSubject } from '../../src/model/relationship-text.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import { ReferenceEvaluator } from '../reference/evaluator.ts'

const schemaText = readFileSync('schema/examples/documents.zed', 'utf8')
const schema = compileSchema(schemaText).schema!

const users = ['alice', 'bob', 'carol']
const documents = Array.from({ length: 8 }, (_, at) => `doc-${at}`)
const folders = ['top', 'middle', 'leaf']
const groups = ['red', 'blue']

const pick = (items: readonly string[]) => fc.constantFrom(...items)
const subject = fc.oneof(
  pick(users).map((id) => `user:${id}`),
  pick(groups).map((id) => `group:${id}#member`),
)
const row = fc.oneof(
  fc
    .tuple(pick(documents), pick(['viewer', 'editor']), subject)
    .map(([id, relation, who]) => `document:${id}#${relation}@${who}`),
  fc
    .tuple(pick(documents), pick(['owner', 'banned']), pick(users))
    .map(([id, relation, who]) => `document:${id}#${relation}@user:${who}`),
  fc.tuple(pick(documents), pick(folders)).map(([id, folder]) => `document:${id}#parent@folder:${folder}`),
  fc.tuple(pick(folders), pick(folders)).map(([id, folder]) => `folder:${id}#parent@folder:${folder}`),
  fc
    .tuple(pick(folders), pick(['viewer', 'owner']), subject)
    .map(([id, relation, who]) => `folder:${id}#${relation}@${who}`),
  fc.tuple(pick(groups), subject).map(([id, who]) => `group:${id}#member@${who}`),
)

/** alice for bob and bob for alice, wherever they stand. */
function swapped(text: string): string {
  const other: Record<string, string> = { 'user:alice': 'user:bob', 'user:bob': 'user:alice' }
  return text.replace(/user:(alice|bob)$/, (found) => other[found]!)
}

const noAudit: AuditSink = { append: async (_: AuditEvent) => {}, close: async () => {} }
const silent = { info: () => {}, warn: () => {}, error: () => {} }

function principalOf(id: string): Principal {
  return {
    issuer: 'https://idp.example',
    subject: id,
    kind: 'user',
    subjectRef: parseSubject(`user:${id}`),
    actors: [],
    scopes: new Set(['docs.read', 'docs.write']),
    claims: { sub: id },
    expiresAtMs: Date.now() + 3_600_000,
  }
}

function documentsFolder(): string {
  const root = mkdtempSync(join(tmpdir(), 'cardea-swap-'))
  mkdirSync(join(root, 'all'))
  for (const id of documents) writeFileSync(join(root, 'all', `${id}.md`), `# ${id}\n\nsame text\n`)
  return root
}

/** What each user gets from the same search, and which documents each may read, through the guard. */
async function guarded(
  root: string,
  rows: readonly string[],
): Promise<Record<string, { found: string[]; read: string[] }>> {
  const authorizer = await createAuthorizer({ store: memoryStore() })
  await authorizer.writeSchema(schemaText)
  await authorizer.writeRelationships({
    updates: rows.map((text) => ({ operation: 'touch', relationship: parseRelationship(text) })),
  })
  const policy = loadPolicy(demoPolicy('https://documents.example/mcp', 'https://idp.example'))
  const guard = createGuard({ authorizer, policy, audit: noAudit, log: silent })
  const seen: Record<string, { found: string[]; read: string[] }> = {}
  for (const user of users) {
    const server = createDocumentsServer(root)
    guard.protect(server, { principal: () => principalOf(user) })
    const [near, far] = InMemoryTransport.createLinkedPair()
    const client = new Client({ name: 'test', version: '1' })
    await Promise.all([server.connect(far), client.connect(near)])
    const result = await client.callTool({ name: 'search_documents', arguments: { query: 'same' } })
    const { results, total } = result.structuredContent as { results: { id: string }[]; total: number }
    expect(total).toBe(results.length)
    expect(JSON.parse((result.content as { text: string }[])[0]!.text)).toEqual(result.structuredContent)
    const read: string[] = []
    for (const id of documents) {
      const reply = await client.callTool({ name: 'read_document', arguments: { id } })
      if (!reply.isError) read.push(id)
    }
    seen[user] = { found: results.map(({ id }) => id), read }
    await client.close()
  }
  await authorizer.close()
  return seen
}

function expectedOf(rows: readonly string[]): Record<string, string[]> {
  const relationships: Relationship[] = rows.map(parseRelationship)
  const judgeCaveat = () => {
    throw new Error('no caveats here')
  }
  const evaluator = new ReferenceEvaluator({ schema, relationships, nowMs: Date.now(), judgeCaveat })
  const may = (user: string, id: string) => {
    const verdict = evaluator.check({ type: 'document', id }, 'view', parseSubject(`user:${user}`))
    return verdict.kind === 'decided' && verdict.permissionship === 'has'
  }
  return Object.fromEntries(users.map((user) => [user, documents.filter((id) => may(user, id))]))
}

describe('a guarded server', () => {
  test('returns what the relationships grant, and swaps when they are swapped', async () => {
    const root = documentsFolder()
    let shown = 0
    let hidden = 0
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(row, { minLength: 5, maxLength: 30 }), async (rows) => {
        const expected = expectedOf(rows)
        const seen = await guarded(root, rows)
        for (const user of users) {
          expect(seen[user]!.found, user).toEqual(expected[user])
          expect(seen[user]!.read, user).toEqual(expected[user])
          shown += expected[user]!.length
          hidden += documents.length - expected[user]!.length
        }
        const after = await guarded(root, [...new Set(rows.map(swapped))])
        expect(after.alice).toEqual(seen.bob)
        expect(after.bob).toEqual(seen.alice)
        expect(after.carol).toEqual(seen.carol)
      }),
      {
        numRuns: 20,
        examples: [
          [
            [
              'folder:top#viewer@group:red#member',
              'document:doc-0#viewer@group:red#member',
              'document:doc-0#viewer@user:alice',
              'group:red#member@group:red#member',
            ],
          ],
        ],
      },
    )
    // Cases that show nothing, or hide nothing, would prove nothing.
    expect(shown).toBeGreaterThan(50)
    expect(hidden).toBeGreaterThan(50)
  })
})
