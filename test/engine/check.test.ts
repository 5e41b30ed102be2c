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

test('the fast paths are taken unless they are turned off', async () => {
  const many = Array.from({ length: 200 }, (_, at) => at)
  const each = caseOf(
    `definition user {}
definition group {
  relation member: user
}
definition document {
  relation viewer: group#member
  permission view = viewer
}`,
    many.flatMap((at) => [`document:a#viewer@group:g${at}#member`, `group:g${at}#member@user:u${at}`]),
  )
  const world = await worldOf(each)
  const question = questionOf('document:a#view@user:nobody')
  const steps = (paths?: Parameters<typeof createEngine>[1]) => {
    const evaluation = createEngine({}, paths).check(world, question, each.nowMs)
    expect(finish(evaluation, 1000).permissionship).toBe('no')
    return evaluation.steps
  }
  const fast = steps()
  expect(steps({ reach: true })).toBe(fast)
  expect(steps({ wideRows: 16 })).toBe(fast)
  expect(steps({ wideRows: 1000 })).toBeGreaterThan(fast)
  expect(steps({ reach: false })).toBeGreaterThan(steps({ wideRows: 1000 }))
})
