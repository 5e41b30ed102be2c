// What expressions come to when everything is known: every operator, function, method and macro.

import { describe, expect, it } from 'vitest'
import { evaluate, evaluateConstant } from './caveat-of.ts'

const trueExpressions: { readonly [group: string]: readonly string[] } = {
  'logic and conditions': [
    'true && true && !false',
    'false || false || true',
    '!(true && false)',
    'false ? false : true',
    '(1 == 1) == (2 == 2)',
    'true || 1 / 0 == 1',
    '1 / 0 == 1 || true',
    '!(false && 1 / 0 == 1) && !(1 / 0 == 1 && false)',
    'dyn(1) || true',
    '(true ? 1 : 1 / 0) == 1',
  ],
  integers: [
    '1 + 2 * 3 - 4 == 3',
    '-7 / 2 == -3 && -7 % 2 == -1 && 7 % -2 == 1',
    '9223372036854775807 - 1 == 9223372036854775806',
    '-9223372036854775808 < 0 && 0x7fffffffffffffff == 9223372036854775807',
    '2u + 3u * 4u == 14u && 7u / 2u == 3u && 7u % 4u == 3u',
    '18446744073709551615u - 1u == 18446744073709551614u',
    '1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3 && 1 != 2',
  ],
  doubles: [
    '1.5 + 2.0 == 3.5 && 1.0 / 4.0 == 0.25 && 2.0 * 3.0 == 6.0 && -1.5 < 0.0',
    '1.0 / 0.0 > 1e308 && -1.0 / 0.0 < -1e308',
    '!(0.0 / 0.0 == 0.0 / 0.0) && 0.0 / 0.0 != 0.0 / 0.0',
    '0.0 == -0.0',
  ],
  'numbers of different types': [
    'dyn(1) == 1.0 && dyn(1) == 1u && dyn(1u) == 1.0',
    'dyn(1) < 1.5 && dyn(2u) > 1 && dyn(-1) < 0u && dyn(1.5) <= 2',
    'dyn(1) in [1.0] && dyn(1.0) in [1, 2] && !(dyn("1") in [1])',
    'dyn([1]) == [1.0] && dyn({"a": 1}) == {"a": 1.0}',
    'dyn(1) != "a" && dyn(true) != 1 && dyn(null) != 0',
  ],
  strings: [
    '"a" + "b" == "ab" && "a" < "b" && "B" < "a" && "" < "a" && "ab" > "a"',
    'size("") == 0 && size("ünï") == 3 && "😀".size() == 1',
    '"hello".contains("ell") && "hello".startsWith("he") && "hello".endsWith("lo") && !"hello".contains("x")',
    // By code points, not by UTF-16 units.
    '"\uFFFD" < "😀"',
    '"\\x41\\u0042\\U00000043\\104\\n" == "ABCD\\n" && r"\\n" != "\\n" && """a"b""" == \'a"b\'',
    '"abc".matches("b") && !"abc".matches("^b$") && matches("abc", "^a.c$") && "X".matches("(?i)x")',
    '!"a\\nb".matches("a.b") && "😀".matches("^.$") && "a1".matches(r"^[a-z]\\d$")',
  ],
  bytes: [
    'b"ab" == b\'ab\' && b"a" + b"b" == b"ab" && size(b"\\xff\\000") == 2 && b"ab".size() == 2',
    'b"a" < b"b" && b"a" < b"aa" && b"\\xff" > b"z" && b"a" != b"b"',
  ],
  'bools and null': ['false < true && true >= true', 'null == null && dyn(null) == null'],
  lists: [
    '[1, 2] + [3] == [1, 2, 3] && [] + [1] == [1] && [1] != [2] && [1] != [1, 1]',
    '[1, 2][0] == 1 && [[1], [2]][1][0] == 2 && dyn([1, 2])[1.0] == 2 && dyn([1, 2])[1u] == 2',
    '2 in [1, 2] && !(3 in [1, 2]) && "a" in ["a"] && [1] in [[1]] && size([1, 2]) == 2 && [].size() == 0',
    '[1, "a", 2.0][1] == "a"',
  ],
  maps: [
    '{"a": 1}.a == 1 && {"a": 1}["a"] == 1 && {1: "x"}[1] == "x" && {true: 1}[true] == 1 && {1u: 2}[1u] == 2',
    '"a" in {"a": 1} && !("b" in {"a": 1}) && 1 in {1: 2} && size({"a": 1, "b": 2}) == 2 && {}.size() == 0',
    '{"a": {"b": 2}}.a.b == 2 && {"a": 1, "a": 2}.a == 2 && dyn({1: "x"})[1.0] == "x"',
    '{"a": 1, "b": [2]} == {"b": [2], "a": 1} && {"a": 1} != {"a": 2} && {"a": 1} != {"b": 1}',
    '!({"toString": 1} == {}) && !("toString" in {"a": 1}) && !has(dyn({"a": 1}).__proto__)',
  ],
  conversions: [
    'int("42") == 42 && int("-42") == -42 && int("+1") == 1 && int(1.9) == 1 && int(-1.9) == -1 && int(3u) == 3',
    'uint("42") == 42u && uint(1.9) == 1u && uint(42) == 42u && uint(1u) == 1u',
    'double("1e3") == 1000.0 && double(1) == 1.0 && double(".5") == 0.5 && double("5.") == 5.0 && double(2u) == 2.0',
    'double("inf") > 1.0 && double("-Infinity") < 1.0 && double("nan") != double("nan")',
    'string(1) == "1" && string(-1) == "-1" && string(1u) == "1" && string(true) == "true" && string("a") == "a"',
    'string(1.0) == "1" && string(-1.5) == "-1.5" && string(0.0001) == "0.0001" && string(0.00001) == "1e-05"',
    'string(123456.0) == "123456" && string(123456789.0) == "1.23456789e+08" && string(1e21) == "1e+21"',
    'string(1.0 / 0.0) == "+Inf" && string(-1.0 / 0.0) == "-Inf" && string(0.0 / 0.0) == "NaN" && string(-0.0) == "-0"',
    'string(b"\\303\\274") == "ü" && bytes("ü") == b"\\303\\274" && bytes(b"a") == b"a"',
    'bool("true") && bool("1") && bool("T") && !bool("false") && !bool("F") && bool(true)',
    'type(1) == int && type(1u) == uint && type(1.0) == double && type("") == string && type(b"") == bytes',
    'type(true) == bool && type(null) == null_type && type([]) == list && type({}) == map && type(int) == type',
    'type(timestamp(0)) == google.protobuf.Timestamp && type(duration(0)) == google.protobuf.Duration',
    'type(optional.none()) == optional_type && type(1) != uint',
  ],
  durations: [
    'duration("1h30m") == duration("90m") && duration("-1.5h") == duration("-90m") && duration("0") == duration("0s")',
    'duration("1ms") == duration("1000us") && duration("1µs") == duration("1000ns") && duration(1) == duration("1ns")',
    'duration("1s") + duration("1s") == duration("2s") && duration("1s") - duration("2s") == duration("-1s")',
    'duration("999ms") < duration("1s") && duration("1.0000000001s") == duration("1s")',
    'duration("1h30m15.5s").getHours() == 1 && duration("1h30m15.5s").getMinutes() == 90',
    'duration("1h30m15.5s").getSeconds() == 5415 && duration("1h30m15.5s").getMilliseconds() == 5415500',
    'duration("-90m").getHours() == -1 && int(duration("1s")) == 1000000000',
    'string(duration("1h30m")) == "5400s" && string(duration("-1.5s")) == "-1.5s" && string(duration("1ns")) == "0.000000001s"',
  ],
  timestamps: [
    'timestamp("2020-01-01T00:00:00Z") == timestamp("2020-01-01T01:00:00+01:00") && timestamp(0) == timestamp("1970-01-01T00:00:00Z")',
    'timestamp("2020-01-01T00:00:00Z") + duration("1h") == timestamp("2020-01-01T01:00:00Z")',
    'duration("1h") + timestamp("2020-01-01T00:00:00Z") > timestamp("2020-01-01T00:59:59.999999999Z")',
    'timestamp("2020-03-01T00:00:00Z") - duration("24h") == timestamp("2020-02-29T00:00:00Z")',
    'timestamp("2020-01-02T00:00:00Z") - timestamp("2020-01-01T00:00:00Z") == duration("24h")',
    'int(timestamp("2020-01-01T00:00:00Z")) == 1577836800 && int(timestamp("1969-12-31T23:59:59.5Z")) == -1',
    'string(timestamp("2020-01-01T00:00:00.120Z")) == "2020-01-01T00:00:00.12Z" && string(timestamp(0)) == "1970-01-01T00:00:00Z"',
    'string(timestamp("0001-01-01T00:00:00Z")) == "0001-01-01T00:00:00Z"',
    'timestamp("2020-03-01T00:00:00Z").getFullYear() == 2020 && timestamp("2020-03-01T00:00:00Z").getMonth() == 2',
    'timestamp("2020-03-01T00:00:00Z").getDate() == 1 && timestamp("2020-03-01T00:00:00Z").getDayOfMonth() == 0',
    'timestamp("2020-03-01T00:00:00Z").getDayOfWeek() == 0 && timestamp("2020-03-01T00:00:00Z").getDayOfYear() == 60',
    'timestamp("2020-03-01T13:14:15.678Z").getHours() == 13 && timestamp("2020-03-01T13:14:15.678Z").getMinutes() == 14',
    'timestamp("2020-03-01T13:14:15.678Z").getSeconds() == 15 && timestamp("2020-03-01T13:14:15.678Z").getMilliseconds() == 678',
    'timestamp("1969-12-31T23:59:59.5Z").getMilliseconds() == 500 && timestamp("1969-12-31T23:59:59.5Z").getSeconds() == 59',
    'timestamp("2020-03-01T00:00:00Z").getHours("America/New_York") == 19 && timestamp("2020-03-01T00:00:00Z").getDate("America/New_York") == 29',
    'timestamp("2020-07-01T00:00:00Z").getHours("America/New_York") == 20 && timestamp("2020-07-01T00:00:00Z").getHours("") == 0',
    'timestamp("2020-03-01T00:00:00Z").getHours("-05:00") == 19 && timestamp("2020-03-01T00:00:00Z").getHours("05:30") == 5',
    'timestamp("2020-03-01T00:00:00Z").getMinutes("+05:30") == 30 && timestamp("2020-03-01T00:00:00Z").getHours("UTC") == 0',
    'timestamp("2020-01-01T00:00:00Z").getDayOfYear("-01:00") == 364 && timestamp("2020-01-01T00:00:00Z").getFullYear("-01:00") == 2019',
  ],
  macros: [
    '[1, 2].all(e, e > 0) && ![1, 2].all(e, e > 1) && [].all(e, false)',
    '[1, 2].exists(e, e > 1) && ![1, 2].exists(e, e > 2) && ![].exists(e, true)',
    '[1, 2, 3].exists_one(e, e > 2) && ![1, 2, 3].exists_one(e, e > 1) && ![1].exists_one(e, e > 1)',
    '[1, 2].map(e, e * 2) == [2, 4] && [1, 2, 3].map(e, e > 1, e * 2) == [4, 6] && [1, 2, 3].filter(e, e != 2) == [1, 3]',
    '{"a": 1, "b": 2}.all(k, k < "c") && {"a": 1}.exists(k, {"a": 1}[k] == 1) && {"a": 1, "b": 2}.map(k, k) == ["a", "b"]',
    '{"a": 1, "b": 2}.filter(k, k == "b") == ["b"]',
    // An element that decides wins over elements that fail.
    '[1, 2].exists(e, 1 / (e - 1) == 1) && ![1, 2].all(e, 1 / (e - 1) == 2)',
    '[1, 2].exists(e, [3, 4].exists(f, e + f == 6)) && [1].exists(e, [2].exists(e, e == 2) && e == 1)',
    '[[1], [2, 3]].map(r, r.map(c, c + 1)) == [[2], [3, 4]]',
  ],
  has: [
    'has({"a": 1}.a) && !has({"a": 1}.b) && has({"a": null}.a) && has({"a": {"b": 1}}.a.b) && !has({"a": {}}.a.b)',
    '!has(dyn(1).a) && has({"a": {"b": 1}}["a"].b) && has({"a": {"b": 1}}.?a.b)',
  ],
  optionals: [
    '{"a": 1}.?a.orValue(2) == 1 && {"a": 1}.?b.orValue(2) == 2 && {"a": 1}[?"b"].orValue(2) == 2',
    '[1][?0].orValue(2) == 1 && [1][?1].orValue(2) == 2 && [1][?-1].orValue(2) == 2',
    '{"a": {"b": 1}}.?a.b.orValue(2) == 1 && {"a": {"c": 1}}.?a.b.orValue(2) == 2 && {}.?a.?b.orValue(2) == 2',
    'optional.of(1).hasValue() && !optional.none().hasValue() && optional.of(1).value() == 1 && !dyn(1).?a.hasValue()',
    'optional.of(1) == optional.of(1) && optional.of(1) != optional.of(2) && optional.none() != optional.of(1) && optional.none() == optional.none()',
    'optional.of(1).orValue(1 / 0) == 1 && optional.of(1).or(optional.of(1 / 0)) == optional.of(1)',
    'optional.none().or(optional.of(2)).value() == 2',
    'optional.of(1).optMap(v, v + 1) == optional.of(2) && !optional.none().optMap(v, 1 / 0).hasValue()',
    '!optional.ofNonZeroValue(0).hasValue() && !optional.ofNonZeroValue("").hasValue() && !optional.ofNonZeroValue([]).hasValue()',
    '!optional.ofNonZeroValue(null).hasValue() && !optional.ofNonZeroValue(0.0).hasValue() && !optional.ofNonZeroValue(false).hasValue()',
    '!optional.ofNonZeroValue(duration(0)).hasValue() && !optional.ofNonZeroValue(0u).hasValue() && !optional.ofNonZeroValue({}).hasValue()',
    '!optional.ofNonZeroValue(b"").hasValue() && optional.ofNonZeroValue(1).hasValue() && optional.ofNonZeroValue(timestamp(0)).hasValue()',
    'optional.of([1, 2])[0].value() == 1 && !optional.of([1])[5].hasValue() && optional.of({"a": 1})["a"].value() == 1',
  ],
  isSubtreeOf: [
    '{"a": 1}.isSubtreeOf({"a": 1, "b": 2}) && {}.isSubtreeOf({}) && !{"a": 1}.isSubtreeOf({"a": 2}) && !{"a": 1}.isSubtreeOf({})',
    '{"a": {"b": 1}}.isSubtreeOf({"a": {"b": 1, "c": 2}, "d": 3}) && !{"a": {"b": 1}}.isSubtreeOf({"a": 1})',
    '!{"a": null}.isSubtreeOf({}) && {"a": [1]}.isSubtreeOf({"a": [1]}) && !{"a": [1]}.isSubtreeOf({"a": [1, 2]})',
    '!{"a": 1}.isSubtreeOf({"a": 1.0}) && !{"a": 1}.isSubtreeOf({"a": "1"})',
  ],
}

