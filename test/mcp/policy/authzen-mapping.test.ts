// A tool author's mapping adds questions about the caller, and every doubt about it denies.

import { expect, test } from 'vitest'
import { isDenial } from '../../../src/mcp/policy/ask.ts'
import { compileAuthzenMapping } from '../../../src/mcp/policy/authzen-mapping.ts'
import type { JsonObject, JsonValue } from '../../../src/model/context.ts'
import { alice, textOf } from './planning.ts'

function asksOf(mapping: JsonValue, args: JsonObject): string[] | string {
  const compiled = compileAuthzenMapping({ type: 'object', 'x-authzen-mapping': mapping })
  if (compiled === undefined || typeof compiled === 'string') return compiled ?? 'none'
  const asks = compiled.asks({ name: 't', arguments: args }, alice)
  return isDenial(asks) ? asks.denied : asks.map(textOf)
}

const one = { action: { name: 'view' }, resource: { type: 'document', id: '$params.arguments.id' } }

test('one evaluation is one question', () => {
  expect(asksOf({ evaluation: one }, { id: 'a/b' })).toEqual(['document:a=2Fb#view'])
  expect(asksOf({ evaluation: { ...one, subject: { type: 'x', id: '$token.sub' } } }, { id: 'a' })).toEqual([
    'document:a#view',
  ])
  expect(
    asksOf(
      { evaluation: { ...one, resource: { type: 'document', id: "$'acme-' + params.arguments.id" } } },
      { id: 'a' },
    ),
  ).toEqual(['document:acme-a#view'])
  expect(asksOf({ evaluation: { ...one, resource: { type: 'document', id: '$$literal' } } }, {})).toEqual([
    'document:=24literal#view',
  ])
})

test('several are all needed, and share what stands beside them', () => {
  const mapping = {
    evaluations: { action: { name: 'edit' }, evaluations: [{ resource: one.resource }, one] },
  }
  expect(asksOf(mapping, { id: 'a' })).toEqual(['document:a#edit', 'document:a#view'])
})

test.each<[string, JsonValue, JsonObject]>([
  ['a missing argument', { evaluation: one }, {}],
  [
    'an id that is left out',
    { evaluation: { ...one, resource: { type: 'document', id: '$params.arguments.?id' } } },
    {},
  ],
  ['a list as an id', { evaluation: one }, { id: ['a'] }],
  ['another subject', { evaluation: { ...one, subject: { id: 'bob' } } }, { id: 'a' }],
  ['a permission that is none', { evaluation: { ...one, action: { name: 'tools/call' } } }, { id: 'a' }],
  ['a type that is none', { evaluation: { ...one, resource: { type: 'D', id: 'a' } } }, { id: 'a' }],
])('%s denies', (_, mapping, args) => {
  expect(asksOf(mapping, args)).toMatch(/^x-authzen-mapping: /)
})

test.each<[string, JsonValue]>([
  ['no object', 'x'],
  ['no envelope', {}],
  ['two envelopes', { evaluation: one, evaluations: {} }],
  ['an unknown envelope', { search: one }],
  [
    'options',
    { evaluations: { evaluations: [one], options: { evaluations_semantic: 'permit_on_first_permit' } } },
  ],
  ['a subject per evaluation', { evaluations: { evaluations: [{ ...one, subject: { id: 'bob' } }] } }],
  ['no evaluations', { evaluations: { evaluations: [] } }],
  ['broken CEL', { evaluation: { ...one, resource: { type: 'document', id: '$params.(' } } }],
  ['CEL on what is not there', { evaluation: { ...one, resource: { type: 'document', id: '$headers.x' } } }],
])('%s is no mapping', (_, mapping) => {
  expect(asksOf(mapping, { id: 'a' })).toMatch(/x-authzen-mapping/)
})

test('without one there is none', () => {
  expect(compileAuthzenMapping({ type: 'object' })).toBeUndefined()
  expect(compileAuthzenMapping(undefined)).toBeUndefined()
})
