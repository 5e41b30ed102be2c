// A plain copy says exactly what the wire would say.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plainJson } from '../../../src/mcp/guard/plain-json.ts'

test('it equals a round trip through text', () => {
  const anything = fc.anything({
    withDate: true,
    withNullPrototype: true,
    withBoxedValues: true,
    withSparseArray: true,
    withMap: true,
    withSet: true,
  })
  fc.assert(
    fc.property(anything, (value) => {
      const text = JSON.stringify(value)
      const copy = plainJson(value)
      expect(JSON.stringify(copy)).toBe(text)
      if (text !== undefined) expect(copy).toEqual(JSON.parse(text))
    }),
    { numRuns: 2000 },
  )
})

test('methods speak once and are heard', () => {
  let turns = 0
  const value = {
    toJSON: () => ({ turns: ++turns }),
  }
  expect(plainJson({ a: [value] })).toEqual({ a: [{ turns: 1 }] })
  class Note {
    text = 'x'
    #hidden = 'y'
    get shout() {
      return this.#hidden
    }
  }
  expect(plainJson({ note: new Note(), when: new Date(0), skip: undefined, f: () => 1 })).toEqual({
    note: { text: 'x' },
    when: '1970-01-01T00:00:00.000Z',
  })
})

test('what has no JSON form throws, and depth is no way around it', () => {
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  expect(() => plainJson(cycle)).toThrow()
  expect(() => plainJson({ n: 1n })).toThrow()
  expect(plainJson(JSON.parse('{"__proto__":{"a":1}}'))).toEqual(JSON.parse('{"__proto__":{"a":1}}'))
})
