// What a schema's caveats are checked for, with the place of every problem.

import { describe, expect, it } from 'vitest'
import { checkCaveat } from '../../src/caveats/check-caveat.ts'
import { parametersOf, problemsOf } from './caveat-of.ts'

const everyType =
  'a int, u uint, s string, d double, t timestamp, w duration, y bytes, b bool, i ipaddress, x any, l list<int>, m map<int>, n map<any>'

/** The expression with every parameter used, so that only the part itself can be wrong. */
function withAllUsed(part: string): string {
  return `(a == u || s == '' || d == 0.0 || t == t || w == w || y == y || b || i == i || x == 1 || l == l || m == m || n == n) && (${part})`
}

const accepted = [
  'true',
  'a == 1 && u >= 2',
  'a + u * 2 - 3 / 4 % 5 == 6',
  '-a == -9223372036854775808',
  'a == 0x1F',
  'u == 1 && type(u) == int',
  'uint(a) == 1u && 2u < 3u',
  's + "x" == \'y\' && size(s) == s.size()',
  "s.contains('a') && s.startsWith('a') && s.endsWith('a') && s.matches('a') && matches(s, 'a')",
  's == r"\\d" && s == """two\nlines"""',
  'y == b"\\xff" && y + y < y && string(y) == s && size(y) == 1',
  'd == 1.5e3 && double(a) == d && int(d) == a',
  't + w > t && w + t > t && t - w < t && t - t == w && w + w - w == w',
  "timestamp('2031-06-30T00:00:00Z') == t && timestamp(0) == t && timestamp(t) == t",
  "duration('1h30m') == w && duration(1) == w && int(t) == int(w)",
  "t.getFullYear() == 1 && t.getHours('UTC') == 1 && w.getHours() == 1",
  "i.in_cidr('10.0.0.0/8') && i.in_cidr(s)",
  'n.isSubtreeOf(n) && m.isSubtreeOf(n)',
  'l[0] == 1 && m["k"] == 1 && m.k == 1 && a in l && s in m',
  "has(n.k) && has(n.k.l) && has(n['k'].l) && has({'a': 1}.a) && has(x.k)",
  'l.all(e, e > 0) && l.exists(e, e > 0) && l.exists_one(e, e > 0)',
  'l.map(e, e + 1) == l && l.map(e, e > 1, e) == l && l.filter(e, e > 1) == [1]',
  'm.all(k, m[k] > 1) && m.exists(k, k == s) && x.all(e, e == 1)',
  'l.exists(e, l.exists(e, e == 1))',
  'm.?k.orValue(1) == 1 && m[?"k"].hasValue() && l[?0].value() == 1',
  'n.?k.?l.orValue(1) == 1 && n.?k.l.orValue(1) == 1',
  'optional.of(a).or(optional.none()).optMap(v, v + 1).orValue(2) == 2',
  'optional.ofNonZeroValue(a) == optional.none()',
  '[1, "a", 2.0].size() == 3 && {1: "a", "b": 2}.size() == 2 && [] == l && {} == m',
  'b ? a == 1 : b',
  'x == 1 && x < 2 && x + 1 == 2 && x.anything.at[0].all && x',
  't == null && w == null && i == null && n.k == null && null == null',
  'type(a) == int && type(t) == google.protobuf.Timestamp && type(x) == null_type',
  'dyn(a) == 1.0 && dyn(a) < 1.5',
  'bool(s) && string(a) == string(t) && string(w) == string(null) && bytes(s) == y && uint(s) == uint(d)',
  's == "ünï 😀" // a comment\n && b',
]

describe('expressions that are fine', () => {
  it.each(accepted)('%s', (part) => {
    expect(problemsOf(everyType, withAllUsed(part))).toEqual([])
  })
})