for (const [group, expressions] of Object.entries(trueExpressions)) {
  describe(group, () => {
    it.each(expressions)('%s', (expression) => {
      expect(evaluateConstant(expression)).toBe('true')
      // The same expression negated is false: neither an error nor a constant answer.
      expect(evaluateConstant(`!(${expression})`)).toBe('false')
    })
  })
}

describe('errors', () => {
  it.each([
    '1 / 0 == 1',
    '1 % 0 == 1',
    '1u / 0u == 1u',
    '9223372036854775807 + 1 == 0',
    '-9223372036854775808 - 1 == 0',
    '-(-9223372036854775808) == 0',
    '-9223372036854775808 / -1 == 0',
    '9223372036854775807 * 2 == 0',
    '1u - 2u == 0u',
    '18446744073709551615u + 1u == 0u',
    '0.0 / 0.0 < 1.0',
    '1.0 >= double("nan")',
    'int(1e19) == 0',
    'int(9223372036854775807.0) == 0',
    'int(double("nan")) == 0',
    'int("0x1") == 0',
    'int(" 1") == 0',
    'int("") == 0',
    'int("9223372036854775808") == 0',
    'int(18446744073709551615u) == 0',
    'uint(-1) == 0u',
    'uint("-1") == 0u',
    'uint(-0.5) == 0u || uint(-1.5) == 0u',
    'double("x") == 0.0',
    'double("1e400") == 0.0',
    'double("") == 0.0',
    'bool("yes")',
    'string(b"\\xff") == ""',
    'string(null) == ""',
    'timestamp("2020-01-01") == timestamp(0)',
    'timestamp("2020-02-30T00:00:00Z") == timestamp(0)',
    'timestamp("0000-01-01T00:00:00Z") == timestamp(0)',
    'timestamp(253402300800) == timestamp(0)',
    'timestamp("9999-12-31T23:59:59Z") + duration("1s") == timestamp(0)',
    'timestamp("9999-12-31T23:59:59Z") - timestamp("0001-01-01T00:00:00Z") > duration(0)',
    'timestamp(0).getHours("Nowhere/Land") == 0',
    'timestamp(0).getHours("1:00") == 0',
    'duration("1d") == duration(0)',
    'duration("") == duration(0)',
    'duration("1 s") == duration(0)',
    'duration("9223372037s") == duration(0)',
    'duration("-9223372036854775809ns") < duration(0)',
    'duration("1h-30m") > duration(0)',
    `duration("${'0'.repeat(199)}1s") == duration("1s")`,
    '"a" in dyn(1)',
    'duration("9223372036s") + duration("9223372036s") > duration(0)',
    '[1][1] == 1',
    '[1][-1] == 1',
    'dyn([1, 2])[1.5] == 1',
    'dyn([1])["a"] == 1',
    '{"a": 1}.b == 1',
    '{"a": 1}["b"] == 1',
    'dyn(1).a == 1',
    'dyn("a")[0] == "a"',
    '{[1]: 1} == {}',
    'dyn(1) < "a"',
    'dyn(1) + "a" == "1a"',
    'dyn(1) && true',
    'true && dyn(1)',
    'false || dyn("true")',
    '!dyn(1)',
    '-dyn("a") == 1',
    'dyn(1) ? true : false',
    'dyn(1)',
    'size(dyn(1)) == 1',
    'dyn(1).contains("a")',
    'dyn(1).all(e, e)',
    'dyn("ab").exists(e, true)',
    '[dyn(1)].all(e, e)',
    '[dyn(1)].exists(e, e)',
    '[dyn(1)].filter(e, e) == []',
    '[1, 2].all(e, 1 / (e - 1) == 1)',
    '[1, 2].exists_one(e, 1 / (e - 1) == 1)',
    '[1, 2].map(e, 1 / (e - 1)) == []',
    '[1, 2].filter(e, 1 / (e - 1) == 1) == [2]',
    '[1, 2].map(e, 1 / (e - 1) == 1, e) == [2]',
    'has({}.a.b)',
    'has(dyn([1]).a)',
    'optional.none().value() == 1',
    'dyn(1).orValue(2) == 1',
    'optional.none().or(dyn(1)).hasValue()',
    'dyn(1).optMap(v, v).hasValue()',
    '"a".matches("(")',
    '"a".matches("(?=a)")',
    'dyn({"a": 1}).isSubtreeOf(dyn(1))',
  ])('%s', (expression) => {
    expect(evaluateConstant(expression)).toBe('CAVEAT_EVALUATION_ERROR')
    // An error is never turned into a yes by negation.
    expect(evaluateConstant(`!(${expression})`)).toBe('CAVEAT_EVALUATION_ERROR')
  })
})

