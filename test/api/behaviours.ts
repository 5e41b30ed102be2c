// How an Authorizer behaves, whoever asks and by whatever door. Each door calls this with itself.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Authorizer, WatchEvent } from '../../src/authorizer/authorizer.ts'
import type { JsonObject } from '../../src/model/context.ts'
import { CardeaError, type ErrorCode, type ErrorFacts } from '../../src/model/errors.ts'
import type { RelationshipFilter } from '../../src/model/filter.ts'
import type { Relationship, UpdateOperation } from '../../src/model/relationship.ts'
import {
  formatRelationship,
  parseObject,
  parseObjectAndRelation,
  parseRelationship,
  parseSubject,
} from '../../src/model/relationship-text.ts'
import type { Consistency } from '../../src/model/revision.ts'
import { schema } from './schema.ts'

const rows = [
  'group:staff#member@user:ann',
  'group:staff#member@group:lead#member',
  'group:lead#member@user:lea',
  'folder:root#viewer@group:staff#member',
  'folder:sub#parent@folder:root',
  'document:plan#parent@folder:sub',
  'document:plan#banned@user:lea',
  'document:note#viewer@user:bob',
  'document:day#viewer@user:bob[on_day:{"allowed":"mon"}]',
  'document:level#editor@user:bob[at_least]',
  'document:open#viewer@user:*',
  'document:open#banned@user:eve',
  'document:old#viewer@user:bob[expiration:2001-01-01T00:00:00Z]',
  'document:soon#viewer@user:bob[expiration:2200-01-01T00:00:00Z]',
  'document:crowd#parent@folder:root',
  ...Array.from({ length: 4 }, (_, at) => `document:crowd#viewer@user:c${at + 1}`),
  ...Array.from({ length: 21 }, (_, at) => `document:many${at}#viewer@user:max`),
]

/** What a door cannot do by its nature. Each gap is named where the suite is called. */
export interface Gaps {
  /** authzed.api.v1 has no place for our explanations. */
  readonly explanations?: boolean
  /** Nor for requirements and rehearsals. */
  readonly requirements?: boolean
  /** Plans are asked for by the client and in process. */
  readonly plans?: boolean
  /** The API's page has one cursor for all its rows. */
  readonly exportCursors?: boolean
}

export interface Opened {
  readonly authorizer: Authorizer
  close(): Promise<void>
}

const question = (text: string, context?: JsonObject) => {
  const [left, right] = text.split('@') as [string, string]
  const { resource, relation } = parseObjectAndRelation(left)
  return { resource, permission: relation, subject: parseSubject(right), ...(context && { context }) }
}
const updates = (operation: UpdateOperation, ...texts: string[]) =>
  texts.map((text) => ({ operation, relationship: parseRelationship(text) }))
