// The published JSON Schema is the shape that the loader uses. After a change: write policyJsonSchema() there and format it.

import { readFileSync } from 'node:fs'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { checkPolicy } from '../../../src/mcp/policy/load-policy.ts'
import { policyJsonSchema } from '../../../src/mcp/policy/policy-json-schema.ts'

test('schema/policy.schema.json is current', () => {
  const published = readFileSync(new URL('../../../schema/policy.schema.json', import.meta.url), 'utf8')
  expect(JSON.parse(published)).toEqual(JSON.parse(JSON.stringify(policyJsonSchema())))
})

test('it takes what the loader takes and refuses what has another shape', () => {
  const validator = new AjvJsonSchemaValidator().getValidator(policyJsonSchema() as never)
  const example = parse(readFileSync(new URL('./example-policy.yaml', import.meta.url), 'utf8'))
  expect(validator(example).valid).toBe(true)
  for (const wrong of [
    { tool: {} },
    { tools: { t: { result: 'some' } } },
    { tools: { t: { result: 'whole', efect: 'read' } } },
    { tools: { t: { result: [{ items: '$.a', dened: 'drop' }] } } },
    { resources: [{ uri: 'a:{b}', as: 'file' }] },
  ]) {
    expect(validator(wrong).valid).toBe(false)
    expect(checkPolicy(wrong as never).problems).toBeDefined()
  }
})
