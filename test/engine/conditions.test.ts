// Conditions: the instant at which a row expires, caveats that the schema has lost, and what an explanation tells of them.

import { describe, expect, test } from 'vitest'
import { createEngine, defaultEngineLimits } from '../../src/engine/create-engine.ts'
import { compilePlans } from '../../src/engine/plans.ts'
import type { TraceNode } from '../../src/model/decision.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { finish, say, worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'
import { questionOf } from './world-of.ts'

const engine = createEngine()
const question = (context?: object) => questionOf('document:a#viewer@user:ann', context as never)

test('requests have limits by default', () => {
  expect(defaultEngineLimits).toEqual({ maxSteps: 50_000_000, maxEntries: 20_000_000 })
})

test('a row is gone at the instant of its expiry, and not before', async () => {
  const schema = `use expiration
definition user {}
definition document {
  relation viewer: user with expiration
}`
  const each = caseOf(schema, ['document:a#viewer@user:ann[expiration:2100-01-01T00:00:00Z]'])
  const world = await worldOf(each)
  const expiresAtMs = Date.UTC(2100, 0, 1)
  const at = (nowMs: number) => finish(engine.check(world, question(), nowMs), 1000).permissionship
  expect([at(expiresAtMs - 1), at(expiresAtMs), at(expiresAtMs + 1)]).toEqual(['has', 'no', 'no'])
})

const schema = `caveat allowed(yes bool, tag string) {
  yes && tag == "x"
}
definition user {}
definition document {
  relation viewer: user with allowed
}`

test('a caveat that the schema has lost is an error, never a yes', async () => {
  const each = caseOf(schema, ['document:a#viewer@user:ann[allowed]'])
  const world = await worldOf(each)
  const later = compileSchema('definition user {}\ndefinition document {\n relation viewer: user\n}').schema!
  const said = await say(() =>
    finish(engine.check({ ...world, plans: compilePlans(later) }, question(), each.nowMs), 1000),
  )
  expect(said).toEqual({ error: 'CAVEAT_EVALUATION_ERROR' })
})

describe('the caveat in an explanation', () => {
  const told = async (row: string, context?: object): Promise<TraceNode> => {
    const each = caseOf(schema, [row])
    const world = await worldOf(each)
    return finish(engine.explain(world, question(context), each.nowMs), 1000).tree.children[0]!
  }

  test.each([
    [{ yes: true }, 'true', []],
    [{ yes: true, tag: 'y' }, 'true', []],
    [{ yes: false }, 'false', []],
    [undefined, 'missing', ['yes']],
  ] as const)('with %j is %s', async (context, result, missing) => {
    const node = await told('document:a#viewer@user:ann[allowed:{"tag":"x"}]', context)
    expect(node.caveat).toEqual({
      name: 'allowed',
      expression: 'yes && tag == "x"',
      result,
      context: { ...context, tag: 'x' },
      missing,
    })
    expect(node.permissionship).toBe({ true: 'has', false: 'no', missing: 'conditional' }[result])
  })
})