const collect = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}
/** All results, page by page, until one is not full. */
const pages = async <Item extends { readonly cursor: string }>(
  limit: number,
  ask: (page: { readonly limit: number; readonly cursor?: string }) => AsyncIterable<Item>,
): Promise<Item[]> => {
  const all: Item[] = []
  for (;;) {
    const cursor = all.at(-1)?.cursor
    const page = await collect(ask({ limit, ...(cursor !== undefined && { cursor }) }))
    expect(page.length).toBeLessThanOrEqual(limit)
    all.push(...page)
    if (page.length < limit) return all
  }
}
const refused = async (
  call: Promise<unknown> | AsyncIterable<unknown>,
  code: ErrorCode,
  facts: ErrorFacts = {},
) => {
  const error = await (call instanceof Promise ? call : collect(call)).then(
    (value) => {
      throw new Error(`expected ${code}, got ${JSON.stringify(value)}`)
    },
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(CardeaError)
  expect(error).toMatchObject({ code, facts: expect.objectContaining(facts) })
  return error as CardeaError
}
const newest: { readonly consistency: Consistency } = { consistency: { kind: 'fully_consistent' } }

export function behaviours(name: string, open: () => Promise<Opened>, gaps: Gaps = {}): void {
  describe(name, () => {
    let opened: Opened
    let authorizer: Authorizer
    beforeAll(async () => {
      opened = await open()
      authorizer = opened.authorizer
      await authorizer.writeSchema(schema)
      await authorizer.writeRelationships({ updates: updates('touch', ...rows) })
    })
    afterAll(() => opened.close())

    const verdict = async (text: string, context?: JsonObject) =>
      (await authorizer.check(question(text, context), newest)).permissionship
    const read = async (filter: RelationshipFilter) =>
      (await collect(authorizer.readRelationships({ filter, ...newest }))).map(({ relationship }) =>
        formatRelationship(relationship),
      )

    describe('check', () => {
      test.each([
        ['document:plan#view@user:ann', 'has'],
        ['document:plan#view@user:lea', 'no'],
        ['document:plan#view@user:bob', 'no'],
        ['document:note#view@user:bob', 'has'],
        ['document:note#viewer@user:bob', 'has'],
        ['document:open#view@user:someone', 'has'],
        ['document:open#view@user:eve', 'no'],
        ['document:old#view@user:bob', 'no'],
        ['document:soon#view@user:bob', 'has'],
        ['document:unknown#view@user:bob', 'no'],
        ['group:lead#member@group:lead#member', 'has'],
        ['document:plan#view@group:staff#member', 'has'],
      ])('%s: %s', async (text, expected) => {
        expect(await verdict(text)).toBe(expected)
      })

      test('a conditional answer names what is missing; context decides', async () => {
        const asked = question('document:day#view@user:bob')
        expect(await authorizer.check(asked, newest)).toMatchObject({
          permissionship: 'conditional',
          missing: ['day'],
          token: expect.stringMatching(/.+/),
        })
        expect(await verdict('document:day#view@user:bob', { day: 'mon' })).toBe('has')
        expect(await verdict('document:day#view@user:bob', { day: 'tue', other: [1, { a: null }] })).toBe(
          'no',
        )
        expect(await authorizer.check(question('document:level#edit@user:bob'), newest)).toMatchObject({
          missing: expect.arrayContaining(['level']),
        })
        expect(await verdict('document:level#edit@user:bob', { level: 3, needed: '3' })).toBe('has')
      })

      test('names that do not exist, wildcards and bad context are refused', async () => {
        await refused(authorizer.check(question('nothing:a#view@user:bob')), 'UNKNOWN_DEFINITION', {
          definition_name: 'nothing',
        })
        await refused(
          authorizer.check(question('document:a#fly@user:bob')),
          'UNKNOWN_RELATION_OR_PERMISSION',
          {
            definition_name: 'document',
            relation_or_permission_name: 'fly',
          },
        )
        await refused(authorizer.check(question('document:a#view@robot:bob')), 'UNKNOWN_DEFINITION')
        await refused(
          authorizer.check(question('document:a#view@group:g#boss')),
          'UNKNOWN_RELATION_OR_PERMISSION',
        )
        await refused(authorizer.check(question('document:a#view@user:*')), 'WILDCARD_NOT_ALLOWED')
        const unnamed = { ...question('document:a#view@user:bob'), permission: '' }
        await refused(authorizer.check(unnamed), 'UNKNOWN_RELATION_OR_PERMISSION')
        const everyone = { ...question('document:a#view@user:bob'), resource: { type: 'document', id: '*' } }
        await refused(authorizer.check(everyone), 'INVALID_ARGUMENT')
        const spaced = { ...question('document:a#view@user:bob'), resource: { type: 'document', id: 'a b' } }
        await refused(authorizer.check(spaced), 'INVALID_ARGUMENT')
        const wrongType = question('document:level#edit@user:bob', { level: 'high', needed: 1 })
        await refused(authorizer.check(wrongType), 'CAVEAT_PARAMETER_TYPE_ERROR')
        const large = question('document:day#view@user:bob', { day: 'x'.repeat(5000) })
        await refused(authorizer.check(large), 'REQUEST_CONTEXT_TOO_LARGE')
      })

      test('many at once: in order, repeated, each with its own error', async () => {
        const asked = [
          'document:note#view@user:bob',
          'document:note#view@user:ann',
          'document:a#fly@user:bob',
          'document:note#view@user:bob',
          'document:a#view@user:*',
          'document:day#view@user:bob',
        ].map((text) => question(text))
        const { answers, token } = await authorizer.checkBulk(asked, newest)
        expect(token).not.toBe('')
        expect(
          answers.map((answer) => (answer.error === undefined ? answer.permissionship : answer.error.code)),
        ).toEqual([
          'has',
          'no',
          'UNKNOWN_RELATION_OR_PERMISSION',
          'has',
          'WILDCARD_NOT_ALLOWED',
          'conditional',
        ])
        expect(answers[5]).toMatchObject({ missing: ['day'] })
        expect((await authorizer.checkBulk([])).answers).toEqual([])
      })

      test('more questions than allowed are refused as a whole', async () => {
        const asked = Array.from({ length: 10_001 }, () => question('document:note#view@user:bob'))
        await refused(authorizer.checkBulk(asked), 'TOO_MANY_CHECKS', {
          check_count: '10001',
          maximum_checks_allowed: '10000',
        })
      })

      test('a check agrees with a bulk check and with both lookups', async () => {
        const ids = ['plan', 'note', 'day', 'level', 'open', 'old', 'soon']
        const users = ['ann', 'bob', 'lea', 'eve']
        const context = { day: 'mon' }
        for (const user of users) {
          const asked = ids.map((id) => question(`document:${id}#view@user:${user}`, context))
          const { answers } = await authorizer.checkBulk(asked, newest)
          const found = await collect(
            authorizer.lookupResources({
              resourceType: 'document',
              permission: 'view',
              subject: parseSubject(`user:${user}`),
              context,
              ...newest,
            }),
          )
          for (const [at, id] of ids.entries()) {
            const expected = await verdict(`document:${id}#view@user:${user}`, context)
            expect(answers[at]).toMatchObject({ permissionship: expected })
            expect(found.find(({ resourceId }) => resourceId === id)?.permissionship ?? 'no').toBe(expected)
          }
        }
        for (const id of ids) {
          const found = await collect(
            authorizer.lookupSubjects({
              resource: parseObject(`document:${id}`),
              permission: 'view',
              subjectType: 'user',
              context,
              ...newest,
            }),
          )
          const everyone = found.find(({ subjectId }) => subjectId === '*')
          for (const user of users) {
            const direct = found.find(({ subjectId }) => subjectId === user)?.permissionship
            const excluded = everyone?.excluded.some(({ subjectId }) => subjectId === user)
            const answer = direct ?? (everyone !== undefined && !excluded ? everyone.permissionship : 'no')
            expect(answer, `${user} on ${id}`).toBe(
              await verdict(`document:${id}#view@user:${user}`, context),
            )
          }
        }
      })
    })

    describe('lookups', () => {
      const ask = { resourceType: 'document', permission: 'view', subject: parseSubject('user:max') }

      test.each([1, 21, 22, 23])('pages of %d resources give what one answer gives', async (limit) => {
        const whole = (await collect(authorizer.lookupResources({ ...ask, ...newest }))).map(
          (item) => item.resourceId,
        )
        // 21 of their own, and the one that is open to everyone.
        expect(new Set(whole).size).toBe(22)
        const paged = await pages(limit, (page) => authorizer.lookupResources({ ...ask, ...newest, ...page }))
        expect(paged.map(({ resourceId }) => resourceId)).toEqual(whole)
      })

      test('a cursor belongs to its request, and cannot be made up', async () => {
        const [first] = await collect(authorizer.lookupResources({ ...ask, limit: 1 }))
        const { cursor } = first!
        await refused(authorizer.lookupResources({ ...ask, limit: 2, cursor }), 'INVALID_CURSOR')
        await refused(
          authorizer.lookupResources({ ...ask, permission: 'edit', limit: 1, cursor }),
          'INVALID_CURSOR',
        )
        const other = parseSubject('user:bob')
        await refused(
          authorizer.lookupResources({ ...ask, subject: other, limit: 1, cursor }),
          'INVALID_CURSOR',
        )
        const changed = `${cursor.slice(0, 20)}${cursor[20] === 'A' ? 'B' : 'A'}${cursor.slice(21)}`
        await refused(authorizer.lookupResources({ ...ask, limit: 1, cursor: changed }), 'INVALID_CURSOR')
        await refused(authorizer.lookupResources({ ...ask, limit: 1, cursor: '!!' }), 'INVALID_CURSOR')
        await refused(
          authorizer.readRelationships({ filter: { resourceType: 'document' }, cursor }),
          'INVALID_CURSOR',
        )
      })

      test('limits beyond the maximum are refused', async () => {
        await refused(
          authorizer.lookupResources({ ...ask, limit: 1001 }),
          'EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT',
          {
            limit_provided: '1001',
            maximum_limit_allowed: '1000',
          },
        )
      })

      test('names that do not exist and wildcards are refused', async () => {
        await refused(authorizer.lookupResources({ ...ask, resourceType: 'nothing' }), 'UNKNOWN_DEFINITION')
        await refused(
          authorizer.lookupResources({ ...ask, permission: 'fly' }),
          'UNKNOWN_RELATION_OR_PERMISSION',
        )
        await refused(
          authorizer.lookupResources({ ...ask, subject: parseSubject('user:*') }),
          'WILDCARD_NOT_ALLOWED',
        )
      })

      const subjectsOf = (id: string, more: object = {}) =>
        collect(
          authorizer.lookupSubjects({
            resource: parseObject(`document:${id}`),
            permission: 'view',
            subjectType: 'user',
            ...newest,
            ...more,
          }),
        )

      test('subjects, through groups and folders, without those who are excluded', async () => {
        expect((await subjectsOf('plan')).map(({ subjectId }) => subjectId).sort()).toEqual(['ann'])
        expect(await subjectsOf('old')).toEqual([])
      })

      test('everyone but some; wildcards can be left out', async () => {
        const found = await subjectsOf('open')
        expect(found).toEqual([
          expect.objectContaining({
            subjectId: '*',
            permissionship: 'has',
            excluded: [expect.objectContaining({ subjectId: 'eve' })],
          }),
        ])
        expect(await subjectsOf('open', { wildcards: 'exclude' })).toEqual([])
      })

      test('usersets, when they are asked for', async () => {
        const found = await collect(
          authorizer.lookupSubjects({
            resource: parseObject('folder:sub'),
            permission: 'view',
            subjectType: 'group',
            subjectRelation: 'member',
            ...newest,
          }),
        )
        expect(found.map(({ subjectId }) => subjectId).sort()).toEqual(['lead', 'staff'])
      })

      test.each([1, 5, 6, 7])('pages of %d subjects give what one answer gives', async (limit) => {
        const request = {
          resource: parseObject('document:crowd'),
          permission: 'view',
          subjectType: 'user',
          ...newest,
        }
        const whole = (await collect(authorizer.lookupSubjects(request))).map(({ subjectId }) => subjectId)
        expect([...whole].sort()).toEqual(['ann', 'c1', 'c2', 'c3', 'c4', 'lea'])
        const paged = await pages(limit, (page) => authorizer.lookupSubjects({ ...request, ...page }))
        expect(paged.map(({ subjectId }) => subjectId)).toEqual(whole)
      })

      test('the composition of a permission', async () => {
        const { tree, token } = await authorizer.expand(
          { resource: parseObject('document:open'), permission: 'view' },
          newest,
        )
        expect(token).not.toBe('')
        expect(tree).toMatchObject({
          kind: 'exclusion',
          name: 'view',
          resource: parseObject('document:open'),
        })
        expect(JSON.stringify(tree)).toContain('"id":"*"')
        await refused(
          authorizer.expand({ resource: parseObject('document:open'), permission: 'fly' }),
          'UNKNOWN_RELATION_OR_PERMISSION',
        )
      })
    })

    describe('reading', () => {
      test.each([1, 20, 21, 22])('pages of %d relationships give what one answer gives', async (limit) => {
        const request = { filter: { resourceType: 'document', resourceIdPrefix: 'many' }, ...newest }
        const text = ({ relationship }: { relationship: Relationship }) => formatRelationship(relationship)
        const whole = (await collect(authorizer.readRelationships(request))).map(text)
        expect(new Set(whole).size).toBe(21)
        const paged = await pages(limit, (page) => authorizer.readRelationships({ ...request, ...page }))
        expect(paged.map(text)).toEqual(whole)
      })

      test('every field of a filter narrows', async () => {
        expect(await read({ resourceType: 'document', resourceId: 'plan' })).toHaveLength(2)
        expect(await read({ resourceType: 'document', relation: 'banned' })).toEqual([
          'document:plan#banned@user:lea',
          'document:open#banned@user:eve',
        ])
        expect(await read({ resourceType: 'document', resourceIdPrefix: 'many1' })).toHaveLength(11)
        expect(await read({ resourceType: 'document', subject: { type: 'user', id: '*' } })).toEqual([
          'document:open#viewer@user:*',
        ])
        const members = { resourceType: 'group', subject: { type: 'group', relation: 'member' } }
        expect(await read(members)).toEqual(['group:staff#member@group:lead#member'])
        expect(await read({ resourceType: 'group', subject: { type: 'group', relation: '' } })).toEqual([])
        expect(await read({ resourceType: 'document', resourceId: 'nothing' })).toEqual([])
      })

      test('caveats, their context and expiry come back; what has expired does not', async () => {
        expect(await read({ resourceType: 'document', resourceId: 'day' })).toEqual([
          'document:day#viewer@user:bob[on_day:{"allowed":"mon"}]',
        ])
        expect(await read({ resourceType: 'document', resourceId: 'soon' })).toEqual([
          'document:soon#viewer@user:bob[expiration:2200-01-01T00:00:00.000Z]',
        ])
        expect(await read({ resourceType: 'document', resourceId: 'old' })).toEqual([])
      })

      test.each([1, 20, 21, 22])('pages of %d rows give what one answer gives', async (limit) => {
        const filter = { resourceType: 'document', resourceIdPrefix: 'many' }
        const whole = await read(filter)
        expect(whole).toHaveLength(21)
        const paged: string[] = []
        let cursor: string | undefined
        for (;;) {
          const page = await collect(
            authorizer.readRelationships({ filter, limit, ...(cursor && { cursor }) }),
          )
          paged.push(...page.map(({ relationship }) => formatRelationship(relationship)))
          if (page.length < limit) break
          cursor = page.at(-1)!.cursor
        }
        expect(paged).toEqual(whole)
      })

      test('filters that mean nothing are refused', async () => {
        await refused(authorizer.readRelationships({ filter: {} }), 'INVALID_FILTER')
        await refused(
          authorizer.readRelationships({
            filter: { resourceType: 'document', resourceId: 'a', resourceIdPrefix: 'b' },
          }),
          'INVALID_FILTER',
        )
        await refused(
          authorizer.readRelationships({ filter: { resourceType: 'nothing' } }),
          'UNKNOWN_DEFINITION',
        )
        await refused(
          authorizer.readRelationships({ filter: { resourceType: 'document', relation: 'fly' } }),
          'UNKNOWN_RELATION_OR_PERMISSION',
        )
        await refused(
          authorizer.readRelationships({ filter: { resourceType: 'document' }, limit: 1001 }),
          'EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT',
        )
      })
    })

    describe('writing', () => {
      const write = (operation: UpdateOperation, ...texts: string[]) =>
        authorizer.writeRelationships({ updates: updates(operation, ...texts) })

      test('create, touch, delete', async () => {
        await write('create', 'document:w1#viewer@user:cy')
        const exists = await refused(write('create', 'document:w1#viewer@user:cy'), 'RELATIONSHIP_EXISTS')
        expect(exists.facts.relationship).toContain('document:w1#viewer@user:cy')
        await write('touch', 'document:w1#viewer@user:cy[on_day:{"allowed":"fri"}]')
        expect(await read({ resourceType: 'document', resourceId: 'w1' })).toEqual([
          'document:w1#viewer@user:cy[on_day:{"allowed":"fri"}]',
        ])
        await write('delete', 'document:w1#viewer@user:cy', 'document:w2#viewer@user:nobody')
        expect(await read({ resourceType: 'document', resourceId: 'w1' })).toEqual([])
        expect((await write('touch')).token).not.toBe('')
      })

      test('all or nothing', async () => {
        await refused(
          write('create', 'document:w3#viewer@user:cy', 'document:note#viewer@user:bob'),
          'RELATIONSHIP_EXISTS',
        )
        expect(await read({ resourceType: 'document', resourceId: 'w3' })).toEqual([])
      })

      test.each([
        ['UNKNOWN_DEFINITION', 'nothing:a#viewer@user:cy'],
        ['UNKNOWN_DEFINITION', 'document:a#viewer@robot:cy'],
        ['UNKNOWN_RELATION_OR_PERMISSION', 'document:a#fly@user:cy'],
        ['UNKNOWN_RELATION_OR_PERMISSION', 'document:a#viewer@group:g#boss'],
        ['CANNOT_UPDATE_PERMISSION', 'document:a#view@user:cy'],
        ['INVALID_SUBJECT_TYPE', 'document:a#viewer@group:g'],
        ['INVALID_SUBJECT_TYPE', 'document:a#banned@user:*'],
        ['INVALID_SUBJECT_TYPE', 'document:a#editor@user:cy'],
        ['INVALID_SUBJECT_TYPE', 'document:a#banned@user:cy[expiration:2100-01-01T00:00:00Z]'],
        ['UNKNOWN_CAVEAT', 'document:a#viewer@user:cy[no_caveat]'],
        ['CAVEAT_PARAMETER_TYPE_ERROR', 'document:a#viewer@user:cy[on_day:{"allowed":5}]'],
        ['CAVEAT_PARAMETER_TYPE_ERROR', 'document:a#viewer@user:cy[on_day:{"wrong":"x"}]'],
      ] as const)('%s: %s', async (code, text) => {
        await refused(write('touch', text), code)
      })

      test('sizes and repetitions', async () => {
        await refused(
          write('touch', 'document:w#viewer@user:cy', 'document:w#viewer@user:cy[on_day]'),
          'UPDATES_ON_SAME_RELATIONSHIP',
        )
        const many = Array.from({ length: 1001 }, (_, at) => `document:w${at}#viewer@user:cy`)
        await refused(write('touch', ...many), 'TOO_MANY_UPDATES', {
          update_count: '1001',
          maximum_updates_allowed: '1000',
        })
        const context = JSON.stringify({ allowed: 'x'.repeat(26_000) })
        await refused(
          write('touch', `document:w#viewer@user:cy[on_day:${context}]`),
          'RELATIONSHIP_CONTEXT_TOO_LARGE',
        )
        await refused(
          authorizer.writeRelationships({ updates: [], metadata: { text: 'x'.repeat(66_000) } }),
          'TRANSACTION_METADATA_TOO_LARGE',
        )
        const conditions = Array.from({ length: 1001 }, () => ({
          operation: 'must_match' as const,
          filter: { resourceType: 'document' },
        }))
        await refused(
          authorizer.writeRelationships({ updates: [], preconditions: conditions }),
          'TOO_MANY_PRECONDITIONS',
        )
      })

      test('preconditions', async () => {
        const created = updates('touch', 'document:w4#viewer@user:cy')
        const note = { resourceType: 'document', resourceId: 'note' }
        const write4 = (operation: 'must_match' | 'must_not_match', filter: RelationshipFilter) =>
          authorizer.writeRelationships({ updates: created, preconditions: [{ operation, filter }] })
        const failed = await refused(write4('must_not_match', note), 'PRECONDITION_FAILED')
        expect(failed.facts).toMatchObject({
          precondition_operation: 'OPERATION_MUST_NOT_MATCH',
          precondition_resource_type: 'document',
          precondition_resource_id: 'note',
        })
        await refused(write4('must_match', { ...note, resourceId: 'old' }), 'PRECONDITION_FAILED')
        await refused(write4('must_match', {}), 'EMPTY_PRECONDITION')
        await refused(write4('must_match', { resourceType: 'nothing' }), 'UNKNOWN_DEFINITION')
        expect(await read({ resourceType: 'document', resourceId: 'w4' })).toEqual([])
        await write4('must_match', note)
        expect(await read({ resourceType: 'document', resourceId: 'w4' })).toHaveLength(1)
      })

      test('deleting by a filter', async () => {
        const ids = Array.from({ length: 5 }, (_, at) => `document:del#viewer@user:d${at}`)
        await write('touch', ...ids)
        const filter = { resourceType: 'document', resourceId: 'del' }
        const remove = (limit?: number, allowPartial?: boolean) =>
          authorizer.deleteRelationships({
            filter,
            ...(limit !== undefined && { limit }),
            ...(allowPartial !== undefined && { allowPartial }),
          })
        await refused(remove(3), 'TOO_MANY_RELATIONSHIPS_FOR_TRANSACTIONAL_DELETE', { limit: '3' })
        expect(await remove(3, true)).toMatchObject({ deletedCount: 3, progress: 'partial' })
        expect(await remove(3, true)).toMatchObject({ deletedCount: 2, progress: 'complete' })
        expect(await remove()).toMatchObject({ deletedCount: 0, progress: 'complete' })
        await refused(authorizer.deleteRelationships({ filter: {} }), 'INVALID_FILTER')
        await refused(remove(1001), 'EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT')
      })

      test('import is one transaction; export gives it back, page by page', async () => {
        const texts = Array.from({ length: 300 }, (_, at) => `folder:imp${at}#viewer@user:u${at}`)
        async function* batches(all: readonly string[]) {
          for (let at = 0; at < all.length; at += 100) yield all.slice(at, at + 100).map(parseRelationship)
        }
        expect(await authorizer.importRelationships(batches(texts))).toMatchObject({ count: 300 })
        await refused(
          authorizer.importRelationships(batches(['folder:fresh#viewer@user:a', texts[7]!])),
          'RELATIONSHIP_EXISTS',
        )
        await refused(
          authorizer.importRelationships(batches(['folder:fresh#viewer@user:a', 'folder:fresh#fly@user:a'])),
          'UNKNOWN_RELATION_OR_PERMISSION',
        )
        expect(await read({ resourceType: 'folder', resourceId: 'fresh' })).toEqual([])
        const exported = await collect(
          authorizer.exportRelationships({
            filter: { resourceType: 'folder', relation: 'viewer' },
            ...newest,
          }),
        )
        const found = exported.map(({ relationship }) => formatRelationship(relationship))
        expect(found.filter((text) => text.startsWith('folder:imp')).sort()).toEqual([...texts].sort())
        const everything = await collect(authorizer.exportRelationships(newest))
        expect(everything.length).toBeGreaterThan(exported.length)
        const { cursor } = everything.at(-1)!
        expect(await collect(authorizer.exportRelationships({ ...newest, cursor }))).toEqual([])
        if (!gaps.exportCursors) {
          const middle = everything[100]!
          const rest = await collect(authorizer.exportRelationships({ ...newest, cursor: middle.cursor }))
          expect(rest).toHaveLength(everything.length - 101)
        }
      })
    })

    describe('counters', () => {
      const viewers: RelationshipFilter = {
        resourceType: 'folder',
        resourceIdPrefix: 'counted',
        relation: 'viewer',
      }

      test('count what matches now, as often as one asks', async () => {
        await authorizer.registerCounter('folder_viewers', viewers)
        expect((await authorizer.countRelationships('folder_viewers')).count).toBe(0)
        const added = Array.from({ length: 7 }, (_, at) => `folder:counted${at}#viewer@user:u${at}`)
        await authorizer.writeRelationships({ updates: updates('touch', ...added) })
        const { count, token } = await authorizer.countRelationships('folder_viewers')
        expect(count).toBe(7)
        // What was counted is what is read there.
        const consistency = { kind: 'at_exact_snapshot', token } as const
        expect(await collect(authorizer.readRelationships({ filter: viewers, consistency }))).toHaveLength(7)
        await authorizer.writeRelationships({ updates: updates('delete', added[0]!) })
        expect((await authorizer.countRelationships('folder_viewers')).count).toBe(6)
        await authorizer.unregisterCounter('folder_viewers')
        await refused(authorizer.countRelationships('folder_viewers'), 'COUNTER_NOT_REGISTERED')
      })

      test('what has expired is not counted', async () => {
        await authorizer.registerCounter('of_old', { resourceType: 'document', resourceId: 'old' })
        await authorizer.registerCounter('of_soon', { resourceType: 'document', resourceId: 'soon' })
        expect((await authorizer.countRelationships('of_old')).count).toBe(0)
        expect((await authorizer.countRelationships('of_soon')).count).toBe(1)
      })

      test('a name is given once, and must be there', async () => {
        await authorizer.registerCounter('taken', viewers)
        const counter_name = 'taken'
        await refused(authorizer.registerCounter('taken', viewers), 'COUNTER_ALREADY_REGISTERED', {
          counter_name,
        })
        await authorizer.unregisterCounter('taken')
        await refused(authorizer.unregisterCounter('taken'), 'COUNTER_NOT_REGISTERED', { counter_name })
        await refused(authorizer.registerCounter('', viewers), 'INVALID_ARGUMENT')
        await refused(authorizer.countRelationships(''), 'INVALID_ARGUMENT')
        await refused(authorizer.unregisterCounter(''), 'INVALID_ARGUMENT')
      })

      test('a filter that a read would refuse is refused, and nothing is registered', async () => {
        const register = (filter: RelationshipFilter) => authorizer.registerCounter('bad_filter', filter)
        await refused(register({}), 'INVALID_FILTER')
        await refused(register({ resourceType: 'nothing' }), 'UNKNOWN_DEFINITION')
        await refused(register({ resourceType: 'folder', relation: 'fly' }), 'UNKNOWN_RELATION_OR_PERMISSION')
        await refused(authorizer.countRelationships('bad_filter'), 'COUNTER_NOT_REGISTERED')
      })
    })

    describe('consistency', () => {
      test('a token names a state: at least as fresh, or exactly', async () => {
        const before = await authorizer.writeRelationships({
          updates: updates('touch', 'document:c1#viewer@user:cy'),
        })
        const after = await authorizer.writeRelationships({
          updates: updates('delete', 'document:c1#viewer@user:cy'),
        })
        const asked = question('document:c1#view@user:cy')
        const at = async (consistency: Consistency) =>
          (await authorizer.check(asked, { consistency })).permissionship
        expect(await at({ kind: 'at_exact_snapshot', token: before.token })).toBe('has')
        expect(await at({ kind: 'at_exact_snapshot', token: after.token })).toBe('no')
        expect(await at({ kind: 'at_least_as_fresh', token: before.token })).toBe('no')
        expect(await at({ kind: 'at_least_as_fresh', token: after.token })).toBe('no')
        const reread = await collect(
          authorizer.readRelationships({
            filter: { resourceType: 'document', resourceId: 'c1' },
            consistency: { kind: 'at_exact_snapshot', token: before.token },
          }),
        )
        expect(reread).toHaveLength(1)
      })

      test('garbage for a token is refused, and nothing else happens', async () => {
        const asked = question('document:note#view@user:bob')
        for (const token of ['garbage', '!', 'A'.repeat(5000), 'GhUKAzEyMxIIYWJjZGVmZ2gaBAECAwQ='])
          for (const kind of ['at_exact_snapshot', 'at_least_as_fresh'] as const) {
            if (token.startsWith('Gh') && kind === 'at_least_as_fresh') continue
            await refused(authorizer.check(asked, { consistency: { kind, token } }), 'INVALID_TOKEN')
          }
        const { token } = await authorizer.readSchema()
        const changed = `${token.slice(0, -3)}${token.endsWith('AAA') ? 'BBB' : 'AAA'}`
        await refused(
          authorizer.check(asked, { consistency: { kind: 'at_exact_snapshot', token: changed } }),
          'INVALID_TOKEN',
        )
      })

      test('pages keep to their state while others write', async () => {
        const filter = { resourceType: 'document', resourceIdPrefix: 'many' }
        const [first] = await collect(authorizer.readRelationships({ filter, limit: 1, ...newest }))
        await authorizer.writeRelationships({ updates: updates('delete', 'document:many20#viewer@user:max') })
        const rest: unknown[] = []
        let cursor: string | undefined = first!.cursor
        while (cursor !== undefined) {
          const page: { cursor: string }[] = await collect(
            authorizer.readRelationships({ filter, limit: 1, cursor, ...newest }),
          )
          rest.push(...page)
          cursor = page[0]?.cursor
        }
        expect(rest).toHaveLength(20)
        await authorizer.writeRelationships({ updates: updates('touch', 'document:many20#viewer@user:max') })
      })
    })

    describe('watch', () => {
      test('tells every change in order, with metadata, and resumes', async () => {
        const start = (await authorizer.writeRelationships({ updates: [] })).token
        const end = new AbortController()
        const seen: WatchEvent[] = []
        const watching = (async () => {
          for await (const event of authorizer.watch({
            after: start,
            resourceTypes: ['document'],
            schema: true,
            signal: end.signal,
          })) {
            seen.push(event)
            if (seen.length === 4) end.abort()
          }
        })().catch((error) => expect(error).toMatchObject({ code: 'CANCELLED' }))
        await authorizer.writeRelationships({
          updates: updates('create', 'document:t1#viewer@user:cy[on_day:{"allowed":"mon"}]'),
          metadata: { by: 'me', n: 1 },
        })
        await authorizer.writeRelationships({ updates: updates('touch', 'folder:t1#viewer@user:cy') })
        await authorizer.writeRelationships({ updates: updates('delete', 'document:t1#viewer@user:cy') })
        await authorizer.writeSchema(`${schema}\n`)
        await authorizer.writeRelationships({ updates: updates('touch', 'document:t2#viewer@user:cy') })
        await watching
        expect(seen.map(({ kind }) => kind)).toEqual(['changes', 'changes', 'schema', 'changes'])
        expect(seen[0]!.metadata).toEqual({ by: 'me', n: 1 })
        const told = seen.flatMap(({ changes }) =>
          changes.map(({ operation, relationship }) => `${operation} ${formatRelationship(relationship)}`),
        )
        expect(told).toEqual([
          'touch document:t1#viewer@user:cy[on_day:{"allowed":"mon"}]',
          'delete document:t1#viewer@user:cy[on_day:{"allowed":"mon"}]',
          'touch document:t2#viewer@user:cy',
        ])
        const later = new AbortController()
        for await (const event of authorizer.watch({ after: seen[1]!.token, signal: later.signal })) {
          expect(event.changes.map(({ relationship }) => formatRelationship(relationship))).toEqual([
            'document:t2#viewer@user:cy',
          ])
          break
        }
        later.abort()
      })

      test('checkpoints promise that nothing more is to come', async () => {
        const { token: after } = await authorizer.writeRelationships({
          updates: updates('touch', 'document:t3#viewer@user:cy'),
        })
        for await (const event of authorizer.watch({ after, checkpoints: true })) {
          expect(event).toMatchObject({ kind: 'checkpoint', changes: [] })
          expect(event.token).not.toBe('')
          break
        }
      })

      test('what cannot be watched is refused', async () => {
        await refused(
          authorizer.watch({ resourceTypes: ['document'], filters: [{ resourceType: 'document' }] }),
          'INVALID_ARGUMENT',
        )
        await refused(authorizer.watch({ after: 'garbage' }), 'INVALID_TOKEN')
        await refused(authorizer.watch({ filters: [{ resourceType: 'nothing' }] }), 'UNKNOWN_DEFINITION')
      })
    })

    describe('the schema', () => {
      test('comes back, and every problem of a new one is told', async () => {
        const { text } = await authorizer.readSchema()
        expect(text).toContain('permission view = (viewer + edit + parent->view) - banned')
        const parse = await refused(authorizer.writeSchema('definition user {'), 'SCHEMA_PARSE_ERROR')
        expect(parse.facts).toMatchObject({ start_line_number: expect.any(String) })
        const type = await refused(
          authorizer.writeSchema('definition user {}\ndefinition doc {\n  permission view = gone\n}'),
          'SCHEMA_TYPE_ERROR',
        )
        expect(type.message).toContain('gone')
        expect((await authorizer.readSchema()).text).toBe(text)
      })

      test('relationships refuse a schema that has no place for them', async () => {
        const without = schema.replace('  relation banned: user\n', '').replace(' - banned', '')
        const blocked = await refused(authorizer.writeSchema(without), 'SCHEMA_BLOCKED_BY_DATA')
        expect(blocked.facts.relationship).toMatch(/^document:(plan|open)#banned@user:/)
      })

      test('as data', async () => {
        const { definitions, caveats } = await authorizer.reflectSchema([], newest)
        expect(definitions.map((definition) => definition.name)).toEqual([
          'user',
          'group',
          'folder',
          'document',
        ])
        expect(definitions[1]).toMatchObject({
          comment: '/** people who work together */',
          relations: [{ name: 'member', parentDefinitionName: 'group' }],
        })
        expect(caveats.map((caveat) => caveat.name).sort()).toEqual(['at_least', 'on_day'])
        const only = await authorizer.reflectSchema([{ definitionName: 'doc' }], newest)
        expect(only.definitions.map((definition) => definition.name)).toEqual(['document'])
        await refused(authorizer.reflectSchema([{ relationName: 'x' }], newest), 'INVALID_FILTER')
      })

      test('differences and dependencies', async () => {
        const other = schema.replace('permission edit = editor', 'permission edit = editor + viewer')
        const { differences } = await authorizer.diffSchema(other, newest)
        expect(differences.map(({ kind }) => kind)).toEqual(['permission_expr_changed'])
        const affected = await authorizer.computablePermissions(
          { definitionName: 'group', relationName: 'member', definitionPrefix: 'doc' },
          newest,
        )
        expect(affected.references.map((reference) => reference.relationName)).toEqual(
          expect.arrayContaining(['viewer', 'view']),
        )
        const needed = await authorizer.dependentRelations(
          { definitionName: 'folder', permissionName: 'view' },
          newest,
        )
        expect(
          needed.references.map(({ definitionName, relationName, isPermission }) => [
            definitionName,
            relationName,
            isPermission,
          ]),
        ).toEqual(expect.arrayContaining([['folder', 'viewer', false]]))
        const relation = { definitionName: 'folder', permissionName: 'viewer' }
        await refused(authorizer.dependentRelations(relation, newest), 'NOT_A_PERMISSION', {
          relationName: 'viewer',
        })
        await refused(
          authorizer.dependentRelations({ definitionName: 'folder', permissionName: 'fly' }, newest),
          'UNKNOWN_RELATION_OR_PERMISSION',
        )
      })

      test('none at first, and none after the empty text', async () => {
        const fresh = await open()
        try {
          await refused(fresh.authorizer.readSchema(), 'SCHEMA_NOT_FOUND')
          await refused(fresh.authorizer.check(question('document:a#view@user:a')), 'UNKNOWN_DEFINITION')
          await fresh.authorizer.writeSchema('definition user {}')
          expect((await fresh.authorizer.readSchema()).text).toContain('definition user {}')
          await fresh.authorizer.writeSchema('')
          await refused(fresh.authorizer.readSchema(), 'SCHEMA_NOT_FOUND')
        } finally {
          await fresh.close()
        }
      })
    })

    describe('callers who no longer wait', () => {
      test('a cancelled call is CANCELLED', async () => {
        const signal = AbortSignal.abort()
        await refused(authorizer.check(question('document:note#view@user:bob'), { signal }), 'CANCELLED')
        const filter = { resourceType: 'document' }
        await refused(authorizer.readRelationships({ filter, signal }), 'CANCELLED')
      })

      test('a call past its deadline is DEADLINE_EXCEEDED', async () => {
        const deadlineMs = Date.now() - 1
        await refused(
          authorizer.check(question('document:note#view@user:bob'), { deadlineMs }),
          'DEADLINE_EXCEEDED',
        )
        const filter = { resourceType: 'document' }
        await refused(authorizer.readRelationships({ filter, deadlineMs }), 'DEADLINE_EXCEEDED')
      })
    })

    describe.skipIf(gaps.explanations)('explanations', () => {
      test('the proof of a yes, and the reason of a no', async () => {
        const yes = await authorizer.check(question('document:plan#view@user:ann'), {
          ...newest,
          explain: true,
        })
        expect(yes.explanation!.proof.map(formatRelationship).sort()).toEqual([
          'document:plan#parent@folder:sub',
          'folder:root#viewer@group:staff#member',
          'folder:sub#parent@folder:root',
          'group:staff#member@user:ann',
        ])
        expect(yes.explanation!.absences).toEqual([
          { resource: parseObject('document:plan'), permission: 'banned', subject: parseSubject('user:ann') },
        ])
        const no = await authorizer.check(question('document:plan#view@user:lea'), {
          ...newest,
          explain: true,
        })
        expect(no.explanation!.reason).toMatchObject({ kind: 'blocked_by_exclusion' })
        const { answers } = await authorizer.checkBulk(
          [question('document:day#view@user:bob'), question('document:a#fly@user:bob')],
          { ...newest, explain: true },
        )
        expect(answers[0]).toMatchObject({
          explanation: { reason: { kind: 'context_missing', missing: ['day'] } },
        })
        expect(answers[1]!.error?.code).toBe('UNKNOWN_RELATION_OR_PERMISSION')
      })
    })

    describe.skipIf(gaps.requirements)('writes that hang on a decision', () => {
      test('nothing is written unless every requirement holds', async () => {
        const grant = updates('touch', 'document:note#viewer@user:new')
        await refused(
          authorizer.writeRelationships({
            updates: grant,
            require: [question('document:note#view@user:ann')],
          }),
          'REQUIREMENT_FAILED',
        )
        expect(await verdict('document:note#view@user:new')).toBe('no')
        await authorizer.writeRelationships({
          updates: grant,
          require: [question('document:note#view@user:bob')],
          dryRun: true,
        })
        expect(await verdict('document:note#view@user:new')).toBe('no')
        await authorizer.writeRelationships({
          updates: grant,
          require: [question('document:note#view@user:bob')],
        })
        expect(await verdict('document:note#view@user:new')).toBe('has')
      })
    })

    describe.skipIf(gaps.plans)('schema plans', () => {
      test('tell what would change and what refuses', async () => {
        const without = schema.replace('  relation banned: user\n', '').replace(' - banned', '')
        const plan = await authorizer.planSchema(without, {
          questions: [question('document:open#view@user:eve'), question('document:note#view@user:bob')],
          sample: 0,
        })
        expect(plan.asked).toBe(2)
        expect(plan.differences.map(({ kind }) => kind).sort()).toEqual([
          'permission_expr_changed',
          'relation_removed',
        ])
        expect(plan.blocked[0]).toMatchObject({ relationship: { relation: 'banned' } })
        expect(plan.changed).toEqual([
          { question: question('document:open#view@user:eve'), before: 'no', after: 'has' },
        ])
        expect((await authorizer.readSchema()).text).toContain('relation banned')
      })
    })
  })
}
