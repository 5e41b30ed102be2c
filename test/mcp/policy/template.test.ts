// Templates: variables have roots, are encoded once, and different values never give the same id.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Scope } from '../../../src/mcp/policy/scope.ts'
import { compileCheck, compileTemplate, fillTemplate } from '../../../src/mcp/policy/template.ts'
import type { JsonValue } from '../../../src/model/context.ts'
import { encodeId } from '../../../src/model/encode-id.ts'

const known = { roots: new Set(['args', 'value', 'item', 'parent']), names: new Set(['dir', 'raw']) }

function fill(text: string, scope: Scope): string | undefined {
  const template = compileTemplate(text, known)
  if (typeof template === 'string') throw new Error(template)
  return fillTemplate(template, scope)
}

test('a variable is one string or one safe integer; anything else denies', () => {
  const of = (value: JsonValue) => fill('{value}', new Scope({ value }))
  expect(of('a b')).toBe('a=20b')
  expect(of(42)).toBe('42')
  for (const value of [null, true, 1.5, 2 ** 53, [], ['a'], {}, '', Number.NaN] as JsonValue[])
    expect(of(value)).toBeUndefined()
  expect(fill('{args.missing}', new Scope({ args: {} }))).toBeUndefined()
})

test('only own members are found', () => {
  expect(fill('{args.constructor}', new Scope({ args: {} }))).toBeUndefined()
  expect(fill('{args.length}', new Scope({ args: 'text' }))).toBeUndefined()
  expect(fill('{args.0}', new Scope({ args: ['a'] }))).toBeUndefined()
  expect(fill('{args.__proto__.x}', new Scope({ args: JSON.parse('{"__proto__":{"x":"own"}}') }))).toBe('own')
})

test('slashes stay only in {+x}', () => {
  const scope = new Scope({ value: 'a/b.md' })
  expect(fill('{value}', scope)).toBe('a=2Fb=2Emd')
  expect(fill('{+value}', scope)).toBe('a/b=2Emd')
  expect(fill('{+value|dirname}', scope)).toBe('a')
  expect(fill('x/{value|lower}', new Scope({ value: 'ÄB' }))).toBe(`x/${encodeId('äb')}`)
})

test('names from let are encoded already and are not encoded again', () => {
  const scope = new Scope({}, { dir: { encoded: 'a=2E/b' }, raw: { raw: 'x/y.z' } })
  expect(fill('{+dir}', scope)).toBe('a=2E/b')
  expect(fill('{dir}', scope)).toBe('a=2E=2Fb')
  expect(fill('{+dir|dirname}', scope)).toBe('a=2E')
  expect(fill('{+raw}', scope)).toBe('x/y=2Ez')
})

test('the parent is its names first, then its members', () => {
  const scope = new Scope({}, {}, { names: { path: { encoded: 'a/b' } }, item: { path: 'no', name: 'n.' } })
  expect(fill('{+parent.path}', scope)).toBe('a/b')
  expect(fill('{parent.name}', scope)).toBe('n=2E')
  expect(fill('{parent.other}', scope)).toBeUndefined()
})

test('different values never give one id', () => {
  const template = compileTemplate('{args.a}/{+args.b}/{args.c}', known)
  if (typeof template === 'string') throw new Error(template)
  const text = fc.string({ unit: fc.constantFrom('a', '/', '=', '2', 'F', '-', '|', '*', '.') })
  fc.assert(
    fc.property(fc.tuple(text, text, text), fc.tuple(text, text, text), (one, two) => {
      const of = ([a, b, c]: [string, string, string]) =>
        fillTemplate(template, new Scope({ args: { a, b, c } }))
      const first = of(one)
      if (first === undefined || of(two) !== first) return
      expect(two).toEqual(one)
    }),
    { numRuns: 2000 },
  )
})

test('a check is read with its subject', () => {
  expect(compileCheck('document:{value}#view', known)).toMatchObject({
    type: 'document',
    permission: 'view',
    subject: { kind: 'principal' },
  })
  expect(compileCheck('user:{value}#act_as@{agent}', known)).toMatchObject({ subject: { kind: 'agent' } })
  expect(compileCheck('document:x/{value}#view@group:{args.g}#member', known)).toMatchObject({
    subject: { kind: 'other', type: 'group', relation: 'member' },
  })
  for (const text of [
    'document:x',
    'document#view',
    ':x#view',
    'document:x#view#y',
    'document:x#view@',
    'document:{value#view',
  ])
    expect(compileCheck(text, known)).toBeTypeOf('string')
})
