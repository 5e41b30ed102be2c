// Check: what the schema does not have is an error, and what an expression subtracts is one whatever stands around it.

import { expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import { finish, say, worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'
import { questionOf } from './world-of.ts'

const engine = createEngine()

test('a member that the schema does not have is an error that names it', async () => {
  const each = caseOf('definition user {}', [])
  const world = await worldOf(each)
  expect(() => engine.check(world, questionOf('user:ann#age@user:ann'), each.nowMs)).toThrow(
    expect.objectContaining({
      code: 'UNKNOWN_RELATION_OR_PERMISSION',
      facts: { definition_name: 'user', relation_or_permission_name: 'age' },
    }),
  )
})

test.each(['base - (member - edit)', 'base - (member & (member - edit))'])(
  'a doubly subtracted cycle is undefined: %s',
  async (expression) => {
    const each = caseOf(
      `definition user {}
definition group {
  relation member: user
  relation base: user
  permission edit = ${expression}
}`,
      ['group:a#member@user:ann', 'group:a#base@user:ann', 'group:a#base@user:bob'],
    )
    const world = await worldOf(each)
    const check = (text: string) => say(() => finish(engine.check(world, questionOf(text), each.nowMs), 1000))
    expect(await check('group:a#edit@user:ann')).toEqual({ error: 'UNDEFINED_BY_CYCLE' })
    expect(await check('group:a#edit@user:bob')).toMatchObject({ value: { permissionship: 'has' } })
  },
)
