// Staleness under clocks that jump and stand still.

import { describe, expect, test } from 'vitest'
import { KnownNonces } from '../../src/authorizer/known-nonces.ts'
import { Staleness } from '../../src/authorizer/staleness.ts'

describe('staleness', () => {
  const clocks = { wall: 1_000_000, steady: 500 }
  const made = () =>
    new Staleness(
      () => clocks.wall,
      () => clocks.steady,
    )
  const pass = (wallMs: number, steadyMs: number) => {
    clocks.wall += wallMs
    clocks.steady += steadyMs
  }

  test('nothing was confirmed yet', () => {
    expect(made().ms).toBe(Number.POSITIVE_INFINITY)
  })

  test('counts from when the datastore was read, not from when that was told', () => {
    const staleness = made()
    pass(300, 300)
    staleness.confirm(clocks.wall - 200)
    expect(staleness.ms).toBe(200)
    pass(50, 50)
    expect(staleness.ms).toBe(250)
  })

  test('a clock that is set back does not make anything younger', () => {
    const staleness = made()
    staleness.confirm(clocks.wall)
    pass(-3_600_000 + 4_000, 4_000)
    expect(staleness.ms).toBe(4_000)
    staleness.confirm(clocks.wall)
    expect(staleness.ms).toBe(0)
  })

  test('a machine that slept, or a clock set forward, is older until the next confirmation', () => {
    const staleness = made()
    staleness.confirm(clocks.wall)
    pass(3_600_000, 10)
    expect(staleness.ms).toBe(3_600_000)
    staleness.confirm(clocks.wall - 5)
    expect(staleness.ms).toBe(5)
  })

  test('a confirmation from before the clock was set back counts as now, never as later', () => {
    const staleness = made()
    const readAtMs = clocks.wall
    pass(-60_000, 20)
    staleness.confirm(readAtMs)
    expect(staleness.ms).toBe(0)
    pass(0, 70)
    expect(staleness.ms).toBe(70)
  })
})

test('known nonces are bounded; the newest are kept', () => {
  const known = new KnownNonces()
  for (let revision = 1; revision <= 70_000; revision++) known.set(revision, `n${revision}`)
  expect([known.get(1), known.get(4_464), known.get(4_465), known.get(70_000)]).toEqual([
    undefined,
    undefined,
    'n4465',
    'n70000',
  ])
})
