// Properties of evaluation over random expressions: what a partial answer promises, and that full answers are right.

import { Environment } from '@marcbachmann/cel-js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CompiledCaveat, compileCaveat } from '../../src/caveats/compiled-caveat.ts'
import type { JsonObject, JsonValue } from '../../src/model/context.ts'
import { caveatOf, outcomeOf, problemsOf } from './caveat-of.ts'
import { booleans, parameters, parametersIn } from './random-expressions.ts'

const declared = (names: readonly string[]) =>
  names.map((name) => `${name} ${parameters[name]!.type}`).join(', ')

/** Fixed, so that every run tests the same. */
const seed = 20_311_106

/** At most so many completions are tried per expression. */
const maxCompletions = 300

/** All ways to give values to the parameters, or evenly spread ones when there are too many. */
function completionsOf(names: readonly string[]): JsonObject[] {
  let all: [string, JsonValue][][] = [[]]
  for (const name of names) {
    all = all.flatMap((chosen) =>
      parameters[name]!.values.map((value): [string, JsonValue][] => [...chosen, [name, value]]),
    )
    const step = Math.ceil(all.length / maxCompletions)
    all = all.filter((_, at) => at % step === 0)
  }
  return all.map((entries) => Object.fromEntries(entries))
}

interface Case {
  readonly expression: string
  readonly names: readonly string[]
  readonly caveat: CompiledCaveat
  readonly context: JsonObject
  readonly missing: readonly string[]
}

const cases: fc.Arbitrary<Case> = booleans
  .filter((expression) => parametersIn(expression).length > 0)
  .chain((expression) => {
    const names = parametersIn(expression)
    return fc
      .tuple(
        fc.record(
          Object.fromEntries(names.map((name) => [name, fc.constantFrom(...parameters[name]!.values)])),
        ),
        fc.subarray(names),
      )
      .map(([values, given]) => ({
        expression,
        names,
        caveat: compileCaveat(caveatOf(declared(names), expression)),
        context: Object.fromEntries(given.map((name) => [name, values[name]!])),
        missing: names.filter((name) => !given.includes(name)),
      }))
  })

describe('random expressions', () => {
  it('are all well-typed', () => {
    fc.assert(
      fc.property(booleans, (expression) => {
        const names = parametersIn(expression)
        if (names.length === 0) return
        expect(problemsOf(declared(names), expression)).toEqual([])
      }),
      { numRuns: 2000, seed },
    )
  })

  it('a partial true, false or error is that for every completion', () => {
    const seen: { [outcome: string]: number } = {}
    fc.assert(
      fc.property(cases, ({ caveat, context, missing }) => {
        const partial = outcomeOf(caveat, context)
        const kind = partial.split(' ')[0]!
        if (missing.length > 0) seen[kind] = (seen[kind] ?? 0) + 1
        if (kind === 'missing') {
          const named = partial.slice('missing '.length).split(', ')
          expect(named).not.toEqual([])
          expect(missing).toEqual(expect.arrayContaining(named))
          return
        }
        for (const completion of completionsOf(missing)) {
          expect(outcomeOf(caveat, { ...context, ...completion })).toBe(partial)
        }
      }),
      { numRuns: 6000, seed },
    )
    // The property would be empty if partial answers were always or never decided.
    for (const kind of ['true', 'false', 'missing', 'CAVEAT_EVALUATION_ERROR']) {
      expect([kind, (seen[kind] ?? 0) > 50]).toEqual([kind, true])
    }
  })

  it('with everything given, nothing is missing', () => {
    fc.assert(
      fc.property(cases, ({ caveat, context, missing }) => {
        const [completion] = completionsOf(missing)
        expect(outcomeOf(caveat, context, completion)).not.toMatch(/^missing/)
      }),
      { numRuns: 1000, seed },
    )
  })

  it('giving more never turns a decided answer into another, one parameter at a time', () => {
    fc.assert(
      fc.property(cases, ({ caveat, context, missing }) => {
        let before = outcomeOf(caveat, context)
        let given = context
        for (const name of missing) {
          given = { ...given, [name]: parameters[name]!.values[0]! }
          const after = outcomeOf(caveat, given)
          if (!before.startsWith('missing')) expect(after).toBe(before)
          before = after
        }
      }),
      { numRuns: 2000, seed },
    )
  })
})

describe('against the evaluator of the CEL library', () => {
  // Only what both mean the same: no dyn, no addresses, no doubles, bytes and times.
  const shared = booleans.filter(
    (expression) =>
      !/\d\.\d|\b[xntwiyd]\b|\b[xn]\.|dyn|optional|\.\?|\[\?|timestamp|duration|string\(|double|isSubtreeOf|cidr|matches|b"|bytes|int\(|bool\(/.test(
        expression,
      ) && parametersIn(expression).length > 0,
  )
  const celType = {
    p: 'bool',
    q: 'bool',
    a: 'int',
    b: 'int',
    u: 'int',
    e: 'int',
    s: 'string',
    l: 'list<int>',
    m: 'map<string, int>',
  }

  it('full answers agree', () => {
    const seen = new Set<string>()
    let compared = 0
    fc.assert(
      fc.property(shared, fc.nat(), (expression, choice) => {
        const names = parametersIn(expression)
        const environment = new Environment({ homogeneousAggregateLiterals: false })
        for (const name of names) environment.registerVariable(name, celType[name as keyof typeof celType])
        const parsed = environment.parse(expression)
        if (!parsed.check().valid) return
        const values = names.map(
          (name) => parameters[name]!.values[choice % parameters[name]!.values.length]!,
        )
        const context = Object.fromEntries(names.map((name, at) => [name, values[at]!]))
        const library = libraryOutcome(() =>
          parsed(Object.fromEntries(names.map((name, at) => [name, celValue(name, values[at]!)]))),
        )
        compared++
        seen.add(library)
        expect(outcomeOf(compileCaveat(caveatOf(declared(names), expression)), context)).toBe(library)
      }),
      { numRuns: 4000, seed },
    )
    expect(compared).toBeGreaterThan(1000)
    expect([...seen].sort()).toEqual(['CAVEAT_EVALUATION_ERROR', 'false', 'true'])
  })

  function libraryOutcome(run: () => unknown): string {
    try {
      return String(run())
    } catch {
      return 'CAVEAT_EVALUATION_ERROR'
    }
  }

  function celValue(name: string, value: JsonValue): unknown {
    if (['a', 'b', 'e', 'u'].includes(name)) return BigInt(value as number)
    if (name === 'l') return (value as number[]).map(BigInt)
    if (name === 'm')
      return Object.fromEntries(Object.entries(value as object).map(([key, at]) => [key, BigInt(at)]))
    return value
  }
})
