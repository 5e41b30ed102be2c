// Request ids: the caller's own, or one that nobody else has.

import { expect, test } from 'vitest'
import { requestIdOf } from '../../src/api/request-id.ts'

test('a new one has the form of a UUID and is no other', () => {
  const ids = Array.from({ length: 1000 }, () => requestIdOf(undefined))
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(ids).size).toBe(1000)
})

test.each([
  ['mine', 'mine'],
  ['x'.repeat(1024), 'x'.repeat(1024)],
  ['x'.repeat(1025), undefined],
  ['', undefined],
])('what the caller sent: %.10s', (sent, taken) => {
  if (taken === undefined) expect(requestIdOf(sent)).toMatch(/^[0-9a-f-]{36}$/)
  else expect(requestIdOf(sent)).toBe(taken)
})
