// From JSON to parameters: every type, what is refused, what wins.

import { describe, expect, it } from 'vitest'
import { compileCaveat } from '../../src/caveats/compiled-caveat.ts'
import { validateContext } from '../../src/caveats/validate-context.ts'
import type { JsonObject, JsonValue } from '../../src/model/context.ts'
import { caveatOf, errorOf, evaluate } from './caveat-of.ts'

/** Type, what must hold of the parameter `p`, and JSON values for which it does. */
const converted: readonly (readonly [string, string, readonly JsonValue[]])[] = [
  ['bool', 'p', [true]],
  ['string', 'p == "1"', ['1']],
  ['int', 'p == 1', [1, 1.0, '1', '+1', '1.0', '1.', '01', '10e-1', '1e0']],
  ['int', 'p == -100 && type(p) == int', [-100, '-100', '-1e2', '-100.00']],
  ['int', 'p == 9223372036854775807', ['9223372036854775807', '9223372036854775807.0']],
  ['int', 'p == -9223372036854775808', ['-9223372036854775808', -(2 ** 63)]],
  ['int', 'p == 9007199254740993', ['9007199254740993']],
  ['uint', 'p == 1 && p + 1 == 2 && p in [1] && type(p) == int', [1, '1', '+1', '1e0']],
  ['uint', 'p > 9223372036854775807', ['18446744073709551615']],
  ['double', 'p == 1.5 && type(p) == double', [1.5, '1.5', '15e-1', '+1.5']],
  ['double', 'p == 2.0', [2, '2', '2.']],
  ['double', 'p > 1e308', ['inf', '+Inf']],
  ['bytes', 'p == b"hi"', ['aGk=', 'aG\nk=', 'aG\r\nk=']],
  ['bytes', 'size(p) == 0', ['']],
  ['bytes', 'p == b"\\373\\377\\277"', ['+/+/']],
  ['duration', 'p == duration("90m")', ['1h30m', '90m', '5400s', '1.5h', '+1h30m', '5400000ms']],
  ['duration', 'p < duration("0s")', ['-1ns', '-1.5h']],
  ['duration', 'p == duration("0s")', ['0', '0s', '0h0m', '0.1ns']],
  ['duration', 'p == duration("500ms")', ['.5s', '0.5s', '500000us', '500000µs', '500000μs']],
  ['duration', 'p > duration("292h")', ['9223372036s']],
  [
    'timestamp',
    'p == timestamp("2020-01-01T00:00:00Z")',
    ['2020-01-01T00:00:00Z', '2020-01-01T01:30:00+01:30', '2019-12-31T23:00:00.000-01:00'],
  ],
  [
    'timestamp',
    'string(p) == "2020-01-01T00:00:00.123456789Z"',
    ['2020-01-01T00:00:00.123456789Z', '2020-01-01T00:00:00.1234567891Z'],
  ],
  ['timestamp', 'p.getFullYear() == 0', ['0000-01-01T00:00:00Z']],
  ['timestamp', 'p.getDate() == 29', ['2020-02-29T23:59:59Z']],
  ['ipaddress', 'p.in_cidr("10.0.0.0/8")', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3']],
  ['ipaddress', 'p.in_cidr("2001:db8::/32")', ['2001:db8::', '2001:DB8:0:0:0:0:0:1', '2001:db8::1.2.3.4']],
  [
    'list<int>',
    'p == [1, 2]',
    [
      [1, 2],
      ['1', 2],
    ],
  ],
  ['list<string>', 'p == []', [[]]],
  ['list<list<timestamp>>', 'p[0][0].getHours() == 1', [[['2020-02-20T01:00:00Z']]]],
  ['map<int>', 'p.k == 1 && size(p) == 1', [{ k: 1 }, { k: '1' }]],
  ['map<list<duration>>', 'p.k[1] == duration("1m")', [{ k: ['1s', '60s'] }]],
  ['map<any>', 'p.k == null && has(p.k)', [{ k: null }]],
  ['map<any>', 'p["__proto__"] == 1', [JSON.parse('{"__proto__": 1}')]],
  ['any', 'p == 1 && type(p) == double', [1]],
  ['any', 'p == null', [null]],
  ['any', 'p == true', [true]],
  ['any', 'p == "a"', ['a']],
  ['any', 'p.k[0].l == 2', [{ k: [{ l: 2 }] }]],
]

describe('values that are converted', () => {
  it.each(converted)('%s: %s', (type, expression, values) => {
    for (const value of values) {
      expect([value, evaluate(`p ${type}`, expression, { p: value })]).toEqual([value, 'true'])
      expect([value, evaluate(`p ${type}`, `!(${expression})`, undefined, { p: value })]).toEqual([
        value,
        'false',
      ])
      expect(() => validateContext(caveatOf(`p ${type}`, expression), { p: value })).not.toThrow()
    }
  })
})

/** Type and JSON values that are none of it. */
const refused: readonly (readonly [string, readonly JsonValue[]])[] = [
  ['bool', ['true', 1, 0, null, [], {}]],
  ['string', [1, true, null, ['a'], {}]],
  [
    'int',
    [
      1.5,
      '1.5',
      true,
      null,
      [],
      {},
      'x',
      '',
      ' 1',
      '1 ',
      '0x1',
      '1_0',
      '9223372036854775808',
      '-9223372036854775809',
      1e30,
      '1e30',
      '1e-1',
      '--1',
      'inf',
      2 ** 63,
    ],
  ],
  ['uint', [-1, '-1', 1.5, '18446744073709551616', 2 ** 64, null, 'x', true]],
  ['double', ['x', '', ' 1', '0x10', '1_0', 'NaN', 'nan', 'Infinity', true, null, [], '1e400']],
  ['bytes', ['aGk', 'a-_=', 'aGk==', '=', 'aG=k', 1, null, 'a===', 'aGk=aGk=']],
  ['duration', ['90', '', '1d', '.s', 's', '1 s', '1h 30m', '--1s', '1e3s', '9223372037s', 5400, null, '1H']],
  [
    'timestamp',
    [
      '2020-01-01',
      '2020-01-01T00:00:00',
      '2020-01-01t00:00:00z',
      '2020-01-01 00:00:00Z',
      '2020-02-30T00:00:00Z',
      '2019-02-29T00:00:00Z',
      '2020-13-01T00:00:00Z',
      '2020-01-01T24:00:00Z',
      '2020-01-01T00:60:00Z',
      '2020-01-01T00:00:60Z',
      '2020-01-01T00:00:00.Z',
      '2020-01-01T00:00:00+24:00',
      '2020-01-01T00:00:00+01:60',
      '20-01-01T00:00:00Z',
      ' 2020-01-01T00:00:00Z',
      0,
      null,
    ],
  ],
  [
    'ipaddress',
    [
      '10.1.2',
      '10.1.2.3.4',
      '10.1.2.256',
      '10.1.2.03',
      '10.1.2.3/8',
      '',
      'localhost',
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7::8:9',
      '12345::',
      'g::',
      '::1%',
      '10.1.2.3%eth0',
      '::1.2.3',
      '1.2.3.4::',
      ' ::1',
      1,
      null,
    ],
  ],
  ['list<int>', [1, 'a', null, {}, [1, 'x'], [[1]], [null]]],
  ['map<int>', [1, 'a', null, [], { k: 'x' }, { k: null }, { k: {} }]],
  ['map<list<bool>>', [{ k: [1] }, { k: true }]],
]

describe('values that are refused, when written and when evaluated', () => {
  it.each(refused)('%s', (type, values) => {
    const caveat = caveatOf(`p ${type}`, type === 'bool' ? 'p' : 'p == p')
    for (const value of values) {
      const written = errorOf(() => validateContext(caveat, { p: value }))
      expect([value, written.code]).toEqual([value, 'CAVEAT_PARAMETER_TYPE_ERROR'])
      expect(written.facts).toEqual({ caveat_name: 'rule', parameter_name: 'p' })
      const evaluated = errorOf(() => compileCaveat(caveat).evaluate({ p: value }, undefined))
      expect(evaluated).toMatchObject({ code: written.code, facts: written.facts, message: written.message })
    }
  })

  it.each([
    [
      'p list<int>',
      { p: [1, 'x'] },
      'Context of caveat "rule": p[1] must be int: a whole number of 64 bits, or one as a decimal string, found "x".',
    ],
    ['p map<list<bool>>', { p: { k: [true, 0] } }, 'Context of caveat "rule": p.k[1] must be bool, found 0.'],
    ['p map<int>', { p: [] }, 'Context of caveat "rule": p must be map<int>, found [].'],
  ] as const)('name the place: %s', (parameters, context, message) => {
    expect(errorOf(() => validateContext(caveatOf(parameters, 'p == p'), context)).message).toBe(message)
  })

  it('cut what they show', () => {
    const error = errorOf(() => validateContext(caveatOf('p int', 'p == 1'), { p: 'x'.repeat(10_000) }))
    expect(error.message.length).toBeLessThan(300)
  })

  it('stop at deep nesting', () => {
    const nest = (depth: number): JsonValue => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
    expect(evaluate('p any', 'p == p', { p: nest(100) })).toBe('true')
    expect(evaluate('p any', 'p == p', { p: nest(5000) })).toBe('CAVEAT_PARAMETER_TYPE_ERROR')
  })
})

describe('which context counts', () => {
  const both = (request: JsonObject | undefined, stored: JsonObject | undefined) =>
    evaluate('a int, b int', 'a == 1 && b == 2', request, stored)

  it('merges request and stored context', () => {
    expect(both({ a: 1 }, { b: 2 })).toBe('true')
    expect(both({ a: 1, b: 2 }, undefined)).toBe('true')
    expect(both(undefined, { a: 1, b: 2 })).toBe('true')
    expect(both({ a: 1 }, {})).toBe('missing b')
    expect(both(undefined, undefined)).toBe('missing a, b')
  })

  it('lets the stored context win, whatever the request says', () => {
    expect(both({ a: 1, b: 2 }, { b: 3 })).toBe('false')
    expect(both({ a: 5, b: 2 }, { a: 1 })).toBe('true')
    expect(both({ a: 'not a number', b: 2 }, { a: 1 })).toBe('true')
  })

  it('ignores unknown keys at evaluation', () => {
    expect(both({ a: 1, b: 2, c: 'x', toString: 1 }, { zone: 'utc' })).toBe('true')
  })

  it('does not take inherited properties for context', () => {
    expect(evaluate('constructor any, toString any', 'constructor == toString', {})).toBe(
      'missing constructor',
    )
  })

  it('refuses unknown keys when written, naming what there is', () => {
    const error = errorOf(() => validateContext(caveatOf('b int, a int', 'a == b'), { a: 1, c: 1 }))
    expect(error.code).toBe('CAVEAT_PARAMETER_TYPE_ERROR')
    expect(error.facts).toEqual({ caveat_name: 'rule', parameter_name: 'c' })
    expect(error.message).toBe('Caveat "rule" has no parameter "c"; it has a, b.')
    expect(() => validateContext(caveatOf('a int', 'a == 1'), {})).not.toThrow()
  })
})

describe('errors of evaluation', () => {
  it('name the caveat and the place', () => {
    const error = errorOf(() =>
      compileCaveat(caveatOf('a int', 'a == 3 || 1 / a == 1')).evaluate({ a: 0 }, undefined),
    )
    expect(error.code).toBe('CAVEAT_EVALUATION_ERROR')
    expect(error.facts).toEqual({ caveat_name: 'rule' })
    expect(error.message).toBe(
      'Caveat "rule" cannot be evaluated: division by zero (at character 11 of the expression).',
    )
  })

  it('come for a caveat that is no caveat', () => {
    expect(errorOf(() => compileCaveat(caveatOf('a int', 'a + 1'))).code).toBe('SCHEMA_TYPE_ERROR')
    expect(errorOf(() => compileCaveat(caveatOf('a int', 'a =='))).code).toBe('SCHEMA_TYPE_ERROR')
  })
})
