// Corners of caveat expressions: types that are almost right, values at a bound, and paths that only look like types.

import { describe, expect, it } from 'vitest'
import { compileCaveat } from '../../src/caveats/compiled-caveat.ts'
import { printExpression } from '../../src/caveats/print-expression.ts'
import { caveatOf, errorOf, evaluate, evaluateConstant, problemsOf } from './caveat-of.ts'

describe('static types', () => {
  it.each([
    ['t timestamp', 'null == t'],
    ['x any', 'x + x == "ab"'],
    ['x any', '-x == 1.5 && -x == 1'],
    ['i ipaddress', 'type(i) != optional_type'],
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
    ['p bool', 'p && [null, timestamp(0)][1] == duration("1s")', /No overload fits/],
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
    ['l list<int>', 'l.all(l)', /There is no method "all"/],
    ['l list<int>', 'l.all(1, true)', /invalid predicate iteration variable/],
    ['p bool', 'p && string(optional.of(1)) == "1"', /No overload fits string/],
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
    'timestamp(0) != timestamp(1) && duration("1s") != duration("2s")',
    'dyn(timestamp(0)) != duration(0) && dyn(duration(0)) != timestamp(0)',
    'optional.of(1) != optional.none() && optional.none() != optional.of(1) && dyn(optional.of(1)) != 1',
    '9007199254740993 != 9007199254740992 && 9007199254740993 > 9007199254740992 && dyn(1) != 1.5',
    'dyn(9007199254740993) <= 9007199254740992.0 && dyn(9007199254740992.0) >= 9007199254740993',
    '{"a": 1} != {"a": 1, "b": 2} && {"a": 1, "b": 2} != {"a": 1}',
    // By code points also where one side is outside of the basic plane, at the ends of the surrogates.
    '"😀" > "\uFFFD" && "\\U00010000" > "\uFFFD" && "\uFFFD" < "\\U00010000" && "c" > "b" && "a" < "\uFFFD"',
    '"\\U000103FF" > "\\U000103FE" && "\\U000103FE" < "\\U000103FF" && "\\U0010FFFF" > "\uFFFF"',
    '-9223372036854775807 - 1 == -9223372036854775808 && 9223372036854775806 + 1 == 9223372036854775807',
    '1u - 1u == 0u && 18446744073709551614u + 1u == 18446744073709551615u && -int("5") == -5',
    'dyn(optional.none()) != 1 && optional.of([1]) == optional.of([1]) && optional.of("a") != optional.of("b")',
    '3.5 - 1.5 == 2.0 && dyn(3.5) - 1.5 == 2.0',
    'timestamp(timestamp(0)) == timestamp(0) && duration(duration("1s")) == duration("1s")',
    'optional.ofNonZeroValue(duration("1s")).hasValue() && optional.ofNonZeroValue(1u).hasValue()',
    'optional.ofNonZeroValue(b"a").hasValue() && optional.ofNonZeroValue([1]).hasValue()',
    'optional.ofNonZeroValue({"a": 1}).hasValue() && optional.ofNonZeroValue(type(1)).hasValue()',
    'timestamp("2020-03-05T00:00:00Z").getMonth() == 2 && timestamp("2020-03-05T00:00:00Z").getDayOfMonth() == 4',
    'size("a".matches("a") ? "ab" : "a") == 2',
    'string(duration(0)) == "0s" && timestamp("9999-12-31T23:59:59.999999999Z") > timestamp(0)',
    'duration("9223372036854775806ns") + duration("1ns") == duration("9223372036854775807ns")',
    'timestamp("2020-03-01T00:00:00Z").getMonth("America/New_York") == 1',
    'timestamp("2020-01-01T00:00:00Z").getFullYear("America/New_York") == 2019',
    'timestamp("2020-01-01T00:00:00Z").getDayOfYear("Asia/Tokyo") == 0',
    'timestamp("2020-01-01T00:00:00Z").getMinutes("+05:59") == 59',
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
    '[int("x1")].size() == 1',
    'size({"a": uint("x")}) == 1',
    '[double("x")].size() == 1',
    '[bool("x")].size() == 1',
    '[timestamp("x")].size() == 1',
    '[duration("x")].size() == 1',
    'uint(1.0 / 0.0) == 0u',
    'uint(18446744073709551616.0) == 0u',
    'int(1.0 / 0.0) == 0',
    'double("xinf") > 0.0',
    'double("infx") > 0.0',
    'optional.none().or(dyn(1)) == dyn(1)',
    'dyn(1).optMap(v, v) == dyn(1)',
    // Values whose types are seen only in evaluation, and fit no operator.
    'dyn(1) >= 0.0 / 0.0',
    'dyn(0.0 / 0.0) >= 1',
    'dyn("a") < b"b"',
    'dyn(b"a") < "b"',
    'dyn("a") < dyn([1])',
    'dyn(true) > "0"',
    'dyn("0") < true',
    'dyn(true) > dyn(null)',
    'dyn(b"a") < dyn([98])',
    'dyn([1]) < b"b"',
    'dyn(timestamp(0)) < duration("1s")',
    'dyn(duration(0)) < timestamp(1)',
    'dyn(duration(0)) <= "a"',
    'dyn("a") <= duration(0)',
    'dyn(1.5) + 1 == dyn(2.5)',
    'dyn(1) + 1.5 == dyn(2.5)',
    'dyn(1u) + 1 == dyn(2u)',
    'dyn(1) + 1u == dyn(2u)',
    'dyn("1") - 1.0 == dyn(0.0)',
    'dyn(1.0) - dyn("1") == dyn(0.0)',
    'dyn(5.0) % dyn(2.0) == dyn(1.0)',
    'dyn("a") + 1 == dyn("a1")',
    'dyn(1) + "a" == dyn("1a")',
    'dyn([1]) + 1 == dyn([1])',
    'dyn(b"a") + [1] == dyn(b"a")',
    'dyn([1]) + b"a" == dyn([1])',
    'dyn(timestamp(0)) + timestamp(0) == timestamp(0)',
    'dyn(duration("1s")) + 1 == dyn(1)',
    'dyn(1) + timestamp(0) == timestamp(0)',
    'dyn(timestamp(0)) - 1 == dyn(0)',
    'dyn(1) - timestamp(0) == dyn(0)',
    'dyn(duration(0)) - timestamp(0) == duration(0)',
    '-dyn("1") == dyn(-1)',
    'duration("9223372036854775807ns") + duration("1ns") > duration(0)',
    'timestamp("2020-01-01T00:00:00Zx") == timestamp("2020-01-01T00:00:00Z")',
    'timestamp(0).getHours("x05:30") == 5',
    'timestamp(0).getHours("05:30x") == 5',
    '{"a": 1}[?dyn(null)].hasValue()',
    '[1][?dyn("a")].hasValue()',
    '"a1".contains(dyn(1))',
    '"1".matches(dyn(1))',
    'matches(dyn(1), "1")',
    'dyn("10.0.0.1").in_cidr("10.0.0.0/8")',
    'dyn(1).isSubtreeOf({})',
    '{}.isSubtreeOf(dyn(1))',
    'dyn(duration(0)).getFullYear() == 0',
    'dyn(1).getHours() == 0',
    'timestamp(0).getHours(dyn(1)) == 0',
    'bytes(dyn(1)) == b"1"',
    'timestamp(dyn(["2020-01-01T00:00:00Z"])) == timestamp("2020-01-01T00:00:00Z")',
    'duration(dyn(["1s"])) == duration("1s")',
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

describe('printed', () => {
  it.each([
    ['{"a": 1, "b": 2} == {}', '{"a": 1, "b": 2} == {}'],
    ['-l[?0] == -l[0]', '-(l[?0]) == -(l[0])'],
    ['s == "a b"', 's == "a b"'],
    [
      's == "\\u001f \\u007f\\u009f\\u00a0\\u2028\\u2029"',
      's == "\\u001f \\u007f\\u009f\u00a0\\u2028\\u2029"',
    ],
    ['y == b" ~\\x7f\\x1f"', 'y == b" ~\\177\\037"'],
  ])('%s', (expression, printed) => {
    expect(printExpression(expression)).toBe(printed)
    expect(printExpression(printed)).toBe(printed)
  })
})

describe('addresses', () => {
  const same = (i: string, j: string) => evaluate('i ipaddress, j ipaddress', 'i == j', { i, j })
  const within = (i: string, cidr: string) =>
    evaluate('i ipaddress, s string', 'i.in_cidr(s)', { i, s: cidr })

  it.each([
    ['0:0:0:0:0:ffff:1.2.3.4', '1.2.3.4'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ])('%s is %s', (one, other) => {
    expect(same(one, other)).toBe('true')
  })

  it.each([
    ['::ffff:1.2.3.4%eth0', '1.2.3.4'],
    ['102:304::', '1.2.3.4'],
    ['1.2.3.4', '102:304::'],
    ['::fffe:102:304', '1.2.3.4'],
    ['::feff:102:304', '1.2.3.4'],
    ['1::ffff:102:304', '1.2.3.4'],
    ['0:0:0:0:1:ffff:102:304', '1.2.3.4'],
    ['fe80::1%a', 'fe80::1%b'],
  ])('%s is not %s', (one, other) => {
    expect(same(one, other)).toBe('false')
  })

  it.each([
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:8::',
    '1::2::3',
    '%eth0',
    'fe80::1%',
    '1.2.3.4%a',
    `fe80::1%${'z'.repeat(121)}`,
  ])('%s is none', (text) => {
    expect(same(text, '::1')).toBe('CAVEAT_PARAMETER_TYPE_ERROR')
  })

  it('may have a zone up to 128 characters in all', () => {
    const text = `fe80::1%${'z'.repeat(120)}`
    expect(same(text, text)).toBe('true')
  })

  it.each([
    ['10.1.2.3', '::ffff:10.1.2.3/128', 'true'],
    ['10.1.2.4', '::ffff:10.1.2.3/128', 'false'],
    ['10.1.2.3', '::ffff:0.0.0.0/96', 'true'],
    ['10.1.2.3', '::ffff:0.0.0.0/95', 'false'],
    ['10.1.2.3', '::ffff:10.1.2.3/129', 'CAVEAT_EVALUATION_ERROR'],
    ['10.1.2.3', '10.1.2.3/33', 'CAVEAT_EVALUATION_ERROR'],
    ['10.1.2.3', '1/10.0.0.0/8', 'CAVEAT_EVALUATION_ERROR'],
    ['10.1.2.3', '10.1.2.0/31', 'false'],
    ['10.1.2.1', '10.1.2.0/31', 'true'],
  ])('%s in %s: %s', (address, cidr, outcome) => {
    expect(within(address, cidr)).toBe(outcome)
  })

  it('are no strings, and networks nothing else', () => {
    expect(evaluate('i ipaddress', 'type(i) != optional_type', { i: '10.0.0.1' })).toBe('true')
    expect(evaluate('i ipaddress', 'i.in_cidr(dyn(1))', { i: '10.0.0.1' })).toBe('CAVEAT_EVALUATION_ERROR')
    expect(
      evaluate('i ipaddress, t timestamp', 'dyn(i) == t', { i: '10.0.0.1', t: '2020-01-01T00:00:00Z' }),
    ).toBe('false')
  })
})

describe('values of a context', () => {
  it.each([
    ['4.2e1', 'a == 42'],
    ['12.5e1', 'a == 125'],
    ['.25e2', 'a == 25'],
    ['1e10', 'a == 10000000000'],
  ])('an int may be %s', (a, expression) => {
    expect(evaluate('a int', expression, { a })).toBe('true')
  })

  it('a double is no list of one', () => {
    expect(evaluate('d double', 'd == 1.0', { d: ['1'] })).toBe('CAVEAT_PARAMETER_TYPE_ERROR')
  })

  it('nest 100 deep', () => {
    const nested = (depth: number, wrap: (inner: unknown) => unknown) => {
      let value: unknown = 1
      for (let at = 0; at < depth; at += 1) value = wrap(value)
      return evaluate('x any', 'type(x) != int', { x: value as never })
    }
    for (const wrap of [(inner: unknown) => [inner], (inner: unknown) => ({ k: inner })]) {
      expect(nested(100, wrap)).toBe('true')
      expect(nested(101, wrap)).toBe('CAVEAT_PARAMETER_TYPE_ERROR')
    }
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