describe('addresses and networks', () => {
  const inNetwork = (ip: string, network: string) =>
    evaluate('ip ipaddress, network string', 'ip.in_cidr(network)', { ip, network })

  it.each([
    ['10.1.2.3', '10.0.0.0/8', 'true'],
    ['11.1.2.3', '10.0.0.0/8', 'false'],
    ['10.1.2.3', '10.0.0.1/8', 'true'],
    ['10.1.2.3', '10.1.2.3/32', 'true'],
    ['10.1.2.2', '10.1.2.3/32', 'false'],
    ['10.1.2.2', '10.1.2.3/31', 'true'],
    ['10.1.3.255', '10.1.2.0/23', 'true'],
    ['10.1.4.0', '10.1.2.0/23', 'false'],
    ['1.2.3.4', '0.0.0.0/0', 'true'],
    ['::1', '0.0.0.0/0', 'false'],
    ['10.1.2.3', '::/0', 'false'],
    ['::1', '::/0', 'true'],
    ['fe80::1', 'fe80::/10', 'true'],
    ['fec0::1', 'fe80::/10', 'false'],
    ['fe80::1%eth0', 'fe80::/10', 'false'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48', 'true'],
    ['2001:DB8::192.0.2.1', '2001:db8::c000:201/128', 'true'],
    ['::ffff:10.1.2.3', '10.0.0.0/8', 'true'],
    ['::ffff:a01:203', '10.0.0.0/8', 'true'],
    ['10.1.2.3', '::ffff:10.0.0.0/104', 'true'],
    ['11.1.2.3', '::ffff:10.0.0.0/104', 'false'],
    ['10.1.2.3', '::ffff:10.0.0.0/90', 'false'],
  ])('%s in %s: %s', (ip, network, expected) => {
    expect(inNetwork(ip, network)).toBe(expected)
  })

  it.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/+8',
    '10.0.0.0/-1',
    '10.0.0/8',
    '::/129',
    'x/8',
    '/8',
    '',
  ])('refuses the network %j', (network) => {
    expect(inNetwork('10.1.2.3', network)).toBe('CAVEAT_EVALUATION_ERROR')
  })

  it('compares addresses as addresses', () => {
    const equal = (a: string, b: string) => evaluate('a ipaddress, b ipaddress', 'a == b', { a, b })
    expect(equal('::1', '0:0:0:0:0:0:0:1')).toBe('true')
    expect(equal('10.1.2.3', '::ffff:10.1.2.3')).toBe('true')
    expect(equal('::1', '::2')).toBe('false')
    expect(equal('fe80::1%a', 'fe80::1%b')).toBe('false')
    expect(evaluate('a ipaddress, b any', 'a == b', { a: '10.1.2.3', b: '10.1.2.3' })).toBe('false')
    expect(evaluate('a ipaddress', 'string(type(a) == type(a)) == "true"', { a: '::1' })).toBe('true')
  })
})

