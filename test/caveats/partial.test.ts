// Evaluation with parts of the context missing: the rules, each by example.

import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/model/context.ts'
import { evaluate } from './caveat-of.ts'

type Case = readonly [parameters: string, expression: string, context: JsonObject, outcome: string]

const cases: { readonly [rule: string]: readonly Case[] } = {
  'or: one true decides; then unknown, then error': [
    ['a int, b int', 'a == 1 || b == 1', { a: 1 }, 'true'],
    ['a int, b int', 'a == 1 || b == 1', { b: 1 }, 'true'],
    ['a int, b int', 'a == 1 || b == 1', { a: 2 }, 'missing b'],
    ['a int, b int', 'a == 1 || b == 1', {}, 'missing a, b'],
    ['a int, b int', '1 / a == 1 || b == 1', { a: 0 }, 'missing b'],
    ['a int, b int', '1 / a == 1 || b == 1', { a: 0, b: 1 }, 'true'],
    ['a int, b int', '1 / a == 1 || b == 1', { a: 0, b: 2 }, 'CAVEAT_EVALUATION_ERROR'],
    ['a int, b int', 'b == 1 || 1 / a == 1', { a: 0 }, 'missing b'],
    ['a int, b int, c int', 'a == 1 || b == 1 || c == 1', { b: 2 }, 'missing a, c'],
    ['a int, b int, c int', 'a == 1 || b == 1 || c == 1', { c: 1 }, 'true'],
  ],
  'and: one false decides; then unknown, then error': [
    ['a int, b int', 'a == 1 && b == 1', { a: 2 }, 'false'],
    ['a int, b int', 'a == 1 && b == 1', { b: 2 }, 'false'],
    ['a int, b int', 'a == 1 && b == 1', { a: 1 }, 'missing b'],
    ['a int, b int', '1 / a == 1 && b == 1', { a: 0 }, 'missing b'],
    ['a int, b int', '1 / a == 1 && b == 1', { a: 0, b: 2 }, 'false'],
    ['a int, b int', '1 / a == 1 && b == 1', { a: 0, b: 1 }, 'CAVEAT_EVALUATION_ERROR'],
    ['a int, b int', '!(a == 1 && b == 1)', { a: 2 }, 'true'],
    ['a int, b int', '!(a == 1 && b == 1)', { a: 1 }, 'missing b'],
  ],
  'conditions: unknown when the condition is': [
    ['p bool, a int', 'p ? a == 1 : a == 1', { a: 1 }, 'missing p'],
    ['p bool, a int, b int', 'p ? a == 1 : b == 1', { p: true, a: 1 }, 'true'],
    ['p bool, a int, b int', 'p ? a == 1 : b == 1', { p: false, a: 1 }, 'missing b'],
    ['p bool, a int', '(p ? 1 : 2) == a', { p: true }, 'missing a'],
  ],
  'everything else: the first part from the left without a value decides': [
    ['a int, b int', 'a == b', {}, 'missing a'],
    ['a int, b int', 'a + b == 3', { a: 1 }, 'missing b'],
    ['a int, b int', '1 / a + b == 2', { a: 0 }, 'CAVEAT_EVALUATION_ERROR'],
    ['a int, b int', 'b + 1 / a == 2', { a: 0 }, 'missing b'],
    ['a int, b int', '[a, b] == [1, 2]', { a: 1 }, 'missing b'],
    ['a string, b int', '{a: b} == {"k": 1}', { b: 1 }, 'missing a'],
    ['a string, b string', 'a.contains(b)', { b: 'x' }, 'missing a'],
    ['a string, b string', 'a.matches(b)', { a: 'x' }, 'missing b'],
    ['a int', '-a == 1', {}, 'missing a'],
    ['a bool', '!a', {}, 'missing a'],
    ['a int', 'type(a) == int', {}, 'missing a'],
    ['a int, l list<int>', 'a in l', { a: 1 }, 'missing l'],
    ['ip ipaddress, n string', 'ip.in_cidr(n)', { ip: '::1' }, 'missing n'],
    ['m map<any>, n map<any>', 'm.isSubtreeOf(n)', { m: {} }, 'missing n'],
  ],
  'fields: a missing parameter is unknown, a missing key of a given one is not': [
    ['user map<any>', 'user.age == 3', {}, 'missing user'],
    ['user map<any>', 'user.age == 3', { user: {} }, 'CAVEAT_EVALUATION_ERROR'],
    ['user map<any>', 'has(user.age)', {}, 'missing user'],
    ['user map<any>', 'has(user.age)', { user: {} }, 'false'],
    ['user map<any>', 'has(user.age.years)', { user: { age: { years: 3 } } }, 'true'],
    ['user map<any>, limit int', 'has(user.age) && user.age == limit', { user: { age: 3 } }, 'missing limit'],
    ['user map<any>, limit int', 'has(user.age) && user.age == limit', { user: {} }, 'false'],
    ['user map<any>', 'user.?age.orValue(3) == 3', {}, 'missing user'],
    ['user map<any>', 'user.?age.orValue(3) == 3', { user: {} }, 'true'],
    ['user map<any>, limit int', 'user.?age.orValue(limit) == 3', { user: {} }, 'missing limit'],
    ['user map<any>, limit int', 'user.?age.orValue(limit) == 3', { user: { age: 3 } }, 'true'],
    [
      'user map<any>, limit int',
      'user.?age.or(optional.of(limit)).hasValue()',
      { user: {} },
      'missing limit',
    ],
    ['user map<any>, limit int', 'user.?age.optMap(age, age < limit).orValue(false)', { user: {} }, 'false'],
    [
      'user map<any>, limit int',
      'user.?age.optMap(age, age < limit).orValue(false)',
      { user: { age: 3 } },
      'missing limit',
    ],
    [
      'user map<any>, limit int',
      'user.?age.optMap(age, age < limit).orValue(false)',
      { limit: 3 },
      'missing user',
    ],
    ['l list<int>, at int', 'l[at] == 1', { l: [1] }, 'missing at'],
    ['l list<int>, at int', 'l[at] == 1', {}, 'missing l'],
    ['l list<int>, at int', 'l[1 / at] == 1', { at: 0 }, 'CAVEAT_EVALUATION_ERROR'],
    ['l list<list<int>>, at int', 'l[0][1 / at] == 1', { at: 0 }, 'CAVEAT_EVALUATION_ERROR'],
    ['l list<list<int>>, at int, a int', 'l[a][at] == 1', {}, 'missing l'],
    ['l list<int>, at int', '(l + l)[1 / at] == 1', { at: 0 }, 'missing l'],
    ['l list<int>, at int', 'l[?at].hasValue()', { at: 0 }, 'missing l'],
  ],
  'all and exists: like and and or over the elements': [
    ['l list<int>, a int', 'l.exists(e, e == 1 || e == a)', { l: [1, 2] }, 'true'],
    ['l list<int>, a int', 'l.exists(e, e == a)', { l: [1, 2] }, 'missing a'],
    ['l list<int>, a int', 'l.exists(e, e == a)', { l: [] }, 'false'],
    ['l list<int>, a int', 'l.exists(e, e == a)', { a: 1 }, 'missing l'],
    ['l list<int>, a int', 'l.all(e, e != 1 && e != a)', { l: [1, 2] }, 'false'],
    ['l list<int>, a int', 'l.all(e, e != a)', { l: [1, 2] }, 'missing a'],
    ['l list<int>, a int', 'l.all(e, e != a)', { l: [] }, 'true'],
    ['l list<int>, a int, b int', 'l.all(e, e == 1 ? a == 1 : b == 1)', { l: [1, 2] }, 'missing a, b'],
    ['l list<int>, a int', 'l.exists(e, e == 1 ? 1 / 0 == 1 : a == 1)', { l: [1, 2] }, 'missing a'],
    [
      'l list<int>, a int',
      'l.exists(e, e == 1 ? 1 / 0 == 1 : a == 1)',
      { l: [1] },
      'CAVEAT_EVALUATION_ERROR',
    ],
  ],
  'exists_one, map and filter: unknown when a test is, an error in a later test replaces it': [
    ['l list<int>, a int', 'l.exists_one(e, e == a)', { l: [1, 2] }, 'missing a'],
    ['l list<int>, a int', 'l.exists_one(e, e == a)', { l: [] }, 'false'],
    ['l list<int>, a int', 'l.map(e, e + a) == [2]', { l: [1] }, 'missing a'],
    ['l list<int>, a int', 'l.map(e, e + a) == []', { l: [] }, 'true'],
    ['l list<int>, a int', 'l.map(e, e > 1, e + a) == []', { l: [1] }, 'true'],
    ['l list<int>, a int', 'l.map(e, e > a, e) == []', { l: [1] }, 'missing a'],
    ['l list<int>, a int', 'l.filter(e, e > a) == []', { l: [1] }, 'missing a'],
    [
      'l list<int>, a int',
      'l.filter(e, e == 1 ? a == 1 : 1 / 0 == 1) == []',
      { l: [1, 2] },
      'CAVEAT_EVALUATION_ERROR',
    ],
    ['l list<int>, a int', 'l.filter(e, e == 1 ? 1 / 0 == 1 : a == 1) == []', { l: [1, 2] }, 'missing a'],
    ['l list<int>, a int', 'l.map(e, e == 1 ? a : 1 / 0) == []', { l: [1, 2] }, 'missing a'],
    ['l list<int>, a int', 'l.map(e, e == 1 ? 1 / 0 : a) == []', { l: [1, 2] }, 'CAVEAT_EVALUATION_ERROR'],
  ],
  'names are told once, sorted': [
    ['b int, a int, c bool', '(b == 1 || a == 1) && (c || b == 2 || a == 3)', {}, 'missing a, b, c'],
    ['b int, a int', 'b == 1 && a == 1 && b == 2', { b: 1 }, 'false'],
    ['b int, a int', 'b == 1 || a == 1 || b == 2', {}, 'missing a, b'],
  ],
}

for (const [rule, table] of Object.entries(cases)) {
  describe(rule, () => {
    it.each(table)('%s: %s with %j: %s', (parameters, expression, context, outcome) => {
      expect(evaluate(parameters, expression, context)).toBe(outcome)
      // It makes no difference which of the two contexts a value comes from.
      expect(evaluate(parameters, expression, undefined, context)).toBe(outcome)
    })
  })
}