/** The part, and what of it the problem points at. */
const refused: readonly (readonly [string, string])[] = [
  // Syntax
  ['a ==', ')'],
  ['a = 1', '='],
  ['a == 1 and b', 'and'],
  ['a & u', '&'],
  ["s == 'open)", "'open))"],
  ["s == 'a\nb'", '\n'],
  ["s == '\\q'", '\\q'],
  ['package == 1', 'package'],
  ['now == 1 x', 'x'],
  ['l.all(1, true)', '1'],
  // Names
  ['nope == 1', 'nope'],
  ['nope(a)', 'nope(a)'],
  ['a.nope()', 'a.nope()'],
  ['now() == t', 'now()'],
  ['s.lowerAscii() == s', 's.lowerAscii()'],
  ['s.split("a") == []', 's.split("a")'],
  ['l.join() == s', 'l.join()'],
  ['cel.bind(v, 1, v == 1)', 'v'],
  ['l.exists(e, e > 0) && e > 0', 'e'],
  // Types
  ['a == s', 'a == s'],
  ['a == 1.0', 'a == 1.0'],
  ['a < 1.0', 'a < 1.0'],
  ['u == 1u', 'u == 1u'],
  ['a + s == 1', 'a + s'],
  ['d % 2.0 == d', 'd % 2.0'],
  ['t + t == t', 't + t'],
  ['-s == s', '-s'],
  ['!a', '!a'],
  ['a && b', 'a'],
  ['b || b || s', 's'],
  ['a ? b : b', 'a'],
  ['(b ? a : s) == 1', 'b ? a : s'],
  ['a == null', 'a == null'],
  ['s in l', 's in l'],
  ['1 in m', '1 in m'],
  ['l < l', 'l < l'],
  ['l["k"] == 1', 'l["k"]'],
  ['m[1] == 1', 'm[1]'],
  ['s[0] == s', 's[0]'],
  ['s.length == 1', 's.length'],
  ['i.octets == 1', 'i.octets'],
  ['has(a)', 'has(a)'],
  ['has(s.k)', 's.k'],
  ['size(a) == 1', 'size(a)'],
  ['int(b) == 1', 'int(b)'],
  ['string(l) == s', 'string(l)'],
  ['string(i) == s', 'string(i)'],
  ['s.contains(1)', 's.contains(1)'],
  ['s.in_cidr(s)', 's.in_cidr(s)'],
  ['i.in_cidr(1)', 'i.in_cidr(1)'],
  ['w.getFullYear() == 1', 'w.getFullYear()'],
  ['a.all(e, e == 1)', 'a.all(e, e == 1)'],
  ['s.exists(e, e == s)', 's.exists(e, e == s)'],
  ['l.all(e, e)', 'e'],
  ['l.filter(e, e + 1) == l', 'e + 1'],
  ['l.map(e, e, e) == l', 'e'],
  ['m.?k.orValue(s) == 1', 'm.?k.orValue(s)'],
  ['m.?k.or(1).orValue(1) == 1', 'm.?k.or(1)'],
  ['optional.of(a) == optional.of(s)', 'optional.of(a) == optional.of(s)'],
  ['optional.of() == optional.none()', 'optional.of()'],
  ['optional.nothing() == m.?k', 'optional.nothing()'],
  ['a.optMap(v, v).hasValue()', 'a.optMap(v, v)'],
  ['google.protobuf.Any == type(a)', 'google'],
  // Numbers
  ['a == 9223372036854775808', '9223372036854775808'],
  ['a == -9223372036854775809', '-9223372036854775809'],
]

describe('expressions that are refused, with the place', () => {
  it.each(refused)('%s', (part, place) => {
    const expression = withAllUsed(part)
    const [problem, ...others] = problemsOf(everyType, expression)
    expect(others).toEqual([])
    expect(problem?.code).toBe('caveat-invalid')
    expect(expression.slice(problem!.offset, problem!.offset + problem!.length)).toBe(place)
    // The part begins after the prefix, so the place must lie in it.
    expect(problem!.offset).toBeGreaterThanOrEqual(withAllUsed('').length - 1)
    expect(problem!.message).toMatch(/\.$/)
  })
})

