// The id encoding is injective, never yields a wildcard, and keeps what needs no encoding.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeId, encodeId } from '../../src/model/encode-id.ts'
import { isValidObjectId } from '../../src/model/reference.ts'

test('plain ids stay as they are', () => {
  expect(encodeId('alice_1-x+y|Z')).toBe('alice_1-x+y|Z')
  expect(encodeId('')).toBe('')
})

test('everything else becomes =HH of its UTF-8 bytes', () => {
  expect(encodeId('*')).toBe('=2A')
  expect(encodeId('a=b')).toBe('a=3Db')
  expect(encodeId('a/b')).toBe('a=2Fb')
  expect(encodeId('a/b', true)).toBe('a/b')
  expect(encodeId('é')).toBe('=C3=A9')
  expect(encodeId('alice@example.com')).toBe('alice=40example=2Ecom')
  expect(encodeId('a\nb\0')).toBe('a=0Ab=00')
})

test('two different texts never share an id, and each comes back', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      fc.boolean(),
      (a, b, keepSlash) => {
        const id = encodeId(a, keepSlash)
        expect(id === '' || id.length > 1024 || isValidObjectId(id)).toBe(true)
        expect(decodeId(id)).toBe(a)
        if (a !== b) expect(encodeId(b, keepSlash)).not.toBe(id)
      },
    ),
    { numRuns: 500 },
  )
})

test('Unicode twins stay two ids', () => {
  expect(encodeId('\u00e9')).not.toBe(encodeId('e\u0301'))
  expect(encodeId('a')).not.toBe(encodeId('\u0430'))
})

test('half a surrogate pair has no id', () => {
  expect(() => encodeId('a\ud800')).toThrow(/surrogate/)
})

test.each(['=', 'a=2', '=2f', 'a b', '*', '=FF'])('%s is no encoded id', (id) => {
  expect(() => decodeId(id)).toThrow(/no encoded id/)
})
