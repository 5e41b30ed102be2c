// Caveats for random schemas, each with its CEL text and, beside it, what it must say, in plain TypeScript.

import type { JsonObject, JsonValue } from '../../src/model/context.ts'
import type { CaveatRef } from '../../src/model/relationship.ts'
import type { Caveat, CaveatType } from '../../src/model/schema.ts'
import type { CaveatVerdict } from './caveat-verdict.ts'

/** A caveat whose meaning is known here without any CEL. */
export interface CaveatTable {
  readonly name: string
  /** Parameter name to type in source form. */
  readonly parameters: { readonly [name: string]: string }
  readonly expression: string
  /** Values that random contexts draw from, per parameter. */
  readonly values: { readonly [name: string]: readonly JsonValue[] }
  /** Verdict under a merged context that only holds values listed above. */
  readonly judge: (context: JsonObject) => CaveatVerdict
}

type Read = (name: string) => JsonValue

const holds = (value: boolean): CaveatVerdict => ({ kind: value ? 'true' : 'false' })

/**
 * For calls that need every parameter, named in the order in which they are evaluated: the first one that is not there
 * is the one that is missed, as in SpiceDB (`a < b` without both misses `a`; `a || b` without both misses both).
 */
function strict(names: readonly string[], decide: (read: Read) => boolean) {
  return (context: JsonObject): CaveatVerdict => {
    const absent = names.filter((name) => context[name] === undefined)
    if (absent.length > 0) return { kind: 'missing', names: absent.slice(0, 1) }
    return holds(decide((name) => context[name]!))
  }
}

const instant = (value: JsonValue) => Date.parse(value as string)
const whole = (value: JsonValue) => BigInt(value as string | number)

/** True when each key of the first map is in the second with an equal value, nested maps likewise. */
function isSubtree(part: JsonValue, whole: JsonValue): boolean {
  if (!isMap(part) || !isMap(whole)) return JSON.stringify(part) === JSON.stringify(whole)
  return Object.entries(part).every(([key, value]) => key in whole && isSubtree(value, whole[key]!))
}

