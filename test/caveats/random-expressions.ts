// Test support: random well-typed expressions over a fixed set of parameters, and values for these parameters.

import fc from 'fast-check'
import type { JsonValue } from '../../src/model/context.ts'
import { problemsOf } from './caveat-of.ts'

/** Every parameter of the random expressions with its type and the few values it takes. */
export const parameters: {
  readonly [name: string]: { readonly type: string; readonly values: readonly JsonValue[] }
} = {
  p: { type: 'bool', values: [true, false] },
  q: { type: 'bool', values: [true, false] },
  a: { type: 'int', values: [0, 1, '9223372036854775807'] },
  b: { type: 'int', values: [-1, 2] },
  u: { type: 'uint', values: [0, 3] },
  e: { type: 'int', values: [1, 2] },
  d: { type: 'double', values: [0, 1.5, -2] },
  s: { type: 'string', values: ['', 'ab', 'b'] },
  y: { type: 'bytes', values: ['', 'YQ=='] },
  t: { type: 'timestamp', values: ['2031-06-30T23:00:00Z', '1969-12-31T23:59:59.5Z'] },
  w: { type: 'duration', values: ['90m', '-1s'] },
  i: { type: 'ipaddress', values: ['10.1.2.3', '2001:db8::1'] },
  l: { type: 'list<int>', values: [[], [1, 2], [0]] },
  m: { type: 'map<int>', values: [{}, { k: 1 }, { k: 0, b: 5 }] },
  n: { type: 'map<any>', values: [{}, { k: 1, o: { k: 's' } }, { o: null }] },
  x: { type: 'any', values: [1, 'ab', null, [1], { k: true }] },
}

type Texts = {
  bool: string
  int: string
  double: string
  string: string
  bytes: string
  time: string
  span: string
  ip: string
  list: string
  map: string
  dyn: string
  optional: string
}

