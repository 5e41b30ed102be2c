// Results: read one by one, by callers that wait and callers that don't.

import { describe, expect, test } from 'vitest'
import { Results } from '../../src/authorizer/results.ts'

/** Batches of numbers, and what became of the work behind them. */
function numbers(...batches: readonly (readonly number[])[]) {
  const work = { begun: 0, ended: false }
  async function* make(): AsyncGenerator<readonly number[], void, void> {
    try {
      for (const batch of batches) {
        work.begun += 1
        await new Promise((resolve) => setImmediate(resolve))
        if (batch.includes(-1)) throw new Error('no more')
        yield batch
      }
    } finally {
      work.ended = true
    }
  }
  return { work, results: new Results(make()) }
}

describe('results', () => {
  test('come one by one, in order, batch after batch', async () => {
    const { results, work } = numbers([1, 2, 3], [], [4], [5, 6])
    const seen: number[] = []
    for await (const number of results) seen.push(number)
    expect(seen).toEqual([1, 2, 3, 4, 5, 6])
    expect(work.ended).toBe(true)
    expect(await results.next()).toEqual({ done: true, value: undefined })
  })

  test('nothing is done before the first is asked for, nor ahead of the batch', async () => {
    const { results, work } = numbers([1, 2], [3])
    expect(work.begun).toBe(0)
    await results.next()
    await results.next()
    expect(work.begun).toBe(1)
    await results.next()
    expect(work.begun).toBe(2)
  })

  test('who asks without waiting gets answers in the order of asking', async () => {
    const { results } = numbers([1, 2, 3], [4], [5, 6])
    const order: number[] = []
    const first = Array.from({ length: 5 }, (_, at) => results.next().finally(() => order.push(at)))
    const answers = await Promise.all(first)
    expect(answers.map(({ value }) => value)).toEqual([1, 2, 3, 4, 5])
    expect(order).toEqual([0, 1, 2, 3, 4])
    const rest = await Promise.all([results.next(), results.next(), results.next()])
    expect(rest).toEqual([
      { done: false, value: 6 },
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
  })

  test('asked for while others wait, an item does not overtake them', async () => {
    const { results } = numbers([1, 2], [3, 4])
    const first = results.next()
    await new Promise((resolve) => setImmediate(resolve))
    const values = await Promise.all([first, results.next(), results.next(), results.next()])
    expect(values.map(({ value }) => value)).toEqual([1, 2, 3, 4])
  })

  test('an error comes to who asked, then there is nothing more', async () => {
    const { results, work } = numbers([1], [-1], [2])
    const [first, second, third] = await Promise.allSettled([results.next(), results.next(), results.next()])
    expect(first).toMatchObject({ value: { value: 1 } })
    expect(second).toMatchObject({ status: 'rejected', reason: { message: 'no more' } })
    expect(third).toMatchObject({ value: { done: true } })
    expect(work.ended).toBe(true)
  })

  test('who leaves ends the work, and what lay ready is gone', async () => {
    const { results, work } = numbers([1, 2, 3], [4])
    for await (const number of results) if (number === 2) break
    expect(work).toEqual({ begun: 1, ended: true })
    expect(await results.next()).toEqual({ done: true, value: undefined })
  })

  test('who leaves before the first leaves nothing behind', async () => {
    const { results, work } = numbers([1])
    expect(await results.return()).toEqual({ done: true, value: undefined })
    expect(await results.next()).toEqual({ done: true, value: undefined })
    expect(work.begun).toBe(0)
  })
})
