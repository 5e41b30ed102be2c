// The truth tables of the random caveats against the real caveat evaluator, over every combination of values.

import { describe, expect, test } from 'vitest'
import { compileCaveat } from '../../src/caveats/compiled-caveat.ts'
import type { JsonObject, JsonValue } from '../../src/model/context.ts'
import { CardeaError } from '../../src/model/errors.ts'
import { type CaveatTable, caveatOf, caveatTables, judgeByTable, wrongValue } from './caveat-tables.ts'
import type { CaveatVerdict } from './caveat-verdict.ts'

/** Every context that gives each parameter one of its values, a value of no type, or none. */
function contextsOf({ values }: CaveatTable): JsonObject[] {
  return Object.entries(values).reduce<JsonObject[]>(
    (contexts, [name, choices]) =>
      contexts.flatMap((context) => [
        context,
        ...[...choices, wrongValue].map((value: JsonValue) => ({ ...context, [name]: value })),
      ]),
    [{}],
  )
}

function evaluated(table: CaveatTable, request: JsonObject, stored: JsonObject | undefined): CaveatVerdict {
  try {
    const { result, missing } = compileCaveat(caveatOf(table)).evaluate(request, stored)
    return result === 'missing' ? { kind: 'missing', names: missing } : { kind: result }
  } catch (thrown) {
    if (!(thrown instanceof CardeaError)) throw thrown
    expect(['CAVEAT_PARAMETER_TYPE_ERROR', 'CAVEAT_EVALUATION_ERROR']).toContain(thrown.code)
    return { kind: 'error' }
  }
}

const sorted = (verdict: CaveatVerdict): CaveatVerdict =>
  verdict.kind === 'missing' ? { ...verdict, names: [...verdict.names].sort() } : verdict

describe('caveat tables', () => {
  test.each(caveatTables.map((table) => [table.name, table] as const))('%s', (name, table) => {
    const kinds = new Set<string>()
    for (const context of contextsOf(table)) {
      const verdict = sorted(judgeByTable({ name, context }, {}))
      kinds.add(verdict.kind)
      expect([context, evaluated(table, {}, context)]).toEqual([context, verdict])
      expect([context, evaluated(table, context, undefined)]).toEqual([context, verdict])
    }
    // A table that never says one of these would cover nothing.
    expect([...kinds]).toEqual(expect.arrayContaining(['true', 'false', 'missing']))
  })

  test('stored context wins over the request, other keys do not matter', () => {
    const caveat = { name: 'switched_on', context: { flag: false } }
    expect(judgeByTable(caveat, { flag: true, other: 1 })).toEqual({ kind: 'false' })
    expect(judgeByTable({ name: 'switched_on' }, { flag: true })).toEqual({ kind: 'true' })
  })
})