describe('the result', () => {
  it.each([
    ['a int', 'a', 'a', 'int'],
    ['a int', '  a + 1 ', 'a + 1', 'int'],
    ['a any', 'a.b', 'a.b', undefined],
    ['a list<string>', 'a', 'a', 'list(string)'],
    ['a map<list<int>>', 'a', 'a', 'map(string, list(int))'],
    ['a map<int>', 'a.?b', 'a.?b', 'optional_type(int)'],
  ])('must be a bool: %s, %s', (parameters, expression, place, type) => {
    const [problem, ...others] = problemsOf(parameters, expression)
    expect(others).toEqual([])
    expect(problem?.code).toBe('caveat-not-boolean')
    expect(expression.slice(problem!.offset, problem!.offset + problem!.length)).toBe(place)
    expect(problem!.message).toContain(`of type ${type ?? 'dyn'}`)
  })
})

describe('parameters', () => {
  it('must be used', () => {
    expect(problemsOf('a int, b int, c int', 'b == 1')).toMatchObject([
      { code: 'caveat-unused-parameter', parameter: 'a' },
      { code: 'caveat-unused-parameter', parameter: 'c' },
    ])
  })

  it('are not used by a macro variable of the same name', () => {
    expect(problemsOf('a int, l list<int>', 'l.exists(a, a == 1)')).toMatchObject([{ parameter: 'a' }])
    expect(problemsOf('a int, l list<int>', 'l.exists(a, a == 1) && a == 1')).toEqual([])
    expect(problemsOf('a list<int>', 'a.exists(a, a == 1)')).toEqual([])
  })

  it('cannot be named like a type', () => {
    expect(problemsOf('string string', 'string == "a"')).toMatchObject([
      { code: 'caveat-invalid', parameter: 'string', length: 0 },
    ])
  })

  it('may be named like functions and namespaces', () => {
    for (const name of ['size', 'has', 'optional', 'google', 'dyn', 'all', 'duration']) {
      expect(problemsOf(`${name} map<int>`, `${name}.of == 1`)).toEqual([])
    }
  })
})

describe('hostile text is refused in bounded time', () => {
  const parameters = parametersOf('a int')
  const timed = (expression: string) => {
    const start = performance.now()
    const problems = checkCaveat(parameters, expression)
    return { problems, ms: performance.now() - start }
  }

  it.each([
    ['parentheses', `${'('.repeat(40_000)}a == 1${')'.repeat(40_000)}`],
    ['brackets', `${'['.repeat(50_000)}${']'.repeat(50_000)} == [a]`],
    ['braces', `${'{1:'.repeat(20_000)}a${'}'.repeat(20_000)} == a`],
    ['negations', `${'!'.repeat(90_000)}(a == 1)`],
    ['minuses', `${'-'.repeat(90_000)}a == 1`],
    ['a long sum', `${'a+'.repeat(45_000)}a == 1`],
    ['a long disjunction', `${'a==1||'.repeat(15_000)}a==1`],
    ['conditions', `${'a==1?true:'.repeat(9_000)}true`],
    ['selections', `[a]${'[0]'.repeat(30_000)} == 1`],
    ['macros', `${'[a].all(x,'.repeat(5_000)}true${')'.repeat(5_000)}`],
    ['an unterminated string', `a == 1 || "${'x'.repeat(90_000)}`],
    ['too long', `a == 1 ${' '.repeat(10)}|| ${'a == 1 || '.repeat(10_000)} true`],
  ])('%s', (_name, expression) => {
    const { problems, ms } = timed(expression)
    expect(problems).toHaveLength(1)
    expect(problems[0]!.code).toBe('caveat-invalid')
    expect(problems[0]!.offset + problems[0]!.length).toBeLessThanOrEqual(expression.length)
    expect(ms).toBeLessThan(2000)
  })

  it('accepts 100,000 characters, not one more', () => {
    const text = (length: number) => `a == 1 || "${'x'.repeat(length - 18)}" == ""`
    expect(text(100_000)).toHaveLength(100_000)
    expect(checkCaveat(parameters, text(100_000))).toEqual([])
    expect(checkCaveat(parameters, text(100_001))).toMatchObject([{ code: 'caveat-invalid' }])
    expect(checkCaveat(parameters, `  ${text(100_000)}\n`)).toEqual([])
  })

  it('accepts chains of several hundred operands', () => {
    const chain = Array.from({ length: 900 }, (_, at) => `a == ${at}`).join(' || ')
    expect(checkCaveat(parameters, chain)).toEqual([])
  })
})
