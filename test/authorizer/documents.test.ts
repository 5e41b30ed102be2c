// The front desk on the documents schema: checks, lookups, reads and writes as a user of the library sees them.

import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { demoRelationships } from '../../src/cli/demo/documents.ts'
import { parseObjectAndRelation, parseRelationship, parseSubject } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'

function question(text: string) {
  const [left, right] = text.split('@') as [string, string]
  const { resource, relation } = parseObjectAndRelation(left)
  return { resource, permission: relation, subject: parseSubject(right) }
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('documents', () => {
  let authorizer: Authorizer
  beforeAll(async () => {
    authorizer = await createAuthorizer({ store: memoryStore() })
    await authorizer.writeSchema(readFileSync('schema/examples/documents.zed', 'utf8'))
    await authorizer.writeRelationships({
      updates: demoRelationships().map((text) => ({
        operation: 'touch',
        relationship: parseRelationship(text),
      })),
    })
  })

  test.each([
    ['document:search-design#view@user:alice', 'has'],
    ['document:draft-of-the-cache#edit@user:carol', 'has'],
    ['document:search-design#view@user:bob', 'no'],
    ['document:travel-policy#view@user:bob', 'has'],
    ['document:hiring-bar#view@user:alice', 'no'],
    ['document:price-list#view@user:alice', 'has'],
    ['document:price-list#view@group:platform#member', 'has'],
    ['document:nothing#view@user:alice', 'no'],
    ['group:platform#member@group:platform#member', 'has'],
  ])('%s: %s', async (text, expected) => {
    const result = await authorizer.check(question(text), { explain: true })
    expect(result.permissionship).toBe(expected)
    expect((await authorizer.check(question(text))).permissionship).toBe(expected)
    if (expected === 'has' && !text.startsWith('group')) expect(result.explanation?.proof).not.toEqual([])
  })

  test.each(['DELETE', 'toch', undefined])(
    'an update whose operation is %s is refused',
    async (operation) => {
      const relationship = parseRelationship('document:search-design#viewer@user:bob')
      const updates = [{ operation, relationship }] as never
      await expect(authorizer.writeRelationships({ updates })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
      const { permissionship } = await authorizer.check(question('document:search-design#view@user:bob'))
      expect(permissionship).toBe('no')
    },
  )

  test('lookup of resources is the set of checks that say yes, at every page size', async () => {
    const subject = parseSubject('user:alice')
    const request = { resourceType: 'document', permission: 'view', subject }
    const all = (await collect(authorizer.lookupResources(request))).map(({ resourceId }) => resourceId)
    const ids = demoRelationships().flatMap((text) =>
      text.startsWith('document:') ? [parseRelationship(text).resource.id] : [],
    )
    const expected: string[] = []
    for (const id of new Set(ids)) {
      const { permissionship } = await authorizer.check({
        resource: { type: 'document', id },
        permission: 'view',
        subject,
      })
      if (permissionship === 'has') expected.push(id)
    }
    expect([...all].sort()).toEqual(expected.sort())
    for (const limit of [1, all.length - 1, all.length, all.length + 1]) {
      const paged: string[] = []
      let cursor: string | undefined
      for (;;) {
        const page = await collect(
          authorizer.lookupResources({ ...request, limit, ...(cursor ? { cursor } : {}) }),
        )
        paged.push(...page.map(({ resourceId }) => resourceId))
        if (page.length < limit) break
        cursor = page.at(-1)!.cursor
      }
      expect(paged).toEqual(all)
    }
  })

  test('lookup of subjects agrees with checks', async () => {
    const found = await collect(
      authorizer.lookupSubjects({
        resource: { type: 'document', id: 'hiring-bar' },
        permission: 'view',
        subjectType: 'user',
      }),
    )
    const ids = found.map(({ subjectId }) => subjectId)
    expect(ids).toContain('carol')
    expect(ids).not.toContain('alice')
    for (const id of ids) {
      const result = await authorizer.check(question(`document:hiring-bar#view@user:${id}`))
      expect(result.permissionship).toBe('has')
    }
  })

  test('reads give every row once, in a stable order, page by page', async () => {
    const filter = { resourceType: 'group' }
    const all = await collect(authorizer.readRelationships({ filter }))
    expect(all).toHaveLength(demoRelationships().filter((text) => text.startsWith('group:')).length)
    const first = await collect(authorizer.readRelationships({ filter, limit: 7 }))
    const second = await collect(
      authorizer.readRelationships({ filter, limit: 7, cursor: first.at(-1)!.cursor }),
    )
    expect([...first, ...second].map((row) => row.relationship)).toEqual(
      all.slice(0, 14).map((row) => row.relationship),
    )
  })

  test('a proof alone evaluates to yes, and no proper subset of it does', async () => {
    const asked = question('document:draft-of-the-agent-gateway#view@user:dave')
    const { explanation } = await authorizer.check(asked, { explain: true })
    const proof = explanation!.proof
    expect(proof.length).toBeGreaterThan(2)
    const ask = async (rows: typeof proof) => {
      const alone = await createAuthorizer({ store: memoryStore() })
      await alone.writeSchema(readFileSync('schema/examples/documents.zed', 'utf8'))
      await alone.writeRelationships({
        updates: rows.map((relationship) => ({ operation: 'create', relationship })),
      })
      return (await alone.check(asked)).permissionship
    }
    expect(await ask(proof)).toBe('has')
    for (const left of proof) expect(await ask(proof.filter((row) => row !== left))).toBe('no')
  })
})
