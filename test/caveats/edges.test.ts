// Corners of caveat expressions: types that are almost right, values at a bound, and paths that only look like types.

import { describe, expect, it } from 'vitest'
import { compileCaveat } from '../../src/caveats/compiled-caveat.ts'
import { caveatOf, errorOf, evaluate, evaluateConstant, problemsOf } from './caveat-of.ts'

describe('static types', () => {
  it.each([
    ['t timestamp', 'null == t'],
    ['x any', '1 in x'],
    ['p bool', '(p ? 1 : dyn("a")) == "a"'],
    ['p bool', '(p ? dyn("a") : 1) == "a"'],
    ['p bool', 'p && [1, dyn("a")][1] == "a"'],
    ['p bool', 'p && [[dyn("a")], [1]][0][0] == "a"'],
    ['p bool', 'p && [[1], [dyn("a")]][0][0] == "a"'],
    ['p bool', 'p && [null, timestamp(0)][1].getHours() == 0'],
    ['p bool', 'p && [optional.of(1), null][0].value() == 1'],
    ['p bool', 'p && ([1] + [dyn("a")])[0] == "a"'],
    ['n map<any>', 'n.protobuf.Timestamp == 1'],
    ['google map<any>', 'google.protobuf.Timestamp == 1'],
    ['p bool', 'p && google.protobuf.Duration == type(duration(0))'],
  ])('of %s: %s', (parameters, expression) => {
    expect(problemsOf(parameters, expression)).toEqual([])
  })

  it.each([
    ['p bool', 'p && -"a" == 1.0', /No overload fits -string/],
    ['p bool', 'p && {"a": 1}[1] == 1', /No overload fits/],
    ['p bool', 'p && {"a": 1}.a == "x"', /No overload fits/],
    ['p bool', 'p && ([1] + [2])[0] == "a"', /No overload fits/],
    ['p bool', 'p && google.foo.Timestamp == type(1)', /"google" is not declared/],
    ['p bool', 'p && google.?protobuf.Timestamp == type(1)', /"google" is not declared/],
    ['p bool', 'p && google.protobuf.Any == type(1)', /"google" is not declared/],
    ['p bool', 'p && "google".protobuf.Timestamp == type(1)', /has no fields/],
    ['p bool', 'p && "optional".of(1) == optional.of(1)', /There is no method "of"/],
    ['n map<any>', 'has(n.a, n.b)', /has\(\) needs a selection/],
    ['n map<any>', 'has(n)', /has\(\) needs a selection/],
    ['a int', 'toString(a) == "1"', /There is no function "toString"/],
    ['a int', 'a.toString() == "1"', /There is no method "toString"/],
    ['p bool', 'p && optional.none(1) == optional.of(1)', /No overload fits optional\.none/],
    ['p bool', 'p && optional.of(1, 2) == optional.of(1)', /No overload fits optional\.of/],
    ['p bool', 'p && optional.of() == optional.of(1)', /No overload fits optional\.of/],
    ['p bool', 'p && optional.from(1) == optional.of(1)', /No overload fits optional\.from/],
    ['s string', 's.value() == "a"', /No overload fits string\.value/],
    ['s string', 's.or(optional.of("a")).hasValue()', /No overload fits string\.or/],
    ['p bool', 'p && optional.of(1).value(2) == 1', /No overload fits/],
    ['p bool', 'p && optional.of(1).orValue() == 1', /No overload fits/],
  ] as const)('of %s: not %s', (parameters, expression, message) => {
    expect(problemsOf(parameters, expression).map((problem) => problem.message)).toEqual([
      expect.stringMatching(message),
    ])
  })

  it.each([
    ['e int, l list<int>', 'l.all(e, e > 0)', 'e'],
    ['a int, s string', 's == "a"', 'a'],
    ['k int, n map<any>', 'n.k == 1', 'k'],
  ])('of %s: %s does not use %s', (parameters, expression, unused) => {
    expect(problemsOf(parameters, expression).map(({ parameter }) => parameter)).toEqual([unused])
  })
})

describe('values', () => {
  it.each([
    ['n map<any>', 'n.protobuf.Timestamp == 1', { n: { protobuf: { Timestamp: 1 } } }],
    ['google map<any>', 'google.protobuf.Timestamp == 1', { google: { protobuf: { Timestamp: 1 } } }],
    ['n map<any>', 'size(n.a) == 2', { n: { a: [1, 2] } }],
    ['n map<any>', '[n].all(google, google.protobuf.Timestamp == 1)', { n: { protobuf: { Timestamp: 1 } } }],
    ['n list<string>', 'n.all(optional, optional.contains("a"))', { n: ['a', 'ba'] }],
  ])('of %s: %s', (parameters, expression, context) => {
    expect(evaluate(parameters, expression, context)).toBe('true')
  })

  it.each([
    'int(5) == 5 && double(1.5) == 1.5 && uint(0.0) == 0u && uint(5u) == 5u',
    'double("12.5") == 12.5 && double(".25") == 0.25 && double("1e10") == 10000000000.0 && double("10.") == 10.0',
    'string(1000000.0) == "1e+06" && string(999999.0) == "999999" && string(0.00001) == "1e-05"',
    'size(string(b"\\xef\\xbb\\xbfa")) == 2',
    'string("a") == "a" && string(5) == "5"',
  ])('%s', (expression) => {
    expect(evaluateConstant(expression)).toBe('true')
  })

  it.each([
    'int(dyn([1])) == 1',
    'uint(dyn([1])) == 1u',
    'double(dyn([1])) == 1.0',
    'uint("1.5") == 1u',
    'uint("x1") == 1u',
    'uint("1x") == 1u',
    'int("1x") == 1',
    'int("x1") == 1',
    'uint(1.0 / 0.0) == 0u',
    'uint(18446744073709551616.0) == 0u',
    'int(1.0 / 0.0) == 0',
    'double("xinf") > 0.0',
    'double("infx") > 0.0',
    'optional.none().or(dyn(1)) == dyn(1)',
    'dyn(1).optMap(v, v) == dyn(1)',
  ])('%s fails', (expression) => {
    expect(evaluateConstant(expression)).toBe('CAVEAT_EVALUATION_ERROR')
  })

  it.each([
    'n.a[string(1 / 0)] == 1',
    'n.?a[string(1 / 0)] == optional.of(1)',
    'n[?"a"][string(1 / 0)] == optional.of(1)',
  ])('a key that fails does so although the map is not known: %s', (expression) => {
    expect(evaluate('n map<any>', expression)).toBe('CAVEAT_EVALUATION_ERROR')
  })
})

describe('a compiled caveat', () => {
  it('misses nothing when it is decided', () => {
    const caveat = compileCaveat(caveatOf('a int, b int', 'a == 1 && b == 1'))
    expect(caveat.evaluate({ a: 1, b: 1 }, undefined)).toEqual({ result: 'true', missing: [] })
    expect(caveat.evaluate({ a: 2 }, undefined)).toEqual({ result: 'false', missing: [] })
  })

  it.each(['a +', 'a + 1'])('is not made of a wrong expression: %s', (expression) => {
    const error = errorOf(() => compileCaveat(caveatOf('a int', expression)))
    expect(error).toMatchObject({ code: 'SCHEMA_TYPE_ERROR', facts: { caveat_name: 'rule' } })
  })
})
