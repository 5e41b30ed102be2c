// Three-valued truth: the same reasons are the same truth, however they came together.

import { expect, test } from 'vitest'
import { no, Truths, truthClass, yes } from '../../src/engine/truth.ts'
import { CardeaError } from '../../src/model/errors.ts'

test('unknowns with the same reasons are one, in whatever order they are met', () => {
  const truths = new Truths()
  const names = ['a', 'b', 'c', 'd']
  const singles = names.map((name) => truths.missing([name]))
  expect(new Set(singles).size).toBe(4)
  expect(names.map((name) => truths.missing([name]))).toEqual(singles)
  expect(singles.map((truth) => truths.missingNames(truth))).toEqual(names.map((name) => [name]))
  const [a, b, c] = singles as [number, number, number, number]
  const abc = truths.or(a, truths.or(b, c))
  expect(truths.missingNames(abc)).toEqual(['a', 'b', 'c'])
  expect(truths.or(truths.or(c, b), a)).toBe(abc)
  expect(truths.and(truths.and(b, a), c)).toBe(abc)
  expect(truths.and(b, truths.or(c, a))).toBe(abc)
  for (const order of [
    ['a', 'b', 'c'],
    ['c', 'b', 'a'],
    ['b', 'c', 'a'],
    ['c', 'a', 'b'],
  ]) {
    expect(truths.missing(order)).toBe(abc)
  }
  expect(truths.or(abc, a)).toBe(abc)
  expect(truths.and(abc, abc)).toBe(abc)
})

test('an error among the reasons is thrown, and equals itself alone', () => {
  const truths = new Truths()
  const [one, other] = ['one', 'other'].map((text) => new CardeaError('CAVEAT_EVALUATION_ERROR', text))
  const missing = truths.missing(['a'])
  const both = truths.or(missing, truths.error(one!))
  expect(() => truths.missingNames(both)).toThrow(one)
  expect(truths.error(one!)).toBe(truths.error(one!))
  expect(truths.error(one!)).not.toBe(truths.error(other!))
  expect(truths.or(yes, both)).toBe(yes)
  expect(truths.and(both, no)).toBe(no)
  expect(truths.not(both)).toBe(both)
})

test('truths fall into three classes, in their order', () => {
  expect([no, new Truths().missing(['a']), yes].map(truthClass)).toEqual([0, 1, 2])
})
