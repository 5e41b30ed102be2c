// Keys: which are found, which cannot be used.

import { describe, expect, test } from 'vitest'
import { maxKeyBytes, PresharedKeys } from '../../src/api/preshared-keys.ts'

const keys = new PresharedKeys([
  { key: 'first-key', role: 'read-write' },
  { key: 'second-key', role: 'read-only' },
  { key: 'k'.repeat(maxKeyBytes), role: 'read-only' },
  { key: 'schlüssel', role: 'read-write' },
])

describe('a bearer', () => {
  test.each([
    ['Bearer first-key', 'key-1', 'read-write'],
    ['bearer second-key', 'key-2', 'read-only'],
    ['BEARER   second-key  ', 'key-2', 'read-only'],
    [`Bearer ${'k'.repeat(maxKeyBytes)}`, 'key-3', 'read-only'],
    ['Bearer schlüssel', 'key-4', 'read-write'],
  ])('%s', (header, name, role) => {
    expect(keys.authenticate(header)).toEqual({ name, role })
  })

  test.each([
    undefined,
    '',
    'first-key',
    'Bearer',
    'Bearer ',
    'Basic first-key',
    'Bearer first-key second-key',
  ])('none in %j', (header) => {
    expect(() => keys.authenticate(header)).toThrow(expect.objectContaining({ code: 'UNAUTHENTICATED' }))
  })

  test.each([
    'first-ke',
    'first-keyy',
    'first-key\0',
    'FIRST-KEY',
    'k'.repeat(maxKeyBytes - 1),
    'k'.repeat(maxKeyBytes + 1),
    'k'.repeat(1_000_000),
    'schlussel',
  ])('unknown: %.20s', (token) => {
    expect(() => keys.authenticate(`Bearer ${token}`)).toThrow(
      expect.objectContaining({ code: 'PERMISSION_DENIED' }),
    )
    // What was compared last leaves no trace.
    expect(keys.authenticate('Bearer first-key').name).toBe('key-1')
  })
})

test.each([
  [[]],
  [['']],
  [['good-key', '']],
  [['with space']],
  [['with\nline']],
  [['k'.repeat(maxKeyBytes + 1)]],
])('keys that cannot be used are refused at the start: %.40j', (list) => {
  expect(() => new PresharedKeys(list.map((key) => ({ key, role: 'read-write' as const })))).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  )
})
