// The printed form of expressions: a table, and that it always means the same.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileCaveat } from '../../src/caveats/compiled-caveat.ts'
import { printExpression } from '../../src/caveats/print-expression.ts'
import type { JsonValue } from '../../src/model/context.ts'
import { caveatOf, errorOf, outcomeOf } from './caveat-of.ts'
import { booleans, parameters, parametersIn } from './random-expressions.ts'

const equalities = (count: number, operator: string) =>
  Array.from({ length: count }, (_, at) => `a==${at}`).join(operator)

describe('normal form', () => {
  it.each([
    ["a==1&&b=='x'", 'a == 1 && b == "x"'],
    ['(a==1)||!(b=="y")', 'a == 1 || !(b == "y")'],
    ['a in[1,2,3]', 'a in [1, 2, 3]'],
    ['[1,2].exists(x,x==a)', '[1, 2].exists(x, x == a)'],
    ['has(m.x)&&m.?y.orValue(1)==1', 'has(m.x) && m.?y.orValue(1) == 1'],
    ['a==0x1F||a==-1', 'a == 31 || a == -1'],
    [
      'd==1.0||d==1.5e10||d==0.1||d==123456789.0',
      'd == 1.0 || d == 1.5e+10 || d == 0.1 || d == 1.23456789e+08',
    ],
    ['d==1e-7||d==1e23||d==5e-324', 'd == 1e-07 || d == 1e+23 || d == 5e-324'],
    ['u==5u||u==0xFFu', 'u == 5u || u == 255u'],
    ["b==''&&(a==1?true:false)", 'b == "" && ((a == 1) ? true : false)'],
    ["a==1?b=='x':true", '(a == 1) ? (b == "x") : true'],
    ['a==1?true:a==2?true:false', '(a == 1) ? true : ((a == 2) ? true : false)'],
    ["(a==1?b=='x':true)?true:false", '((a == 1) ? (b == "x") : true) ? true : false'],
    ['a+1*2-(3-4)==1&&(a+1)*2==1', 'a + 1 * 2 - (3 - 4) == 1 && (a + 1) * 2 == 1'],
    ['a-(1-2)==1&&a-1-2==3&&a/(1*2)==1', 'a - (1 - 2) == 1 && a - 1 - 2 == 3 && a / (1 * 2) == 1'],
    ['(a==1)==(a==2)', 'a == 1 == (a == 2)'],
    ['a==1||(a==2||a==3)', 'a == 1 || a == 2 || a == 3'],
    ["(a==1&&b=='x')||a==2&&(b=='y'||a==3)", 'a == 1 && b == "x" || a == 2 && (b == "y" || a == 3)'],
    ["m['x']==1||m.x==1||m[?'z'].hasValue()", 'm["x"] == 1 || m.x == 1 || m[?"z"].hasValue()'],
    ['!(a==1)&&-(a)==1&&!true', '!(a == 1) && -a == 1 && !true'],
    [
      '-(a+1)==1&&(-a).b&&(a+b).size()==1&&[1][0]==1',
      '-(a + 1) == 1 && (-a).b && (a + b).size() == 1 && [1][0] == 1',
    ],
    ['a//comment\n==\t1', 'a == 1'],
    ["{'a':1,}=={}", '{"a": 1} == {}'],
    ['optional.of(a).optMap(x,x+1).orValue(2)==2', 'optional.of(a).optMap(x, x + 1).orValue(2) == 2'],
    ['type(a)==google.protobuf.Timestamp', 'type(a) == google.protobuf.Timestamp'],
    ['null==true', 'null == true'],
    ['-l[0]==1&&(b?l[0]:1)==1&&!m["k"]', '-(l[0]) == 1 && (b ? (l[0]) : 1) == 1 && !(m["k"])'],
    ['!!b', '!!b'],
  ])('%s', (expression, printed) => {
    expect(printExpression(expression)).toBe(printed)
    expect(printExpression(printed)).toBe(printed)
  })

  it('writes strings so that a schema can hold them: no backslash before a quote', () => {
    expect(printExpression(`b=='it\\nx\\t\\u00e9é😀'||b==r'\\d'`)).toBe(
      'b == "it\\nx\\téé😀" || b == "\\\\d"',
    )
    expect(printExpression(`b=="'"`)).toBe(`b == "'"`)
    expect(printExpression(`b=='"'`)).toBe(`b == '"'`)
    expect(printExpression(`b=='"\\''`)).toBe(`b == "\\x22'"`)
    expect(printExpression('b=="""a\n"b"""')).toBe(`b == 'a\\n"b'`)
    expect(printExpression('b=="\\x00\\x7f\\u2028\\a\\b\\f\\r\\v"')).toBe(
      'b == "\\u0000\\u007f\\u2028\\a\\b\\f\\r\\v"',
    )
    expect(printExpression(`y==b'\\xffa\\n"'||y==b"\\\\"`)).toBe('y == b"\\377a\\012\\042" || y == b"\\134"')
  })

  it('breaks lines after 80 characters, behind an operator', () => {
    expect(printExpression(equalities(14, '||'))).toBe(
      'a == 0 || a == 1 || a == 2 || a == 3 || a == 4 || a == 5 || a == 6 || a == 7 ||\n' +
        'a == 8 || a == 9 || a == 10 || a == 11 || a == 12 || a == 13',
    )
    expect(printExpression(`(${equalities(7, '||')})&&(${equalities(7, '||')})`)).toBe(
      '(a == 0 || a == 1 || a == 2 || a == 3 || a == 4 || a == 5 || a == 6) && (a == 0 ||\n' +
        'a == 1 || a == 2 || a == 3 || a == 4 || a == 5 || a == 6)',
    )
  })

  it('refuses what is no expression', () => {
    expect(errorOf(() => printExpression('a ==')).code).toBe('SCHEMA_PARSE_ERROR')
  })
})

it('prints random expressions so that they mean the same, and the same again', () => {
  fc.assert(
    fc.property(booleans, fc.nat(), (expression, choice) => {
      const printed = printExpression(expression)
      expect(printExpression(printed)).toBe(printed)
      const names = parametersIn(expression)
      if (names.length === 0) return
      const declared = names.map((name) => `${name} ${parameters[name]!.type}`).join(', ')
      const context = Object.fromEntries(
        names.map((name): [string, JsonValue] => {
          const { values } = parameters[name]!
          return [name, values[choice % values.length]!]
        }),
      )
      const before = outcomeOf(compileCaveat(caveatOf(declared, expression)), context)
      expect(outcomeOf(compileCaveat(caveatOf(declared, printed)), context)).toBe(before)
    }),
    { numRuns: 2000, seed: 20_311_106 },
  )
})
