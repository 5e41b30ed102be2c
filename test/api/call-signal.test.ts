// The signal of a call behaves as an AbortSignal does, in everything that is used of one.

import { describe, expect, test } from 'vitest'
import { CallSignal } from '../../src/api/call-signal.ts'

const kinds = {
  CallSignal: () => {
    const source = new CallSignal()
    return { signal: source.signal, abort: (reason?: unknown) => source.abort(reason) }
  },
  AbortController: () => {
    const controller = new AbortController()
    return { signal: controller.signal, abort: (reason?: unknown) => controller.abort(reason) }
  },
}

describe.each(Object.entries(kinds))('%s', (_name, make) => {
  test('tells of the abort, once, with its reason', () => {
    const { signal, abort } = make()
    let told = 0
    const listener = () => {
      told += 1
    }
    signal.addEventListener('abort', listener, { once: true })
    signal.addEventListener('abort', listener)
    const object = { handleEvent: listener }
    signal.addEventListener('abort', object)
    expect(signal.aborted).toBe(false)
    expect(() => signal.throwIfAborted()).not.toThrow()
    abort('why')
    abort('again')
    expect(told).toBe(2)
    expect(signal).toMatchObject({ aborted: true, reason: 'why' })
    expect(() => signal.throwIfAborted()).toThrow('why')
  })

  test('without a reason it is an AbortError', () => {
    const { signal, abort } = make()
    abort()
    expect(signal.reason).toMatchObject({ name: 'AbortError' })
  })

  test('who was removed, or came too late, is not told', () => {
    const { signal, abort } = make()
    let told = 0
    const listener = () => {
      told += 1
    }
    signal.addEventListener('abort', listener)
    signal.removeEventListener('abort', listener)
    abort()
    signal.addEventListener('abort', listener)
    expect(told).toBe(0)
  })
})
