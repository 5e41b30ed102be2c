// Small cases that once told the engine and the reference apart, and cases on which rules of the language turn.

import { describe, expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import {
  formatRelationship,
  parseObjectAndRelation,
  parseSubject,
} from '../../src/model/relationship-text.ts'
import { ask, judge } from '../reference/compare.ts'
import { type Case, caseOf } from '../reference/generate.ts'
import type { AnyQuestion, CheckQuestion } from '../reference/questions.ts'
import { engineSystem, finish, worldOf } from './cardea-systems.ts'
import { referenceOf } from './run-cases.ts'

/** `check a:b#c@d:e` or `expand a:b#c`. */
function question(text: string): AnyQuestion {
  const [kind, asked] = text.split(' ') as [string, string]
  const [left, subject] = asked.split('@') as [string, string | undefined]
  const { resource, relation: permission } = parseObjectAndRelation(left)
  if (kind === 'expand') return { kind, resource, permission }
  return { kind: 'check', resource, permission, subject: parseSubject(subject!), context: {} }
}

async function answer(each: Case, text: string): Promise<string> {
  const system = engineSystem({ steps: 1000, items: 1000, reach: true })
  await system.load(each)
  const asked = question(text)
  const said = await ask(system, asked)
  expect(judge(referenceOf(each), asked, said, 'exact')).toBeUndefined()
  return said.error ?? (said.value as { permissionship: string }).permissionship
}

describe('cycles through exclusions', () => {
  const rows = ['group:a#member@user:ann', 'group:a#base@user:ann']
  const doubly = (expression: string) => `definition user {}
    definition group {
      relation member: user
      relation base: user
      ${expression}
    }`

  test('a doubly subtracted cycle is undefined, written in one expression or in two', async () => {
    const inOne = caseOf(doubly('permission edit = base - (member - edit)'), rows)
    const inTwo = caseOf(doubly('permission edit = base - other\n permission other = member - edit'), rows)
    expect(await answer(inTwo, 'check group:a#edit@user:ann')).toBe('UNDEFINED_BY_CYCLE')
    expect(await answer(inOne, 'check group:a#edit@user:ann')).toBe('UNDEFINED_BY_CYCLE')
  })

  test('an exclusion that bites its own tail is undefined where the base holds, and a no elsewhere', async () => {
    const each = caseOf(doubly('permission edit = base - edit'), rows)
    expect(await answer(each, 'check group:a#edit@user:ann')).toBe('UNDEFINED_BY_CYCLE')
    expect(await answer(each, 'check group:a#edit@user:bob')).toBe('no')
  })

  test('a cycle that something else decides is decided', async () => {
    const each = caseOf(doubly('permission edit = member + (base - edit)'), rows)
    expect(await answer(each, 'check group:a#edit@user:ann')).toBe('has')
  })
})

describe('cycles under conditions', () => {
  test('a condition caps what a cycle leaves open from it upwards', async () => {
    const each = caseOf(
      `caveat switched_on(flag bool) {
        flag
      }
      definition document {
        relation member: document with switched_on
        relation parent: document:*
        permission view = can_read
        permission edit = member->view
        permission access = can_read - access
        permission can_read = parent - member->access
      }`,
      ['document:a#parent@document:*', 'document:a#member@document:a[switched_on]'],
    )
    expect(await answer(each, 'check document:a#edit@document:a')).toBe('conditional')
    expect(await answer(each, 'check document:a#view@document:a')).toBe('UNDEFINED_BY_CYCLE')
  })
})

describe('expand', () => {
  test.each([['self', 'union (user:ann#access leaf {user:ann#})']])(
    'a single operand stands under a union: %s',
    async (expression) => {
      const each = caseOf(`use self\ndefinition user {\n permission access = ${expression}\n}`, [])
      await answer(each, 'expand user:ann#access')
    },
  )

  test.each(['member', 'nil', 'member->member', 'member.all(member)', 'member - member', 'member + member'])(
    'of %s',
    async (expression) => {
      const schema = `definition group {\n relation member: group\n permission access = ${expression}\n}`
      await answer(caseOf(schema, ['group:a#member@group:b']), 'expand group:a#access')
    },
  )
})

describe('explain', () => {
  async function explanation(each: Case, text: string, context = {}) {
    const asked = { ...question(text), context } as CheckQuestion
    return finish(createEngine().explain(await worldOf(each), asked, each.nowMs), 1000)
  }

  test('claims no absence of what is there', async () => {
    const each = caseOf('use self\ndefinition user {\n permission access = self - (self - self)\n}', [])
    const { permissionship, absences } = await explanation(each, 'check user:ann#access@user:ann')
    expect(permissionship).toBe('has')
    expect(absences).toEqual([])
  })

  test('proves with the row that makes a subtracted `.all` fail', async () => {
    const rows = ['group:a#viewer@group:a#view', 'group:a#viewer@user:bob']
    const each = caseOf(
      `definition user {}
      definition group {
        relation viewer: group#view | user
        relation member: group
        permission view = access - viewer.all(access)
        permission access = member->access
      }`,
      rows,
    )
    const { permissionship, proof } = await explanation(each, 'check group:a#viewer@group:a#access')
    expect(permissionship).toBe('has')
    expect(proof.map(formatRelationship).sort()).toEqual(rows)
  })
})