const text = (...parts: readonly (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((all) => all.join(''))

const pick = (...texts: readonly string[]): fc.Arbitrary<string> => fc.constantFrom(...texts)

/**
 * Random expressions of type bool, each kind of operator, function and macro among them. Macros bind `e`, which outside
 * of them is a parameter.
 */
export const booleans: fc.Arbitrary<string> = fc.letrec<Texts>((tie) => {
  const [bool, int, double, string] = [tie('bool'), tie('int'), tie('double'), tie('string')]
  const [bytes, time, span, ip] = [tie('bytes'), tie('time'), tie('span'), tie('ip')]
  const [list, map, dyn, optional] = [tie('list'), tie('map'), tie('dyn'), tie('optional')]
  const order = pick(' == ', ' != ', ' < ', ' <= ', ' > ', ' >= ')
  return {
    bool: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      pick('p', 'q', '(a == 1)', '(b > 0)', 'true', 'false', '(s == "b")', '(x == 1)'),
      text('(', bool, pick(' && ', ' || '), bool, ')'),
      text('(', bool, pick(' && ', ' || '), bool, ')'),
      text('!', bool),
      text('(', bool, ' ? ', bool, ' : ', bool, ')'),
      text('(', int, order, int, ')'),
      text('(', double, order, double, ')'),
      text('(', string, order, string, ')'),
      text('(', bytes, order, bytes, ')'),
      text('(', time, order, time, ')'),
      text('(', span, order, span, ')'),
      text('(', ip, pick(' == ', ' != '), ip, ')'),
      text('(', list, pick(' == ', ' != '), list, ')'),
      text('(', dyn, order, dyn, ')'),
      text('(', optional, pick(' == ', ' != '), optional, ')'),
      text('(', int, ' in ', list, ')'),
      text('(', string, ' in ', map, ')'),
      text(string, pick('.contains(', '.startsWith(', '.endsWith('), string, ')'),
      text(string, '.matches(', pick("'a'", "'^b?$'", "'('", 's'), ')'),
      text(ip, '.in_cidr(', pick("'10.0.0.0/8'", "'2001:db8::/32'", 's'), ')'),
      text(pick('m', 'n', '{"k": 1}'), '.isSubtreeOf(', pick('m', 'n'), ')'),
      text(pick('has(n.k)', 'has(n.o.k)', 'has(m.k)', 'has(x.k)')),
      text(list, pick('.all(e, ', '.exists(e, ', '.exists_one(e, '), bool, ')'),
      text(map, pick('.all(k, ', '.exists(k, '), bool, ')'),
      text(optional, '.hasValue()'),
      text('bool(', string, ')'),
    ),
    int: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      pick('a', 'b', 'u', 'e', 'e', '0', '1', '-3', '2'),
      text('(', int, pick(' + ', ' - ', ' * ', ' / ', ' % '), int, ')'),
      text(
        '-',
        int.map((part) => `(${part})`),
      ),
      text('(', bool, ' ? ', int, ' : ', int, ')'),
      text(pick('l', '[1, 2]'), '[', int, ']'),
      text(pick('m.k', 'm["b"]')),
      text('size(', fc.oneof(string, bytes, list, map), ')'),
      text('int(', fc.oneof(double, string, time, span), ')'),
      text(
        time,
        pick('.getHours()', '.getHours("+05:30")', '.getDayOfWeek()', '.getFullYear()', '.getMilliseconds()'),
      ),
      text(span, pick('.getMinutes()', '.getSeconds()')),
      text(optional, '.orValue(', int, ')'),
    ),
    double: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      pick('d', '1.5', '0.0'),
      text('(', double, pick(' + ', ' - ', ' * ', ' / '), double, ')'),
      text('double(', fc.oneof(int, string), ')'),
    ),
    string: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      pick('s', '"ab"', "''", '"1"'),
      text('(', string, ' + ', string, ')'),
      text('string(', fc.oneof(int, bool, double, bytes, time, span), ')'),
    ),
    bytes: fc.oneof(
      { maxDepth: 3 },
      pick('y', 'b"a"'),
      text('(', bytes, ' + ', bytes, ')'),
      text('bytes(', string, ')'),
    ),
    time: fc.oneof(
      { maxDepth: 3 },
      pick('t', 'timestamp("2031-06-30T23:00:00Z")'),
      text('(', time, pick(' + ', ' - '), span, ')'),
      text('timestamp(', int, ')'),
    ),
    span: fc.oneof(
      { maxDepth: 3 },
      pick('w', 'duration("1h")'),
      text('(', span, pick(' + ', ' - '), span, ')'),
      text('(', time, ' - ', time, ')'),
    ),
    ip: pick('i'),
    list: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      pick('l', '[1, 2]', '[]'),
      text('[', int, ', ', int, ']'),
      text('(', list, ' + ', list, ')'),
      text(list, '.filter(e, ', bool, ')'),
      text(list, '.map(e, ', int, ')'),
      text(list, '.map(e, ', bool, ', ', int, ')'),
    ),
    map: fc.oneof({ maxDepth: 3 }, pick('m', '{"k": 1}'), text('{', string, ': ', int, '}')),
    dyn: fc.oneof(
      { maxDepth: 3 },
      pick('x', 'x.k', 'n.k', 'n.o.k', 'x[0]'),
      text('dyn(', fc.oneof(int, string, bool), ')'),
    ),
    optional: fc.oneof(
      { maxDepth: 3 },
      pick('m.?k', 'm[?"b"]', 'l[?0]', 'optional.none()'),
      text('optional.of(', int, ')'),
      text('optional.ofNonZeroValue(', int, ')'),
      text(optional, '.or(', optional, ')'),
      text(optional, '.optMap(e, ', int, ')'),
    ),
  }
}).bool

/** Names of the parameters that an expression reads, as the check for unused ones sees it. */
export function parametersIn(expression: string): string[] {
  const outsideStrings = expression.replaceAll(/b?"[^"]*"|'[^']*'/g, '""')
  const named = Object.keys(parameters).filter((name) =>
    new RegExp(`(?<![\\w.?])${name}(?![\\w(])`).test(outsideStrings),
  )
  const declared = named.map((name) => `${name} ${parameters[name]!.type}`).join(', ')
  const unused = problemsOf(declared, expression).map(({ parameter }) => parameter)
  return named.filter((name) => !unused.includes(name))
}
