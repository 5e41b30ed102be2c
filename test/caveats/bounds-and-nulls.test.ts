// Caveats at their bounds: long chains, deep and wide expressions, texts that only look like numbers, null where it is let in.

import { describe, expect, it } from 'vitest'
import { Meter, maxEvaluationSteps, TooManySteps } from '../../src/caveats/outcome.ts'
import { evaluate, evaluateConstant, problemsOf } from './caveat-of.ts'

const messagesOf = (parameters: string, expression: string) =>
  problemsOf(parameters, expression).map(({ message }) => message)
const repeated = (part: string, count: number, separator: string) =>
  Array.from({ length: count }, () => part).join(separator)

describe('chains are checked in time that grows with their length', () => {
  it.each(['||', '&&'])('of %s', (operator) => {
    expect(messagesOf('a bool', repeated('a', 200, ` ${operator} `))).toEqual([])
  })

  it('of both by turns', () => {
    const nested = Array.from({ length: 80 }).reduce<string>(
      (inner, _, at) => `(${inner} ${at % 2 === 0 ? '||' : '&&'} a)`,
      'a',
    )
    expect(messagesOf('a bool', nested)).toEqual([])
  })
})

describe('how large an expression may be', () => {
  it('a chain of a thousand operands, and no longer', () => {
    const sumOf = (count: number) => `x == ${repeated('1', count, ' + ')}`
    expect(messagesOf('x int', sumOf(999))).toEqual([])
    expect(messagesOf('x int', sumOf(1000))).toEqual([expect.stringContaining('more than 1000 deep')])
  })

  it('lists and maps of ten thousand entries, and no longer', () => {
    const listOf = (count: number) => `x in [${repeated('1', count, ', ')}]`
    const mapOf = (count: number) =>
      `x in {${Array.from({ length: count }, (_, at) => `${at}: 1`).join(', ')}}`
    for (const literalOf of [listOf, mapOf]) {
      expect(messagesOf('x int', literalOf(10_000))).toEqual([])
      expect(messagesOf('x int', literalOf(10_001))).toHaveLength(1)
    }
  })
})

describe('durations as texts', () => {
  it.each([
    'duration("-9223372036854775808ns") < duration(0)',
    `duration("${'0'.repeat(198)}1s") == duration("1s")`,
  ])('the largest and the longest that are read: %s', (expression) => {
    expect(evaluateConstant(expression)).toBe('true')
  })
})

describe('the work of one evaluation', () => {
  it('is a million steps, and no more', () => {
    const meter = new Meter()
    meter.charge(maxEvaluationSteps)
    expect(() => meter.charge(1)).toThrow(TooManySteps)
  })

  it('is a step for sixteen characters, and one besides', () => {
    const meter = new Meter()
    meter.chargeLength(16 * (maxEvaluationSteps - 1))
    expect(() => meter.charge(1)).toThrow(TooManySteps)
  })
})

describe('integers as texts', () => {
  it.each(['1e5', '+1e5', '1.0e5', '.1e6', '1E5'])('%j', (text) => {
    expect(evaluate('x int', 'x == 100000', { x: text })).toBe('true')
  })

  it.each([' 1e5', '1e5 ', '\n1e5', '1e5\n', '0x1e5', '1e5x', 'x1e5', '1 e5'])('not %j', (text) => {
    expect(evaluate('x int', 'x == 100000 || x == 485', { x: text })).toBe('CAVEAT_PARAMETER_TYPE_ERROR')
  })
})

it.each([
  '"a" + "bcd" == "abcd"',
  '"abc" + "d" == "abcd"',
  'b"a" + b"bcd" == b"abcd"',
  'b"abc" + b"d" == b"abcd"',
  '[1] + [2, 3, 4] == [1, 2, 3, 4]',
])('the shorter operand comes first or last: %s', (expression) => {
  expect(evaluateConstant(expression)).toBe('true')
})

it.each(['"a".matches(x)', 'x.matches("a")', 'x.value() == 1', 'x.size() == 0', 'x.getHours() == 0'])(
  'null that is let in as any value fails like one: %s',
  (expression) => {
    expect(evaluate('x any', expression, { x: null })).toBe('CAVEAT_EVALUATION_ERROR')
  },
)