describe('work is bounded', () => {
  const numbers = Array.from({ length: 1000 }, (_, at) => at)

  it('ends an evaluation that multiplies its work', () => {
    const nested = 'l.all(a, l.all(b, l.all(c, l.all(d, a + b + c + d >= 0))))'
    const start = performance.now()
    expect(evaluate('l list<int>', nested, { l: numbers })).toBe('CAVEAT_EVALUATION_ERROR')
    expect(performance.now() - start).toBeLessThan(3000)
  })

  it('lets a thousand by a thousand comparisons fail, and a hundred by a hundred pass', () => {
    const pairs = 'l.all(a, l.all(b, a + b >= 0))'
    expect(evaluate('l list<int>', pairs, { l: numbers.slice(0, 100) })).toBe('true')
  })

  it.each([
    ['strings', 'l.map(a, l.map(b, s + s + s + s)).size() > 0'],
    ['lists', 'l.map(a, l.map(b, l + l)).size() > 0'],
    ['regular expressions', 'l.all(a, !s.matches("(x+x+)+y"))'],
    ['comparisons', 'l.all(a, l.map(b, s) == l.map(b, s))'],
    ['membership', 'l.all(a, l.all(b, !(-1 in l)))'],
  ])('counts what %s cost', (_name, expression) => {
    const start = performance.now()
    const context = { l: numbers, s: 'x'.repeat(4000) }
    const parameters =
      expression.includes('s.') || expression.includes(' s') ? 'l list<int>, s string' : 'l list<int>'
    expect(evaluate(parameters, expression, context)).toBe('CAVEAT_EVALUATION_ERROR')
    expect(performance.now() - start).toBeLessThan(3000)
  })

  it('refuses a regular expression of unreasonable length', () => {
    expect(evaluate('s string', 's.matches(s)', { s: 'x'.repeat(1001) })).toBe('CAVEAT_EVALUATION_ERROR')
    expect(evaluate('s string', 's.matches(s)', { s: 'x'.repeat(1000) })).toBe('true')
  })

  it('evaluates long chains without exhausting the stack', () => {
    const chain = Array.from({ length: 950 }, (_, at) => `a == ${at}`).join(' || ')
    expect(evaluate('a int', chain, { a: 949 })).toBe('true')
    expect(evaluate('a int', chain, { a: 951 })).toBe('false')
  })
})
