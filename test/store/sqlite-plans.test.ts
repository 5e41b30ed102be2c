// Each filter is answered from the side that it names most closely: read from SQLite's own query plans.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RelationshipFilter } from '../../src/model/filter.ts'
import { Dictionary } from '../../src/store/sqlite/dictionary.ts'
import { MatchingRows } from '../../src/store/sqlite/matching-rows.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { nowMs, touch, write } from './support.ts'

let directory: string
let database: Database.Database
let statements: string[] = []
let matching: MatchingRows

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cardea-plans-'))
  const path = join(directory, 'cardea.db')
  const store = await openSqliteStore({ path })
  await write(store, touch('doc:a#viewer@user:ann', 'doc:b#viewer@team:ops#member'))
  await store.close()
  database = new Database(path, { verbose: (sql) => statements.push(String(sql)) })
  matching = new MatchingRows(database, new Dictionary(database, 100))
})
afterAll(() => {
  database.close()
  rmSync(directory, { recursive: true })
})

/** The first step of the plan for a filter: where SQLite begins. */
function firstStep(filter: RelationshipFilter): string {
  statements = []
  matching.find(filter, nowMs, 1)
  const query = statements.find((sql) => sql.includes('LIMIT'))!
  const [step] = database.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${query}`).all()
  return step!.detail
}

test.each<[string, RelationshipFilter, RegExp]>([
  ['a resource', { resourceType: 'doc', resourceId: 'a' }, /^SEARCH r USING PRIMARY KEY \(resource=\?\)/],
  [
    'a resource and a relation',
    { resourceType: 'doc', resourceId: 'a', relation: 'viewer' },
    /^SEARCH r USING PRIMARY KEY \(resource=\? AND relation=\?\)/,
  ],
  [
    'one row',
    {
      resourceType: 'doc',
      resourceId: 'a',
      relation: 'viewer',
      subject: { type: 'user', id: 'ann', relation: '' },
    },
    /^SEARCH r USING PRIMARY KEY \(resource=\? AND relation=\? AND subject=\? AND subject_relation=\?\)/,
  ],
  ['a subject', { subject: { type: 'user', id: 'ann' } }, /^SEARCH r USING .*by_subject \(subject=\?\)/],
  [
    'a subject and a resource type',
    { resourceType: 'doc', relation: 'viewer', subject: { type: 'user', id: 'ann' } },
    /^SEARCH r USING .*by_subject \(subject=\? AND relation=\?\)/,
  ],
  ['a resource type', { resourceType: 'doc' }, /^SEARCH ro USING .*INDEX \S+ \(type=\?\)/],
  [
    'an id prefix',
    { resourceType: 'doc', resourceIdPrefix: 'a' },
    /^SEARCH ro USING .*INDEX \S+ \(type=\? AND id>\? AND id<\?\)/,
  ],
  ['a subject type', { subject: { type: 'user' } }, /^SEARCH so USING .*INDEX \S+ \(type=\?\)/],
])('%s', (_, filter, plan) => {
  expect(firstStep(filter)).toMatch(plan)
})
