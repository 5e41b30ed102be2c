// The store contract as cases. Every kind of store runs all of them; a kind that cannot names the case and the reason.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RelationshipFilter } from '../../src/model/filter.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import type { LogEntry, ObjectKey, SchemaGuard, Store } from '../../src/store/store.ts'
import {
  batches,
  collect,
  conditions,
  create,
  lines,
  load,
  nowMs,
  Recorder,
  remove,
  replay,
  stateOf,
  touch,
  until,
  write,
} from './support.ts'

export interface OpenOptions {
  readonly clock: () => number
  readonly maxChangesPerTransaction?: number
}

/** How a kind of store is opened for the cases, and which of them it cannot run. */
export interface StoreKind {
  readonly name: string
  /** A fresh, empty datastore. The cases close what they opened. */
  open(options: OpenOptions): Promise<Store>
  /** Another handle on the same datastore, as another process would have it. */
  openAgain?(store: Store): Promise<Store>
  /** By case name: why it does not run. */
  readonly skip?: { readonly [caseName: string]: string }
}

const epoch0 = { revision: 0, nonce: '' }
const past = '[expiration:2029-12-31T23:59:59Z]'
const future = '[expiration:2030-01-01T00:00:01Z]'

export function storeConformance(kind: StoreKind): void {
  describe(`${kind.name} store`, () => {
    let store: Store
    let clockMs: number
    const opened: Store[] = []
    const open = async (options: Partial<OpenOptions> = {}): Promise<Store> => {
      const fresh = await kind.open({ clock: () => clockMs, ...options })
      opened.push(fresh)
      return fresh
    }
    const again = async (): Promise<Store> => {
      const handle = await kind.openAgain!(store)
      opened.push(handle)
      return handle
    }
    const it = (name: string, body: () => Promise<void>) => {
      const reason = kind.skip?.[name]
      if (reason === undefined) test(name, body)
      else test.skip(`${name} (not for ${kind.name}: ${reason})`, body)
    }
    beforeEach(async () => {
      clockMs = nowMs
      store = await open()
    })
    afterEach(async () => {
      for (const handle of opened.splice(0)) await handle.close()
    })

    const log = () => collect(store.log(0))
    const rows = async () => (await load(store)).rows
    const fails = (code: string, facts: object = {}) => ({ code, facts: expect.objectContaining(facts) })
    const schema = async (text: string, guards: readonly SchemaGuard[] = []) =>
      (await store.writeSchema(text, guards, await conditions(store))).head

    describe('identity and the empty datastore', () => {
      it('has a random identity', async () => {
        const other = await open()
        expect(store.identity.datastoreId).toMatch(/^[0-9a-f]{16,}$/)
        expect(other.identity.datastoreId).not.toBe(store.identity.datastoreId)
        expect(store.identity.epoch).toBe(1)
        expect(store.identity.tokenKeys.map((key) => key.length)).toEqual([32])
        expect(store.identity.tokenKeys[0]).not.toEqual(other.identity.tokenKeys[0])
      })

      it('starts at revision 0 with nothing in it', async () => {
        expect(await store.head()).toEqual({ ...epoch0, committedAtMs: 0, schemaRevision: 0 })
        expect(await load(store)).toMatchObject({ rows: [], names: [''], schemaText: undefined })
        expect(await log()).toEqual([])
        expect(await store.schemaAt(0)).toBeUndefined()
        expect(await store.oldestRevision()).toBe(0)
      })
    })

    describe('writes', () => {
      it('example of the contract: touch, delete, delete again', async () => {
        expect((await write(store, touch('doc:a#viewer@user:ann'))).revision).toBe(1)
        expect((await write(store, remove('doc:a#viewer@user:ann'))).revision).toBe(2)
        const head = await write(store, remove('doc:a#viewer@user:ann'))
        expect(head).toEqual(await store.head())
        const entries = (await log()).filter(({ changes }) => changes.length > 0)
        expect(entries.map((entry) => [entry.revision, ...lines(entry)])).toEqual([
          [1, 'touch doc:a#viewer@user:ann'],
          [2, 'delete doc:a#viewer@user:ann'],
        ])
        expect(entries.map(({ changes }) => changes[0]!.previous)).toEqual([undefined, {}])
      })

      it('entries carry revision, nonce, clock, schema revision and metadata', async () => {
        clockMs = nowMs + 5
        const metadata = { actor: 'ann', nested: { b: 2, a: [1, null, 'x'] } }
        const head = await write(store, touch('doc:a#viewer@user:ann'), { metadata })
        expect(head).toEqual({
          revision: 1,
          nonce: expect.stringMatching(/^[0-9a-f]{16}$/),
          committedAtMs: clockMs,
          schemaRevision: 0,
        })
        expect(await store.head()).toEqual(head)
        const [entry] = await log()
        expect(entry).toMatchObject({ ...head, metadata })
        expect((await write(store, touch('doc:b#viewer@user:ann'))).nonce).not.toBe(head.nonce)
        expect((await log())[1]!.metadata).toBeUndefined()
      })

      it('a create of a live row fails and undoes the whole write', async () => {
        await write(store, create('doc:a#viewer@user:ann'))
        const objects = (await load(store)).objects
        await expect(
          write(
            store,
            create('doc:new#viewer@user:new', 'doc:a#viewer@user:ann[tz:{"a":1}]', 'doc:c#viewer@user:c'),
          ),
        ).rejects.toMatchObject(
          fails('RELATIONSHIP_EXISTS', {
            relationship: 'doc:a#viewer@user:ann',
            resource_type: 'doc',
            resource_object_id: 'a',
            resource_relation: 'viewer',
            subject_type: 'user',
            subject_object_id: 'ann',
          }),
        )
        const state = await load(store)
        expect(state.rows).toEqual(['doc:a#viewer@user:ann'])
        expect(state.objects).toEqual(objects)
        expect(state.head.revision).toBe(1)
        await write(store, create('doc:c#viewer@user:c'))
        expect(await rows()).toEqual(['doc:a#viewer@user:ann', 'doc:c#viewer@user:c'])
      })

      it('a touch replaces caveat, context and expiry, and clears them', async () => {
        const identity = 'doc:a#viewer@user:ann'
        for (const traits of ['[tz:{"zone":"utc"}]', `[tz]${future}`, future, '']) {
          await write(store, touch(identity + traits))
          expect(await rows()).toEqual([identity + traits.replace('01Z', '01.000Z')])
        }
        expect((await log()).map(({ changes }) => changes[0]!.previous)).toEqual([
          undefined,
          { caveat: { name: 'tz', context: { zone: 'utc' } } },
          { caveat: { name: 'tz' }, expiresAtMs: nowMs + 1000 },
          { expiresAtMs: nowMs + 1000 },
        ])
      })

      it('an identical touch leaves no change, whatever the order of context keys', async () => {
        const head = await write(store, touch(`doc:a#viewer@user:ann[tz:{"b":{"y":1,"x":2},"a":1}]${future}`))
        const same = touch(`doc:a#viewer@user:ann[tz:{"a":1,"b":{"x":2,"y":1}}]${future}`)
        expect(await write(store, same)).toEqual(head)
        expect(await write(store, touch('doc:b#viewer@user:ann[tz]'))).toMatchObject({ revision: 2 })
        const empty = [
          { operation: 'touch' as const, relationship: parseRelationship('doc:b#viewer@user:ann[tz]') },
        ].map((update) => ({
          ...update,
          relationship: { ...update.relationship, caveat: { name: 'tz', context: {} } },
        }))
        expect(await write(store, empty)).toMatchObject({ revision: 2 })
        expect((await log()).flatMap(lines)).toHaveLength(2)
      })

      it('in one write, only what changed is in the entry', async () => {
        await write(store, touch('doc:a#viewer@user:ann', 'doc:b#viewer@user:ann'))
        await write(store, [
          ...touch('doc:a#viewer@user:ann', 'doc:c#viewer@user:ann'),
          ...remove('doc:b#viewer@user:ann', 'doc:never#viewer@user:ann'),
          ...create('doc:d#viewer@user:ann'),
        ])
        expect(lines((await log())[1]!)).toEqual([
          'touch doc:c#viewer@user:ann',
          'delete doc:b#viewer@user:ann',
          'touch doc:d#viewer@user:ann',
        ])
      })

      it('deletes by identity, whatever traits the update names', async () => {
        await write(store, touch(`doc:a#viewer@user:ann[tz:{"zone":"utc"}]${future}`))
        await write(store, remove('doc:a#viewer@user:ann[other]'))
        expect(await rows()).toEqual([])
        const [change] = (await log())[1]!.changes
        expect(change).toMatchObject({
          operation: 'delete',
          relationship: parseRelationship(`doc:a#viewer@user:ann[tz:{"zone":"utc"}]${future}`),
          previous: { caveat: { name: 'tz', context: { zone: 'utc' } }, expiresAtMs: nowMs + 1000 },
        })
      })

      it('an empty write answers the head', async () => {
        expect((await write(store, [])).revision).toBe(0)
        const head = await write(store, touch('doc:a#viewer@user:ann'))
        expect(await write(store, [])).toEqual(head)
      })

      it('what the writer does with its objects afterwards changes nothing', async () => {
        const listener = new Recorder()
        await store.follow(epoch0, listener)
        const context = { zone: 'utc' }
        const relationship = {
          ...parseRelationship('doc:a#viewer@user:ann'),
          caveat: { name: 'tz', context },
        }
        const metadata = { actor: 'ann' }
        const written = store.write([{ operation: 'touch', relationship }], {
          schemaRevision: 0,
          nowMs,
          metadata,
        })
        context.zone = 'mars'
        relationship.relation = 'owner'
        metadata.actor = 'bob'
        await written
        expect(await rows()).toEqual(['doc:a#viewer@user:ann[tz:{"zone":"utc"}]'])
        expect(listener.entries.flatMap(lines)).toEqual(['touch doc:a#viewer@user:ann[tz:{"zone":"utc"}]'])
        expect(listener.entries[0]!.metadata).toEqual({ actor: 'ann' })
      })

      it('context nested too deeply is refused and nothing written', async () => {
        const deep = JSON.parse(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`)
        const relationship = {
          ...parseRelationship('doc:a#viewer@user:ann'),
          caveat: { name: 'tz', context: deep },
        }
        await expect(
          store.write([...touch('doc:b#viewer@user:ann'), { operation: 'touch', relationship }], {
            schemaRevision: 0,
            nowMs,
          }),
        ).rejects.toMatchObject(fails('INVALID_ARGUMENT'))
        expect(await rows()).toEqual([])
      })

      it('more changes than one transaction may hold are refused and nothing written', async () => {
        store = await open({ maxChangesPerTransaction: 3 })
        const three = ['doc:a#viewer@user:ann', 'doc:b#viewer@user:ann', 'doc:c#viewer@user:ann']
        const four = touch(...three, 'doc:d#viewer@user:ann')
        const refusal = fails('LIMIT_EXCEEDED', { setting: 'maxChangesPerTransaction', limit: '3' })
        await expect(write(store, four)).rejects.toMatchObject(refusal)
        const stream = batches(
          four.slice(0, 2).map(({ relationship }) => relationship),
          four.slice(2).map(({ relationship }) => relationship),
        )
        await expect(store.importRows(stream, await conditions(store))).rejects.toMatchObject(refusal)
        expect(await rows()).toEqual([])
        await write(store, touch(...three))
        await write(store, touch('doc:d#viewer@user:ann'))
        const all = { resourceType: 'doc' }
        const deletion = (limit: number) =>
          conditions(store).then((held) => store.deleteMatching(all, { limit, allowPartial: true }, held))
        await expect(deletion(0)).rejects.toMatchObject(refusal)
        expect(await rows()).toHaveLength(4)
        expect(await deletion(3)).toMatchObject({ deletedCount: 3 })
      })
    })

    describe('names and ids', () => {
      it('keeps apart ids that differ in case, in trailing characters, in signs that look alike', async () => {
        const ids = [
          'a',
          'A',
          'aa',
          'aA',
          'a-',
          'a_',
          'a=',
          'a+',
          'a/',
          'a|',
          '-a',
          '_a',
          '0',
          '00',
          '1',
          '01',
          '1e0',
        ]
        ids.push(
          '1+0',
          '-1',
          'fi',
          'ss',
          'SS',
          'i',
          'I',
          'l',
          'null',
          'NULL',
          'true',
          '0x1',
          '9007199254740993',
        )
        const texts = ids.flatMap((id) => [`doc:${id}#viewer@user:x`, `doc:x#viewer@user:${id}`])
        await write(store, create(...texts))
        expect(await rows()).toEqual([...texts].sort())
        await write(store, remove('doc:a#viewer@user:x', 'doc:x#viewer@user:SS'))
        expect(await rows()).toEqual(
          texts.filter((text) => !['doc:a#viewer@user:x', 'doc:x#viewer@user:SS'].includes(text)).sort(),
        )
      })

      it('keeps ids of 1024 bytes that differ in the last one only', async () => {
        const long = 'x'.repeat(1023)
        const texts = ['0', '1', '/'].map((end) => `doc:${long}${end}#viewer@user:${long}${end}`)
        await write(store, create(...texts))
        expect(await rows()).toEqual([...texts].sort())
        const found = await matching({ resourceType: 'doc', resourceIdPrefix: `${long}1` })
        expect(found).toEqual([texts[1]])
      })

      it('keeps apart types with prefixes, relations, subject relations and wildcards', async () => {
        const texts = [
          'doc:a#viewer@user:*',
          'doc:a#viewer@user:star',
          'doc:a#viewer@team:ops',
          'doc:a#viewer@team:ops#member',
          'doc:a#viewer@team:ops#owner',
          'doc:a#editor@team:ops#member',
          'org/doc:a#viewer@user:star',
          'org/doc:a#viewer@org/user:star',
          'team:ops#viewer@doc:a',
          'doc:doc#doc@doc:doc#doc',
        ]
        await write(store, create(...texts))
        expect(await rows()).toEqual([...texts].sort())
        await write(store, remove('doc:a#viewer@team:ops'))
        expect(await rows()).toEqual(texts.filter((text) => text !== 'doc:a#viewer@team:ops').sort())
      })

      it('gives object keys in the order of first use, never twice, the same in log and load', async () => {
        await write(store, touch('doc:a#viewer@user:ann', 'doc:b#viewer@user:ann'))
        await write(store, remove('doc:a#viewer@user:ann'))
        await expect(write(store, create('doc:z#viewer@user:z', 'doc:b#viewer@user:ann'))).rejects.toThrow()
        await write(store, touch('doc:c#viewer@user:bob', 'doc:a#viewer@user:ann'))
        const { objects } = await load(store)
        expect([...objects.values()]).toEqual(['doc:a', 'user:ann', 'doc:b', 'doc:c', 'user:bob'])
        for (const { changes } of await log()) {
          for (const { relationship, resourceKey, subjectKey } of changes) {
            expect(objects.get(resourceKey)).toBe(`${relationship.resource.type}:${relationship.resource.id}`)
            expect(objects.get(subjectKey)).toBe(`${relationship.subject.type}:${relationship.subject.id}`)
          }
        }
      })
    })

    // A live row that matches a filter, asked through the contract: what must_match and deleteMatching see.
    const matching = async (filter: RelationshipFilter): Promise<string[]> => {
      const before = await rows()
      const { deletedCount, head } = await store.deleteMatching(
        filter,
        { limit: 0, allowPartial: false },
        await conditions(store),
      )
      const after = new Set(await rows())
      const gone = before.filter((text) => !after.has(text))
      expect(deletedCount).toBe(gone.length)
      if (gone.length > 0) {
        const [entry] = await collect(store.log(head.revision - 1))
        expect(entry!.changes.map(({ operation }) => operation)).toEqual(gone.map(() => 'delete'))
        expect(lines(entry!).sort()).toEqual(gone.map((text) => `delete ${text}`).sort())
        await write(store, touch(...gone))
      }
      return gone
    }

    describe('filters', () => {
      const texts = [
        'doc:a#viewer@user:ann',
        'doc:a#viewer@user:bob[tz]',
        'doc:a#editor@team:ops#member',
        'doc:ab#viewer@team:ops',
        'doc:B#viewer@user:ann',
        'team:ops#member@user:ann',
        'team:ops#member@user:*',
      ]
      const cases: [RelationshipFilter, (text: string) => boolean][] = [
        [{}, () => true],
        [{ resourceType: 'doc' }, (text) => text.startsWith('doc:')],
        [{ resourceType: 'doc', resourceId: 'a' }, (text) => text.startsWith('doc:a#')],
        [
          { resourceType: 'doc', resourceId: 'a', relation: 'viewer' },
          (text) => text.startsWith('doc:a#viewer'),
        ],
        [{ resourceType: 'doc', resourceIdPrefix: 'a' }, (text) => text.startsWith('doc:a')],
        [{ resourceIdPrefix: 'o' }, (text) => text.startsWith('team:')],
        [{ resourceType: 'doc', resourceIdPrefix: '' }, (text) => text.startsWith('doc:')],
        [{ resourceId: 'ops' }, (text) => text.startsWith('team:ops')],
        [{ relation: 'viewer' }, (text) => text.includes('#viewer@')],
        [{ subject: { type: 'user' } }, (text) => text.includes('@user:')],
        [{ subject: { type: 'user', id: 'ann' } }, (text) => text.includes('@user:ann')],
        [{ subject: { type: 'user', id: '*' } }, (text) => text.includes('@user:*')],
        [{ subject: { type: 'team', relation: '' } }, (text) => text.endsWith('@team:ops')],
        [{ subject: { type: 'team', relation: 'member' } }, (text) => text.endsWith('#member')],
        [{ subject: { type: 'team', id: 'ops' } }, (text) => text.includes('@team:ops')],
        [
          { resourceType: 'doc', relation: 'viewer', subject: { type: 'user', id: 'ann', relation: '' } },
          (text) => /^doc:.*viewer@user:ann$/.test(text),
        ],
        [{ resourceType: 'unknown' }, () => false],
        [{ resourceType: 'doc', resourceId: 'zzz' }, () => false],
        [{ resourceType: 'DOC' }, () => false],
        [{ resourceType: 'doc', relation: 'unknown' }, () => false],
        [{ subject: { type: 'unknown', id: 'x' } }, () => false],
        [{ subject: { type: 'team', relation: 'unknown' } }, () => false],
        [{ resourceType: 'doc', resourceIdPrefix: '%' }, () => false],
      ]

      it('deleteMatching and preconditions see exactly what matches', async () => {
        await write(store, touch(...texts, `doc:expired#viewer@user:ann${past}`))
        for (const [filter, matches] of cases) {
          const expected = texts.filter(matches).sort()
          expect([filter, await matching(filter)]).toEqual([filter, expected])
          for (const operation of ['must_match', 'must_not_match'] as const) {
            const attempt = write(store, [], { preconditions: [{ operation, filter }] })
            if ((operation === 'must_match') === expected.length > 0) await attempt
            else await expect(attempt).rejects.toMatchObject(fails('PRECONDITION_FAILED'))
          }
        }
      })
    })

    describe('conditions', () => {
      it('preconditions look at the state before the write, and all must hold', async () => {
        await write(store, touch('doc:a#viewer@user:ann'))
        const filter = { resourceType: 'doc', resourceId: 'a', relation: 'viewer' }
        const none = { operation: 'must_not_match', filter } as const
        const some = { operation: 'must_match', filter } as const
        await write(store, remove('doc:a#viewer@user:ann'), { preconditions: [some] })
        await expect(
          write(store, touch('doc:a#viewer@user:bob'), { preconditions: [none, some] }),
        ).rejects.toMatchObject(
          fails('PRECONDITION_FAILED', {
            precondition_operation: 'OPERATION_MUST_MATCH',
            precondition_resource_type: 'doc',
            precondition_resource_id: 'a',
            precondition_relation: 'viewer',
          }),
        )
        expect(await rows()).toEqual([])
        await write(store, touch('doc:a#viewer@user:bob'), { preconditions: [none] })
        await expect(
          write(store, touch('doc:a#viewer@user:cid'), { preconditions: [none] }),
        ).rejects.toMatchObject(fails('PRECONDITION_FAILED'))
        expect(await rows()).toEqual(['doc:a#viewer@user:bob'])
      })

      it('only one of many racing writers gets past a must_not_match', async () => {
        const filter = { resourceType: 'doc', resourceId: 'lock' }
        const attempts = await Promise.allSettled(
          Array.from({ length: 16 }, (_, n) =>
            write(store, touch(`doc:lock#owner@user:u${n}`), {
              preconditions: [{ operation: 'must_not_match', filter }],
            }),
          ),
        )
        expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        expect(await rows()).toHaveLength(1)
      })

      it('a schema that the writer did not know fails every kind of write', async () => {
        const { revision } = await schema('definition user {}')
        expect(revision).toBe(1)
        const stale = { schemaRevision: 0, nowMs }
        const refusal = fails('SCHEMA_CHANGED', { validated_schema_revision: '0', schema_revision: '1' })
        const row = parseRelationship('doc:a#viewer@user:ann')
        await expect(store.write(touch('doc:a#viewer@user:ann'), stale)).rejects.toMatchObject(refusal)
        await expect(store.writeSchema('other', [], stale)).rejects.toMatchObject(refusal)
        await expect(store.importRows(batches([row]), stale)).rejects.toMatchObject(refusal)
        await expect(
          store.deleteMatching({ resourceType: 'doc' }, { limit: 0, allowPartial: false }, stale),
        ).rejects.toMatchObject(refusal)
        await expect(store.write([], { schemaRevision: 2, nowMs })).rejects.toMatchObject(
          fails('SCHEMA_CHANGED'),
        )
        expect((await store.head()).revision).toBe(1)
      })

      it('a base revision holds only while it is the head', async () => {
        await write(store, touch('doc:a#viewer@user:ann'))
        await write(store, touch('doc:b#viewer@user:ann'), { baseRevision: 1 })
        await expect(write(store, touch('doc:c#viewer@user:ann'), { baseRevision: 1 })).rejects.toMatchObject(
          fails('SERIALIZATION_FAILURE', { base_revision: '1', head_revision: '2' }),
        )
        const raced = await Promise.allSettled(
          [1, 2, 3].map((n) => write(store, touch(`doc:r${n}#viewer@user:ann`), { baseRevision: 2 })),
        )
        expect(raced.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        expect(await rows()).toHaveLength(3)
      })
    })

    describe('expiry', () => {
      it('an expired row counts as absent for create, preconditions and touch, and is still loaded', async () => {
        await write(store, touch(`doc:a#viewer@user:ann${past}`))
        expect(await rows()).toEqual(['doc:a#viewer@user:ann[expiration:2029-12-31T23:59:59.000Z]'])
        const filter = { resourceType: 'doc', resourceId: 'a' }
        await write(store, [], { preconditions: [{ operation: 'must_not_match', filter }] })
        await expect(
          write(store, [], { preconditions: [{ operation: 'must_match', filter }] }),
        ).rejects.toMatchObject(fails('PRECONDITION_FAILED'))
        expect((await write(store, touch(`doc:a#viewer@user:ann${past}`))).revision).toBe(2)
        expect((await write(store, create(`doc:a#viewer@user:ann${future}`))).revision).toBe(3)
        expect((await log()).map(({ changes }) => changes[0]!.previous)).toEqual([
          undefined,
          { expiresAtMs: nowMs - 1000 },
          { expiresAtMs: nowMs - 1000 },
        ])
      })

      it('the writer’s clock decides, to the millisecond', async () => {
        await write(store, touch(`doc:a#viewer@user:ann${future}`))
        await expect(
          write(store, create('doc:a#viewer@user:ann'), { nowMs: nowMs + 999 }),
        ).rejects.toMatchObject(fails('RELATIONSHIP_EXISTS'))
        await write(store, create('doc:a#viewer@user:ann'), { nowMs: nowMs + 1000 })
        expect(await rows()).toEqual(['doc:a#viewer@user:ann'])
      })

      it('a delete by identity takes an expired row too, deleteMatching leaves it', async () => {
        await write(store, touch(`doc:a#viewer@user:ann${past}`, 'doc:b#viewer@user:ann'))
        const deleted = await store.deleteMatching(
          { resourceType: 'doc' },
          { limit: 0, allowPartial: false },
          await conditions(store),
        )
        expect(deleted.deletedCount).toBe(1)
        expect(await rows()).toHaveLength(1)
        await write(store, remove('doc:a#viewer@user:ann'))
        expect(await rows()).toEqual([])
        expect((await log()).at(-1)!.changes[0]).toMatchObject({
          operation: 'delete',
          previous: { expiresAtMs: nowMs - 1000 },
        })
      })
    })

    describe('deleteMatching', () => {
      const deletion = async (limit: number, allowPartial: boolean) =>
        store.deleteMatching({ resourceType: 'doc' }, { limit, allowPartial }, await conditions(store))

      beforeEach(async () => {
        await write(store, touch(...['a', 'b', 'c', 'd', 'e'].map((id) => `doc:${id}#viewer@user:ann`)))
      })

      it('without a limit deletes all that match', async () => {
        expect(await deletion(0, false)).toMatchObject({
          deletedCount: 5,
          reachedLimit: false,
          head: { revision: 2 },
        })
        expect(await deletion(0, false)).toMatchObject({ deletedCount: 0, head: { revision: 2 } })
      })

      it('with more than the limit and no partial deletion deletes nothing', async () => {
        await expect(deletion(4, false)).rejects.toMatchObject(
          fails('TOO_MANY_RELATIONSHIPS_FOR_TRANSACTIONAL_DELETE', { limit: '4' }),
        )
        expect(await rows()).toHaveLength(5)
        expect(await store.head()).toMatchObject({ revision: 1 })
        expect(await deletion(6, false)).toMatchObject({ deletedCount: 5, reachedLimit: false })
      })

      it('says that the limit was reached also when nothing is left', async () => {
        expect(await deletion(5, false)).toMatchObject({ deletedCount: 5, reachedLimit: true })
      })

      it('deletes in parts up to the limit', async () => {
        const counts = []
        for (let reached = true; reached; ) {
          const part = await deletion(2, true)
          counts.push(part.deletedCount)
          reached = part.reachedLimit
        }
        expect(counts).toEqual([2, 2, 1])
        expect(replay(await log())).toEqual([])
      })

      it('holds its preconditions', async () => {
        const preconditions = [{ operation: 'must_match' as const, filter: { resourceType: 'team' } }]
        await expect(
          store.deleteMatching(
            { resourceType: 'doc' },
            { limit: 0, allowPartial: false },
            await conditions(store, { preconditions }),
          ),
        ).rejects.toMatchObject(fails('PRECONDITION_FAILED'))
        expect(await rows()).toHaveLength(5)
      })
    })

    describe('importRows', () => {
      it('inserts a stream in one transaction', async () => {
        const texts = Array.from({ length: 2500 }, (_, n) => `doc:d${n}#viewer@user:u${n % 7}`)
        const all = texts.map(parseRelationship)
        const metadata = { from: 'file' }
        const { head, count } = await store.importRows(
          batches(all.slice(0, 1000), [], all.slice(1000, 2001), all.slice(2001)),
          await conditions(store, { metadata }),
        )
        expect([head.revision, count]).toEqual([1, 2500])
        expect(await rows()).toEqual([...texts].sort())
        const [entry] = await log()
        expect(entry!.metadata).toEqual(metadata)
        expect(replay([entry!])).toEqual([...texts].sort())
      })

      it('fails as a whole on a row that exists, on a row that comes twice, on a stream that breaks', async () => {
        await write(store, touch('doc:a#viewer@user:ann'))
        const [fresh, other, known] = [
          'doc:new#viewer@user:ann',
          'doc:new2#viewer@user:ann',
          'doc:a#viewer@user:ann',
        ].map(parseRelationship)
        const attempt = async (stream: Parameters<Store['importRows']>[0]) =>
          store.importRows(stream, await conditions(store))
        await expect(attempt(batches([fresh!], [known!]))).rejects.toMatchObject(fails('RELATIONSHIP_EXISTS'))
        await expect(attempt(batches([fresh!, other!], [fresh!]))).rejects.toMatchObject(
          fails('RELATIONSHIP_EXISTS', { relationship: 'doc:new#viewer@user:ann' }),
        )
        async function* breaking() {
          yield [fresh!]
          throw new Error('the sender went away')
        }
        await expect(attempt(breaking())).rejects.toThrow('the sender went away')
        expect(await rows()).toEqual(['doc:a#viewer@user:ann'])
        expect((await store.head()).revision).toBe(1)
      })

      it('of nothing answers the head', async () => {
        const head = await write(store, touch('doc:a#viewer@user:ann'))
        expect(await store.importRows(batches(), await conditions(store))).toEqual({ head, count: 0 })
      })
    })

    describe('schema', () => {
      it('is written in its own transaction and read at any revision', async () => {
        expect(await schema('definition user {}')).toMatchObject({ revision: 1, schemaRevision: 1 })
        expect(await write(store, touch('doc:a#viewer@user:ann'))).toMatchObject({
          revision: 2,
          schemaRevision: 1,
        })
        expect(await schema('definition user {} // zwölf 🦊\n')).toMatchObject({
          revision: 3,
          schemaRevision: 3,
        })
        expect(await store.schemaAt(0)).toBeUndefined()
        expect(await store.schemaAt(1)).toEqual({ text: 'definition user {}', revision: 1 })
        expect(await store.schemaAt(2)).toEqual({ text: 'definition user {}', revision: 1 })
        expect(await store.schemaAt(3)).toEqual({ text: 'definition user {} // zwölf 🦊\n', revision: 3 })
        expect(await load(store)).toMatchObject({
          schemaText: 'definition user {} // zwölf 🦊\n',
          head: { revision: 3, schemaRevision: 3 },
        })
        const entries = await log()
        expect(entries.map(({ schemaText }) => schemaText)).toEqual([
          'definition user {}',
          undefined,
          'definition user {} // zwölf 🦊\n',
        ])
        expect(entries.map(({ schemaRevision }) => schemaRevision)).toEqual([1, 1, 3])
        await schema('')
        expect(await store.schemaAt(4)).toEqual({ text: '', revision: 4 })
      })

      it('is blocked by a live row that a guard finds, and by no other', async () => {
        await write(
          store,
          touch(
            'doc:a#viewer@user:ann',
            'doc:a#viewer@user:bob[tz:{"zone":"utc"}]',
            `doc:a#viewer@user:cid${future}`,
            `doc:a#viewer@user:dan[tz]${future}`,
            `doc:a#editor@user:ann${past}`,
          ),
        )
        const guard = (more: Partial<SchemaGuard>): SchemaGuard => ({
          filter: { resourceType: 'doc', relation: 'viewer' },
          message: 'Remove the relationships of doc#viewer first.',
          facts: { operation: 'remove relation' },
          ...more,
        })
        const cases: [Partial<SchemaGuard>, string | undefined][] = [
          [{ caveat: 'tz', expiration: false }, 'doc:a#viewer@user:bob[tz:{"zone":"utc"}]'],
          [{ caveat: null, expiration: false }, 'doc:a#viewer@user:ann'],
          [{ caveat: null, expiration: true }, 'doc:a#viewer@user:cid[expiration:2030-01-01T00:00:01.000Z]'],
          [
            { caveat: 'tz', expiration: true },
            'doc:a#viewer@user:dan[tz][expiration:2030-01-01T00:00:01.000Z]',
          ],
          [{ caveat: 'other' }, undefined],
          [{ filter: { resourceType: 'doc', relation: 'editor' } }, undefined],
          [{ filter: { resourceType: 'doc', subject: { type: 'team' } } }, undefined],
          [{ filter: { subject: { type: 'user', id: 'ann' } }, expiration: true }, undefined],
        ]
        for (const [more, blocking] of cases) {
          const attempt = schema('definition doc {}', [guard({ caveat: 'none' }), guard(more)])
          if (blocking === undefined) await attempt
          else {
            await expect(attempt).rejects.toMatchObject({
              ...fails('SCHEMA_BLOCKED_BY_DATA', { operation: 'remove relation', relationship: blocking }),
              message: expect.stringContaining('Remove the relationships'),
            })
            expect((await store.head()).schemaRevision).toBe(0)
          }
        }
        await expect(schema('definition doc {}', [guard({})])).rejects.toMatchObject(
          fails('SCHEMA_BLOCKED_BY_DATA'),
        )
      })
    })

    describe('log', () => {
      it('gives the entries in (after, upTo], ascending, and replays to what load gives', async () => {
        await schema('definition user {}')
        for (let n = 0; n < 40; n++) {
          await write(store, [
            ...touch(`doc:d${n % 5}#viewer@user:u${n % 3}[tz:{"n":${n % 4}}]`, `doc:d${n}#editor@user:u1`),
            ...remove(...(n < 3 ? [] : [`doc:d${n - 3}#editor@user:u1`])),
          ])
        }
        const entries = await log()
        expect(entries.map(({ revision }) => revision)).toEqual(Array.from({ length: 41 }, (_, n) => n + 1))
        expect(replay(entries)).toEqual(await rows())
        const part = await collect(store.log(10, 20))
        expect(part).toEqual(entries.slice(10, 20))
        expect(await collect(store.log(41))).toEqual([])
        expect(await collect(store.log(40, 1000))).toEqual(entries.slice(40))
        expect(await collect(store.log(20, 10))).toEqual([])
      })

      it('of a busy datastore is gapless and consistent', async () => {
        const writers = Array.from({ length: 8 }, async (_, writer) => {
          for (let n = 0; n < 25; n++) {
            await write(store, touch(`doc:d${n}#viewer@user:u${writer}`, `doc:d${n}#editor@user:u${writer}`))
            if (n % 3 === 0) await write(store, remove(`doc:d${n}#viewer@user:u${writer}`))
          }
        })
        const seen: LogEntry[] = []
        const reader = (async () => {
          while (seen.length < 100) {
            for await (const entry of store.log(seen.at(-1)?.revision ?? 0)) seen.push(entry)
            await new Promise((resolve) => setTimeout(resolve, 1))
          }
        })()
        await Promise.all([...writers, reader])
        const entries = await log()
        expect(entries.slice(0, seen.length)).toEqual(seen)
        expect(entries).toHaveLength(8 * (25 + 9))
        expect(replay(entries)).toEqual(await rows())
      })
    })

    describe('follow', () => {
      it('delivers what was missed, then each entry before the write resolves, in order, once', async () => {
        await write(store, touch('doc:a#viewer@user:ann'))
        await schema('definition user {}')
        const listener = new Recorder()
        await store.follow(epoch0, listener)
        expect(listener.revisions).toEqual([1, 2])
        expect(listener.heads.at(-1)).toEqual(await store.head())
        for (let n = 0; n < 10; n++) {
          const { revision } = await write(store, touch(`doc:d${n}#viewer@user:ann`))
          expect(listener.revisions.at(-1)).toBe(revision)
        }
        await Promise.all(
          Array.from({ length: 50 }, async (_, n) => {
            const { revision } = await write(store, touch(`doc:p${n}#viewer@user:ann`))
            expect(listener.revisions).toContain(revision)
          }),
        )
        await store.importRows(batches([parseRelationship('doc:i#viewer@user:ann')]), await conditions(store))
        await store.deleteMatching(
          { resourceType: 'doc', resourceIdPrefix: 'd' },
          { limit: 0, allowPartial: false },
          await conditions(store),
        )
        await schema('definition other {}')
        expect(listener.entries).toEqual(await log())
        expect(replay(listener.entries)).toEqual(await rows())
        expect(listener.breaks).toEqual([])
      })

      it('delivers a long past too', async () => {
        const rows = (part: number) =>
          Array.from({ length: 6000 }, (_, n) => parseRelationship(`doc:p${part}n${n}#viewer@user:u${n % 9}`))
        for (const part of [1, 2, 3, 4]) await store.importRows(batches(rows(part)), await conditions(store))
        const listener = new Recorder()
        await store.follow(epoch0, listener)
        expect(listener.revisions).toEqual([1, 2, 3, 4])
        await write(store, touch('doc:last#viewer@user:ann'))
        expect(listener.entries.map(({ changes }) => changes.length)).toEqual([6000, 6000, 6000, 6000, 1])
        expect((await log()).map(({ changes }) => changes.length)).toEqual([6000, 6000, 6000, 6000, 1])
      })

      it('starts anywhere and ends when told', async () => {
        const first = await write(store, touch('doc:a#viewer@user:ann'))
        await write(store, touch('doc:b#viewer@user:ann'))
        const [one, two] = [new Recorder(), new Recorder()]
        const end = await store.follow(first, one)
        await store.follow(await store.head(), two)
        await write(store, touch('doc:c#viewer@user:ann'))
        end()
        end()
        await write(store, touch('doc:d#viewer@user:ann'))
        expect(one.revisions).toEqual([2, 3])
        expect(two.revisions).toEqual([3, 4])
      })

      it('joins while writes are under way without a gap or a double', async () => {
        const listeners: Recorder[] = []
        const writing = Promise.all(
          Array.from({ length: 100 }, (_, n) => write(store, touch(`doc:d${n}#viewer@user:ann`))),
        )
        for (let n = 0; n < 5; n++) {
          const listener = new Recorder()
          await store.follow(epoch0, listener)
          listeners.push(listener)
        }
        await writing
        const entries = await log()
        for (const listener of listeners) expect(listener.entries).toEqual(entries)
      })

      it('breaks at once for a past that is not this log’s', async () => {
        const head = await write(store, touch('doc:a#viewer@user:ann'))
        const foreign = [
          { revision: 1, nonce: 'feedfeedfeedfeed' },
          { revision: 7, nonce: head.nonce },
          { revision: 0, nonce: head.nonce },
        ]
        for (const after of foreign) {
          const listener = new Recorder()
          const end = await store.follow(after, listener)
          await write(store, touch(`doc:r${after.revision}#viewer@user:ann`))
          end()
          expect(listener.breaks).toMatchObject([{ code: 'UNAVAILABLE' }])
          expect(listener.entries).toEqual([])
        }
      })

      it('a listener that throws is broken off; the others and the write go on', async () => {
        const listener = new Recorder()
        const broken: Error[] = []
        await store.follow(epoch0, {
          onEntry: () => {
            throw new Error('listener failed')
          },
          onBreak: (error) => broken.push(error),
        })
        await store.follow(epoch0, listener)
        await write(store, touch('doc:a#viewer@user:ann'))
        await write(store, touch('doc:b#viewer@user:ann'))
        expect(broken.map(({ message }) => message)).toEqual(['listener failed'])
        expect(listener.revisions).toEqual([1, 2])
      })

      it('a listener may write: its entry comes after the one it is told of', async () => {
        const listener = new Recorder()
        const order: string[] = []
        let second: Promise<unknown> | undefined
        await store.follow(epoch0, {
          onEntry: (entry) => {
            order.push(`in ${entry.revision}`)
            second ??= store.write(touch('doc:b#viewer@user:ann'), { schemaRevision: 0, nowMs })
            order.push(`out ${entry.revision}`)
          },
          onBreak: () => {},
        })
        await store.follow(epoch0, listener)
        expect((await write(store, touch('doc:a#viewer@user:ann'))).revision).toBe(1)
        await second
        expect(order).toEqual(['in 1', 'out 1', 'in 2', 'out 2'])
        expect(listener.revisions).toEqual([1, 2])
      })

      it('may be joined from within a listener, without a gap or a double', async () => {
        const listener = new Recorder()
        let inside: Promise<unknown> | undefined
        await store.follow(epoch0, {
          onEntry: () => {
            inside ??= Promise.all([
              store.write(touch('doc:b#viewer@user:ann'), { schemaRevision: 0, nowMs }),
              store.follow(epoch0, listener),
            ])
          },
          onBreak: () => {},
        })
        await write(store, touch('doc:a#viewer@user:ann'))
        await inside
        await write(store, touch('doc:c#viewer@user:ann'))
        expect(listener.revisions).toEqual([1, 2, 3])
      })

      it('sees the writes of another handle, in order with its own', async () => {
        const other = await again()
        expect(other.identity).toEqual(store.identity)
        const listeners = [new Recorder(), new Recorder()]
        await store.follow(epoch0, listeners[0]!)
        await other.follow(epoch0, listeners[1]!)
        await Promise.all(
          [store, other].map(async (handle, which) => {
            for (let n = 0; n < 30; n++) {
              const { revision } = await write(handle, touch(`doc:h${which}n${n}#viewer@user:u${n % 3}`))
              expect(listeners[which]!.revisions.at(-1)).toBeGreaterThanOrEqual(revision)
            }
          }),
        )
        await until(() => listeners.every(({ entries }) => entries.length === 60))
        const entries = await log()
        for (const listener of listeners) expect(listener.entries).toEqual(entries)
        expect(replay(entries)).toEqual((await load(other)).rows)
        expect(await other.head()).toEqual(await store.head())
      })

      it('confirms the head while nothing is written', async () => {
        const { revision } = await write(store, touch('doc:a#viewer@user:ann'))
        const listener = new Recorder()
        const instants: number[] = []
        await store.follow(epoch0, listener)
        await store.follow(epoch0, {
          onEntry: () => {},
          onHead: (head, confirmedAtMs) => {
            expect(head.revision).toBe(revision)
            instants.push(confirmedAtMs)
          },
          onBreak: (error) => expect.unreachable(String(error)),
        })
        clockMs += 77
        await until(() => instants.length > 1)
        // When the datastore was read, which may be a moment ago, on this process's clock.
        const ages = [nowMs - instants[0]!, nowMs + 77 - instants.at(-1)!]
        expect(Math.min(...ages)).toBeGreaterThanOrEqual(0)
        expect(Math.max(...ages)).toBeLessThan(1000)
        expect(listener.heads.length).toBeGreaterThan(1)
      })
    })

    describe('load', () => {
      it('is one state, even while writes go on between its chunks', async () => {
        // Enough for many chunks, so that most are made after the first writes.
        const many = Array.from({ length: 60_000 }, (_, n) =>
          parseRelationship(`doc:d${n}#viewer@user:u${n % 50}`),
        )
        await store.importRows(batches(many), await conditions(store))
        const chunks = []
        let n = 0
        for await (const chunk of store.load()) {
          chunks.push(chunk)
          await write(store, [
            ...touch(`doc:later${n++}#viewer@user:ann`),
            ...remove(`doc:d${60_000 - n}#viewer@user:u${(60_000 - n) % 50}`),
          ])
        }
        const start = chunks[0]!
        if (start.kind !== 'start') throw new Error('no start')
        const entries = await log()
        expect(stateOf(chunks).rows).toEqual(replay(entries, start.head.revision))
        expect(await rows()).toEqual(replay(entries))
      })

      it('may be left half way', async () => {
        await write(store, touch('doc:a#viewer@user:ann'))
        for await (const chunk of store.load()) {
          expect(chunk.kind).toBe('start')
          break
        }
        await write(store, touch('doc:b#viewer@user:ann'))
        expect(await rows()).toHaveLength(2)
      })

      it('names every type and relation by an index', async () => {
        const texts = Array.from({ length: 300 }, (_, n) => `type${n}:a#rel${n}@sub${n}:b#role${n}`)
        await write(store, touch(...texts))
        expect(await rows()).toEqual([...texts].sort())
        expect((await load(store)).names[0]).toBe('')
      })
    })

    describe('garbage collection', () => {
      const history = async (): Promise<ObjectKey[]> => {
        for (let n = 1; n <= 6; n++) {
          clockMs = nowMs + n * 1000
          if (n === 2) await schema('definition user {}')
          else await write(store, touch(`doc:d${n}#viewer@user:ann`))
        }
        return [...(await load(store)).objects.keys()]
      }

      it('forgets entries before an instant, and says how far back one can read', async () => {
        await history()
        const before = await load(store)
        const nonces = (await log()).map(({ nonce }) => nonce)
        expect(await Promise.all([0, 1, 6, 7].map((revision) => store.nonceAt(revision)))).toEqual([
          '',
          nonces[0],
          nonces[5],
          undefined,
        ])
        expect(await store.collectGarbage(nowMs + 4000)).toEqual({ entries: 3, rows: 0 })
        expect(await store.oldestRevision()).toBe(3)
        expect((await collect(store.log(3))).map(({ revision }) => revision)).toEqual([4, 5, 6])
        await expect(collect(store.log(2))).rejects.toMatchObject(
          fails('REVISION_OUT_OF_RANGE', { oldest_revision: '3' }),
        )
        expect(await store.schemaAt(3)).toEqual({ text: 'definition user {}', revision: 2 })
        expect(await Promise.all([1, 2, 3, 4, 6, 7].map((revision) => store.nonceAt(revision)))).toEqual([
          undefined,
          undefined,
          ...nonces.filter((_, at) => [2, 3, 5].includes(at)),
          undefined,
        ])
        expect(await load(store)).toEqual(before)
        expect(await store.collectGarbage(nowMs + 4000)).toEqual({ entries: 0, rows: 0 })
        expect(await store.oldestRevision()).toBe(3)
      })

      it('never forgets the newest entry', async () => {
        await history()
        expect(await store.collectGarbage(nowMs + 1_000_000)).toEqual({ entries: 5, rows: 0 })
        expect(await store.head()).toMatchObject({ revision: 6, schemaRevision: 2 })
        expect(await collect(store.log(5))).toHaveLength(1)
        expect((await write(store, touch('doc:next#viewer@user:ann'))).revision).toBe(7)
      })

      it('lets a follower start from the newest forgotten entry, and breaks one from further back', async () => {
        await history()
        const entries = await log()
        await store.collectGarbage(nowMs + 4000)
        const [kept, lost] = [new Recorder(), new Recorder()]
        await store.follow(entries[2]!, kept)
        await store.follow(entries[1]!, lost)
        expect(kept.revisions).toEqual([4, 5, 6])
        expect(lost.breaks).toMatchObject([{ code: 'REVISION_OUT_OF_RANGE' }])
        expect(lost.entries).toEqual([])
      })

      it('removes rows that expired before the instant, without an entry', async () => {
        const at = (ms: number) => `[expiration:${new Date(nowMs + ms).toISOString()}]`
        await write(
          store,
          touch(
            `doc:a#viewer@user:ann${at(-1)}`,
            `doc:b#viewer@user:ann${at(0)}`,
            `doc:c#viewer@user:ann${at(1)}`,
            'doc:d#viewer@user:ann',
          ),
        )
        expect(await store.collectGarbage(nowMs)).toEqual({ entries: 0, rows: 1 })
        expect((await rows()).map((text) => text.slice(0, 5))).toEqual(['doc:b', 'doc:c', 'doc:d'])
        expect((await store.head()).revision).toBe(1)
        await write(store, create('doc:a#viewer@user:ann'))
        expect((await log()).at(-1)!.changes[0]!.previous).toBeUndefined()
      })

      it('goes on beside writes', async () => {
        const writing = Promise.all(
          Array.from({ length: 100 }, (_, n) => {
            clockMs += 10
            return write(store, touch(`doc:d${n}#viewer@user:ann`))
          }),
        )
        const collected = []
        for (let n = 0; n < 5; n++) collected.push(await store.collectGarbage(nowMs + 500))
        await writing
        await store.collectGarbage(clockMs + 1)
        expect(await rows()).toHaveLength(100)
        expect((await store.head()).revision).toBe(100)
        expect(await store.oldestRevision()).toBe(99)
      })
    })

    describe('counters', () => {
      const filter: RelationshipFilter = {
        resourceType: 'doc',
        subject: { type: 'user', id: 'ann', relation: '' },
      }

      it('a counter keeps its filter, and is no entry of the log', async () => {
        await store.registerCounter('by_ann', filter)
        expect(await store.counter('by_ann')).toEqual(filter)
        expect((await store.head()).revision).toBe(0)
        expect(await log()).toEqual([])
      })

      it('a name is given once', async () => {
        await store.registerCounter('docs', filter)
        const taken = fails('COUNTER_ALREADY_REGISTERED', { counter_name: 'docs' })
        await expect(store.registerCounter('docs', { resourceType: 'folder' })).rejects.toMatchObject(taken)
        expect(await store.counter('docs')).toEqual(filter)
        await store.registerCounter('folders', { resourceType: 'folder' })
        expect(await store.counter('docs')).toEqual(filter)
      })

      it('names that nobody registered, marks of the datastore among them, are no counters', async () => {
        for (const name of ['docs', 'epoch', 'tables_version', '']) {
          const missing = fails('COUNTER_NOT_REGISTERED', { counter_name: name })
          await expect(store.counter(name)).rejects.toMatchObject(missing)
          await expect(store.unregisterCounter(name)).rejects.toMatchObject(missing)
        }
        expect(store.identity.epoch).toBe(1)
      })

      it('an unregistered counter is gone, and its name is free', async () => {
        await store.registerCounter('docs', filter)
        await store.unregisterCounter('docs')
        await expect(store.counter('docs')).rejects.toMatchObject(fails('COUNTER_NOT_REGISTERED'))
        await store.registerCounter('docs', { resourceType: 'folder' })
        expect(await store.counter('docs')).toEqual({ resourceType: 'folder' })
      })

      it('of two who register one name at once, one succeeds', async () => {
        const outcomes = await Promise.allSettled(
          Array.from({ length: 8 }, (_, n) => store.registerCounter('docs', { resourceType: `type${n}` })),
        )
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      })

      it('another handle sees counters at once, and they outlive the one who registered', async () => {
        await store.registerCounter('docs', filter)
        const other = await again()
        expect(await other.counter('docs')).toEqual(filter)
        await other.unregisterCounter('docs')
        await expect(store.counter('docs')).rejects.toMatchObject(fails('COUNTER_NOT_REGISTERED'))
        await store.registerCounter('docs', filter)
        await store.close()
        expect(await other.counter('docs')).toEqual(filter)
      })
    })

    describe('close', () => {
      it('refuses everything afterwards and tells no listener', async () => {
        const listener = new Recorder()
        await store.follow(epoch0, listener)
        const held = await conditions(store)
        await store.write(touch('doc:a#viewer@user:ann'), held)
        await store.close()
        await store.close()
        const closed = fails('UNAVAILABLE')
        await expect(store.head()).rejects.toMatchObject(closed)
        await expect(store.write(touch('doc:b#viewer@user:ann'), held)).rejects.toMatchObject(closed)
        await expect(store.writeSchema('', [], held)).rejects.toMatchObject(closed)
        await expect(collect(store.load())).rejects.toMatchObject(closed)
        await expect(collect(store.log(0))).rejects.toMatchObject(closed)
        await expect(store.follow(epoch0, listener)).rejects.toMatchObject(closed)
        await expect(store.schemaAt(0)).rejects.toMatchObject(closed)
        await expect(store.collectGarbage(0)).rejects.toMatchObject(closed)
        await expect(store.oldestRevision()).rejects.toMatchObject(closed)
        await expect(store.registerCounter('docs', { resourceType: 'doc' })).rejects.toMatchObject(closed)
        await expect(store.counter('docs')).rejects.toMatchObject(closed)
        expect([listener.revisions, listener.breaks]).toEqual([[1], []])
      })

      it('waits for the writes that were asked for before', async () => {
        const held = await conditions(store)
        const writes = Array.from({ length: 20 }, (_, n) =>
          store.write(touch(`doc:d${n}#viewer@user:ann`), held),
        )
        await store.close()
        expect((await Promise.all(writes)).map(({ head }) => head.revision)).toEqual(
          Array.from({ length: 20 }, (_, n) => n + 1),
        )
      })
    })
  })
}