function isMap(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Minutes in a duration such as `90m` or `1h30m`. */
function minutes(value: JsonValue): number {
  const [, hours = '0', mins = '0'] = /^(?:(\d+)h)?(?:(\d+)m)?$/.exec(value as string)!
  return Number(hours) * 60 + Number(mins)
}

export const caveatTables: readonly CaveatTable[] = [
  {
    name: 'switched_on',
    parameters: { flag: 'bool' },
    expression: 'flag',
    values: { flag: [true, false] },
    judge: strict(['flag'], (read) => read('flag') === true),
  },
  {
    name: 'in_zone',
    parameters: { zone: 'string' },
    expression: 'zone == "utc" || zone.startsWith("eu/")',
    values: { zone: ['utc', 'eu/rome', 'us/east', '', 'UTC'] },
    judge: strict(['zone'], (read) => read('zone') === 'utc' || (read('zone') as string).startsWith('eu/')),
  },
  {
    name: 'below_limit',
    parameters: { amount: 'int', ceiling: 'int' },
    expression: 'amount + 1 <= ceiling',
    values: {
      amount: [1, '9', -4, '9007199254740993', 100],
      ceiling: [10, '-3', '9007199254740994', '9007199254740993'],
    },
    judge: strict(['amount', 'ceiling'], (read) => whole(read('amount')) + 1n <= whole(read('ceiling'))),
  },
  {
    name: 'few_uses',
    parameters: { uses: 'uint' },
    expression: 'uses < 3',
    values: { uses: [0, 2, 3, '1', '18'] },
    judge: strict(['uses'], (read) => whole(read('uses')) < 3n),
  },
  {
    name: 'low_risk',
    parameters: { risk: 'double', scale: 'double' },
    expression: 'risk * scale < 0.5',
    values: { risk: [0.25, 0.75, '0.1', 0], scale: [1, 4, 0.5] },
    judge: strict(['risk', 'scale'], (read) => Number(read('risk')) * Number(read('scale')) < 0.5),
  },
  {
    name: 'has_proof',
    parameters: { proof: 'bytes' },
    expression: 'proof == b"open" || size(proof) == 3',
    values: { proof: ['b3Blbg==', 'b3BlbmVk', 'YWJj', ''] },
    judge: strict(['proof'], (read) => ['b3Blbg==', 'YWJj'].includes(read('proof') as string)),
  },
  {
    name: 'short_visit',
    parameters: { stay: 'duration' },
    expression: 'stay <= duration("1h30m")',
    values: { stay: ['90m', '1h30m', '2h', '5m', '91m'] },
    judge: strict(['stay'], (read) => minutes(read('stay')) <= 90),
  },
  {
    name: 'before_end',
    parameters: { at: 'timestamp', until: 'timestamp' },
    expression: 'at < until',
    values: {
      at: ['2026-01-01T00:00:00Z', '2026-06-01T12:00:00+02:00', '2027-01-01T00:00:00.5Z'],
      until: ['2026-06-01T10:00:00Z', '2027-01-01T00:00:01Z', '2026-06-01T10:00:01Z'],
    },
    judge: strict(['at', 'until'], (read) => instant(read('at')) < instant(read('until'))),
  },
  {
    name: 'from_office',
    parameters: { address: 'ipaddress' },
    expression: 'address.in_cidr("10.1.0.0/16")',
    values: { address: ['10.1.2.3', '10.2.0.1', '::1', '10.1.255.255'] },
    judge: strict(['address'], (read) => (read('address') as string).startsWith('10.1.')),
  },
  {
    name: 'from_network',
    parameters: { source: 'ipaddress', network: 'string' },
    expression: 'source.in_cidr(network)',
    values: { source: ['192.168.7.9', 'fd00::17'], network: ['192.168.7.0/24', 'fd00::/8', 'nonsense'] },
    judge: (context) => {
      const absent = ['source', 'network'].filter((name) => context[name] === undefined)
      if (absent.length > 0) return { kind: 'missing', names: absent.slice(0, 1) }
      if (context.network === 'nonsense') return { kind: 'error' }
      return holds((context.source === 'fd00::17') === (context.network === 'fd00::/8'))
    },
  },
  {
    name: 'has_label',
    parameters: { labels: 'list<string>', wanted: 'string' },
    expression: 'wanted in labels',
    values: { labels: [['a', 'b'], ['b'], [], ['a,b']], wanted: ['a', 'b', 'a,b'] },
    judge: strict(['wanted', 'labels'], (read) =>
      (read('labels') as string[]).includes(read('wanted') as string),
    ),
  },
  {
    name: 'good_scores',
    parameters: { scores: 'list<int>' },
    expression: 'scores.exists(score, score > 8) && scores.all(score, score > 2)',
    values: { scores: [[9, 3], [9, 2], [], [4], ['10']] },
    judge: strict(['scores'], (read) => {
      const scores = (read('scores') as (string | number)[]).map(Number)
      return scores.some((score) => score > 8) && scores.every((score) => score > 2)
    }),
  },
  {
    name: 'within_grid',
    parameters: { grid: 'list<list<int>>' },
    expression: 'grid.all(row, row.exists(cell, cell == 1))',
    values: {
      grid: [
        [[1, 2], [1]],
        [
          [1, 2],
          [2, 1],
        ],
        [[1, 2, 1]],
        [[1], [2]],
        [],
      ],
    },
    judge: strict(['grid'], (read) => (read('grid') as number[][]).every((row) => row.includes(1))),
  },
  {
    name: 'fits_policy',
    parameters: { claims: 'map<any>', policy: 'map<any>' },
    expression: 'claims.isSubtreeOf(policy)',
    values: {
      claims: [{ team: 'ops' }, { team: 'ops', site: { floor: 2 } }, {}, { team: 'hr' }],
      policy: [{ team: 'ops', site: { floor: 2, room: 'a' } }, { team: 'ops' }, {}],
    },
    judge: strict(['claims', 'policy'], (read) => isSubtree(read('claims'), read('policy'))),
  },
  {
    name: 'quota_left',
    parameters: { quota: 'map<int>', product: 'string' },
    expression: 'product in quota && quota[product] > 0',
    values: { quota: [{ disk: 1, cpu: 0 }, { disk: 0 }, {}], product: ['disk', 'cpu'] },
    judge: ({ product, quota }) => {
      const absent = [
        ...(product === undefined ? ['product'] : []),
        ...(quota === undefined ? ['quota'] : []),
      ]
      if (absent.length > 0) return { kind: 'missing', names: absent }
      return holds(((quota as { [key: string]: number })[product as string] ?? 0) > 0)
    },
  },
  {
    name: 'same_thing',
    parameters: { thing: 'any', other: 'any' },
    expression: 'thing == other',
    values: { thing: ['x', 1, true, ['x'], '1'], other: ['x', 1, ['x'], false] },
    judge: strict(
      ['thing', 'other'],
      (read) => JSON.stringify(read('thing')) === JSON.stringify(read('other')),
    ),
  },
  {
    name: 'either_way',
    parameters: { badge: 'bool', guest: 'bool' },
    expression: 'badge || !guest',
    values: { badge: [true, false], guest: [true, false] },
    judge: ({ badge, guest }) => {
      if (badge === true || guest === false) return { kind: 'true' }
      const absent = [...(badge === undefined ? ['badge'] : []), ...(guest === undefined ? ['guest'] : [])]
      return absent.length > 0 ? { kind: 'missing', names: absent } : { kind: 'false' }
    },
  },
  {
    name: 'both_ways',
    parameters: { shift: 'string', level: 'int' },
    expression: 'shift == "day" && level >= 2',
    values: { shift: ['day', 'night'], level: [1, 2, '3'] },
    judge: ({ shift, level }) => {
      if (shift === 'night' || (level !== undefined && whole(level) < 2n)) return { kind: 'false' }
      const absent = [...(shift === undefined ? ['shift'] : []), ...(level === undefined ? ['level'] : [])]
      return absent.length > 0 ? { kind: 'missing', names: absent } : { kind: 'true' }
    },
  },
  {
    name: 'by_choice',
    parameters: { strict_mode: 'bool', tier: 'int' },
    expression: 'strict_mode ? tier > 2 : true',
    values: { strict_mode: [true, false], tier: [1, 3] },
    judge: ({ strict_mode, tier }) => {
      if (strict_mode === undefined) return { kind: 'missing', names: ['strict_mode'] }
      if (strict_mode === false) return { kind: 'true' }
      return tier === undefined ? { kind: 'missing', names: ['tier'] } : holds(whole(tier) > 2n)
    },
  },
]

/** A value that no parameter type but `any` and maps can take. */
export const wrongValue: JsonValue = { not: { 'what is': 'expected' } }

const byName = new Map(caveatTables.map((table) => [table.name, table]))

/**
 * Judges by the tables: stored context lies over the request's, keys that are no parameter are ignored, a value of
 * the wrong type is an error.
 */
export function judgeByTable(caveat: CaveatRef, request: JsonObject): CaveatVerdict {
  const table = byName.get(caveat.name)
  if (table === undefined) throw new Error(`No table for caveat ${caveat.name}.`)
  const merged: JsonObject = { ...request, ...caveat.context }
  const known = Object.keys(table.parameters).filter((name) => merged[name] !== undefined)
  const isWrong = known.some(
    (name) => merged[name] === wrongValue && !/^(any|map<any>)$/.test(table.parameters[name]!),
  )
  if (isWrong) return { kind: 'error' }
  return table.judge(Object.fromEntries(known.map((name) => [name, merged[name]!])))
}

export function tableOf(caveat: string): CaveatTable {
  const table = byName.get(caveat)
  if (table === undefined) throw new Error(`No table for caveat ${caveat}.`)
  return table
}

/** The caveat as the checked schema holds it. */
export function caveatOf(table: CaveatTable): Caveat {
  const parameters = new Map(Object.entries(table.parameters).map(([name, type]) => [name, typeOf(type)]))
  return { name: table.name, comments: [], parameters, expression: table.expression }
}

function typeOf(source: string): CaveatType {
  const [, name, inner] = /^([a-z]+)(?:<(.*)>)?$/.exec(source)!
  return { name: name as CaveatType['name'], arguments: inner === undefined ? [] : [typeOf(inner)] }
}
