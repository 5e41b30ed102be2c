// The bar that a differential run must clear: what is covered too little is named, one gap at a time.

import { describe, expect, test } from 'vitest'
import { Coverage, caveatTypes, features } from '../differential/coverage.ts'

/** Counts of a run that covers everything just enough, with some of them changed. */
function covered(cases: number, changed: { readonly [name: string]: number } = {}): Coverage {
  const least = Math.ceil((100 * cases) / 2000)
  const counts: { [name: string]: number } = { yes: 20, 'no by operator': 20, 'no path': 50, conditional: 10 }
  for (const name of features) counts[`feature ${name}`] = least
  for (const name of caveatTypes) counts[`type ${name}`] = least
  Object.assign(counts, changed)
  const coverage = new Coverage()
  for (let at = 0; at < cases; at += 1) coverage.countCase()
  for (const [name, count] of Object.entries(counts)) {
    if (/^(feature|type) /.test(name)) coverage.count(name, count)
    else for (let at = 0; at < count; at += 1) coverage.countCheck(name as 'yes')
  }
  return coverage
}

describe.each([2000, 200])('%i cases', (cases) => {
  test('just enough of everything has no gap', () => {
    expect(covered(cases).gaps()).toEqual([])
  })

  test.each(['yes', 'no by operator', 'conditional'])('too few checks answered %s', (name) => {
    const counts = { yes: 20, 'no by operator': 20, conditional: 10 } as const
    const fewer = { [name]: counts[name as 'yes'] - 1, 'no path': 51 }
    expect(covered(cases, fewer).gaps()).toEqual([expect.stringContaining(`checks answered ${name}`)])
  })

  test.each(features)('too few questions reach %s', (name) => {
    const gaps = covered(cases, { [`feature ${name}`]: (100 * cases) / 2000 - 1 }).gaps()
    expect(gaps).toEqual([`${name}: fewer than ${(100 * cases) / 2000} questions`])
  })

  test.each(caveatTypes)('too few questions reach caveats with %s', (name) => {
    const gaps = covered(cases, { [`type ${name}`]: (100 * cases) / 2000 - 1 }).gaps()
    expect(gaps).toEqual([`caveat type ${name}: fewer than ${(100 * cases) / 2000} questions`])
  })
})
