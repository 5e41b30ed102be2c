// Where Cardea answers otherwise than SpiceDB, on purpose: each difference has its case, and its place in the docs.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ask } from '../reference/compare.ts'
import { caseOf } from '../reference/generate.ts'
import { knownDifferences, summary } from '../reference/known-differences.ts'
import { authorizerSystem } from './cardea-systems.ts'

describe('differences from SpiceDB', () => {
  test.each(knownDifferences.map((known) => [known.name, known] as const))('%s', async (_, known) => {
    const system = authorizerSystem({ pageSize: 0 })
    await system.load(caseOf(known.schema, known.rows))
    expect(summary(await ask(system, known.question))).toBe(known.cardea)
    expect(known.cardea).not.toBe(known.spicedb)
    await system.close()
  })

  test('each one is explained in docs/differences.md', () => {
    const text = readFileSync(new URL('../../docs/differences.md', import.meta.url), 'utf8')
    const headings = [...text.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading)
    expect(headings).toEqual(expect.arrayContaining(knownDifferences.map(({ name }) => name)))
  })
})
