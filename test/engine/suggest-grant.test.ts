// What explain suggests for a no: the narrowest single change first, within a stated budget.

import { describe, expect, test } from 'vitest'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import type { JsonObject } from '../../src/model/context.ts'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import { ask, questionOf, worldOf } from './world-of.ts'

const schema = `use expiration

caveat on_day(day string, today string) {
  day == today || today == "any"
}

definition user {}

definition group {
  relation member: user | group#member
}

definition folder {
  relation viewer: user | group#member
  permission view = viewer
}

definition document {
  relation parent: folder
  relation viewer: user | group#member
  relation owner: user
  relation team: group#member
  relation public: user:*
  relation banned: user | group#member
  relation pardoned: user
  relation guest: user with on_day
  relation visitor: user with expiration
  relation approved: user
  permission edit = owner
  permission view = viewer + edit + parent->view - (banned - pardoned)
  permission read_by_team = team
  permission read_by_all = public
  permission inherited = parent.all(view)
  permission visit = visitor
  permission drop_in = guest
  permission read_approved = viewer & approved
  permission nobody = nil
}
`

const rows = [
  'document:plan#viewer@group:eng#member',
  'document:plan#parent@folder:specs',
  'folder:specs#viewer@group:eng#member',
  'group:eng#member@user:ann',
  'group:eng#member@group:core#member',
  'group:small#member@user:ann',
  'group:small#member@user:kim',
  'group:eng#member@user:kim',
  'group:eng#member@user:lee',
  'document:plan#viewer@user:eve',
  'document:plan#banned@user:eve',
  'document:plan#viewer@user:mal',
  'document:plan#banned@group:bad#member',
  'group:bad#member@user:mal',
  'document:plan#approved@user:bob',
]

async function suggestion(authorizer: Authorizer, text: string, context?: JsonObject): Promise<string> {
  const { explanation } = await authorizer.check(questionOf(text, context), { explain: true, suggest: true })
  const found = explanation?.suggestion
  if (found === undefined) return 'none'
  if (found.outcome !== 'found') return found.outcome
  return `${found.update.operation} ${formatRelationship(found.update.relationship)}`
}

describe('suggestions', () => {
  test.each([
    // The relation from which the least follows, on the resource itself.
    ['document:plan#view@user:bob', 'touch document:plan#viewer@user:bob'],
    ['document:plan#edit@user:bob', 'touch document:plan#owner@user:bob'],
    // A single row in the way is taken away; a set that is in the way is left alone.
    ['document:plan#view@user:eve', 'delete document:plan#banned@user:eve'],
    ['document:plan#view@user:mal', 'touch document:plan#pardoned@user:mal'],
    // Into a set that is there already; into the smallest set that the subject is in; or a set itself.
    ['document:plan#read_by_team@user:ann', 'touch document:plan#team@group:small#member'],
    ['document:plan#read_by_team@group:core#member', 'touch document:plan#team@group:core#member'],
    ['document:new#inherited@user:ann', 'touch document:new#parent@folder:specs'],
    ['document:plan#inherited@user:bob', 'touch folder:specs#viewer@user:bob'],
    // To everyone only where nothing narrower does.
    ['document:plan#read_by_all@user:bob', 'touch document:plan#public@user:*'],
    // Names and objects that no row has mentioned yet.
    ['document:new#view@user:new', 'touch document:new#viewer@user:new'],
    ['group:new#member@user:new', 'touch group:new#member@user:new'],
    ['document:plan#read_approved@user:bob', 'touch document:plan#viewer@user:bob'],
    // Two rows would be needed.
    ['document:plan#read_approved@user:new', 'not_determined'],
    ['document:plan#read_by_team@user:bob', 'not_determined'],
    // The schema leads nowhere.
    ['document:plan#nobody@user:bob', 'impossible'],
    ['document:plan#edit@group:eng#member', 'impossible'],
    // Nothing to suggest.
    ['document:plan#view@user:ann', 'none'],
  ])('%s: %s', async (text, expected) => {
    const authorizer = await worldOf(schema, rows)
    expect(await suggestion(authorizer, text)).toBe(expected)
    const [operation, row] = expected.split(' ')
    if (row !== undefined) {
      const { explanation } = await authorizer.check(questionOf(text), { explain: true, suggest: true })
      const found = explanation!.suggestion!
      if (found.outcome !== 'found') throw new Error(operation)
      expect(await ask(authorizer, text)).toBe('no')
      await authorizer.writeRelationships({ updates: [found.update] })
      expect(await ask(authorizer, text)).toBe('has')
    }
  })

  test('a row that must expire is suggested for an hour', async () => {
    const authorizer = await worldOf(schema, rows)
    const before = Date.now()
    const text = await suggestion(authorizer, 'document:plan#visit@user:bob')
    const [, expiry] = /^touch document:plan#visitor@user:bob\[expiration:(.*)\]$/.exec(text)!
    expect(Date.parse(expiry!) - before).toBeGreaterThanOrEqual(3_599_000)
    expect(Date.parse(expiry!) - before).toBeLessThan(3_700_000)
  })

  test('a conditional row is suggested only where the context of the question makes it hold', async () => {
    const authorizer = await worldOf(schema, rows)
    const text = 'document:plan#drop_in@user:bob'
    expect(await suggestion(authorizer, text, { day: 'mon', today: 'mon' })).toBe(
      'touch document:plan#guest@user:bob[on_day]',
    )
    expect(await suggestion(authorizer, text, { day: 'mon', today: 'sun' })).toBe('not_determined')
    expect(await suggestion(authorizer, text)).toBe('not_determined')
  })

  test('nothing is searched for unless asked', async () => {
    const authorizer = await worldOf(schema, rows)
    const { explanation } = await authorizer.check(questionOf('document:plan#view@user:bob'), {
      explain: true,
    })
    expect(explanation).toBeDefined()
    expect(explanation).not.toHaveProperty('suggestion')
  })
})

describe('the budget of a search', () => {
  const groups = Array.from({ length: 150 }, (_, at) => `document:plan#viewer@group:g${at}#member`)

  test('candidates that were tried, of at most so many', async () => {
    const authorizer = await worldOf(schema, groups)
    const question = questionOf('document:plan#read_approved@user:bob')
    const { explanation } = await authorizer.check(question, { explain: true, suggest: true })
    expect(explanation?.suggestion).toEqual({ outcome: 'not_determined', tried: 100, maxTried: 100 })
  })

  test('a search that runs into the limit of steps is undetermined, and the explanation stands', async () => {
    const authorizer = await worldOf(schema, groups, { maxSteps: 5000 })
    const question = questionOf('document:plan#read_approved@user:bob')
    const { explanation } = await authorizer.check(question, { explain: true, suggest: true })
    expect(explanation?.reason?.kind).toBe('no_path')
    expect(explanation?.suggestion).toMatchObject({ outcome: 'not_determined', maxTried: 100 })
    expect(explanation!.suggestion!.tried).toBeLessThan(100)
  })
})
