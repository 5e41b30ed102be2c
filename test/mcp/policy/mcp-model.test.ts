// The ready-made model holds what its validation file says.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createAuthorizer, type LocalAuthorizer } from '../../../src/authorizer/create-authorizer.ts'
import {
  parseObjectAndRelation,
  parseRelationship,
  parseSubject,
} from '../../../src/model/relationship-text.ts'
import { memoryStore } from '../../../src/store/memory/store.ts'

const read = (name: string) => readFileSync(new URL(`../../../schema/${name}`, import.meta.url), 'utf8')
const file = parse(read('mcp.yaml')) as {
  schemaFile: string
  relationships: string
  assertions: { assertTrue: string[]; assertFalse: string[] }
}

let authorizer: LocalAuthorizer
beforeAll(async () => {
  authorizer = await createAuthorizer({ store: memoryStore() })
  await authorizer.writeSchema(read(file.schemaFile))
  const lines = file.relationships.split('\n').filter((line) => line.includes('@'))
  await authorizer.writeRelationships({
    updates: lines.map((line) => ({ operation: 'touch', relationship: parseRelationship(line) })),
  })
})
afterAll(() => authorizer.close())

async function holds(assertion: string): Promise<boolean> {
  const at = assertion.indexOf('@')
  const { resource, relation } = parseObjectAndRelation(assertion.slice(0, at))
  const subject = parseSubject(assertion.slice(at + 1))
  const consistency = { kind: 'fully_consistent' } as const
  const { permissionship } = await authorizer.check(
    { resource, permission: relation, subject },
    { consistency },
  )
  return permissionship === 'has'
}

describe.each([
  ['holds', file.assertions.assertTrue, true],
  ['does not hold', file.assertions.assertFalse, false],
] as const)('%s', (_, assertions, expected) => {
  test.each([...assertions])('%s', async (assertion) => {
    expect(await holds(assertion)).toBe(expected)
  })
})
