// A stand-in for vitest in the instrumented copy: it collects the tests of a file, to be run again and again.

import { format } from 'node:util'
import { GLOBAL_EXPECT, JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from '@vitest/expect'
import * as chai from 'chai'

chai.use(JestExtend)
chai.use(JestChaiExpect)
chai.use(JestAsymmetricMatchers)

type Body = (...values: never[]) => void | Promise<void>

export interface CollectedTest {
  readonly name: string
  run(): void | Promise<void>
}

const collected: CollectedTest[] = []
const path: string[] = []

/** The tests since the last call. */
export function takeCollected(): CollectedTest[] {
  return collected.splice(0)
}

export const { expect } = chai
Object.assign(globalThis, { [GLOBAL_EXPECT]: expect })
setState({ assertionCalls: 0, isExpectingAssertions: false, currentTestName: '' }, expect as never)

function add(name: string, run: () => void | Promise<void>): void {
  collected.push({ name: [...path, name].join(' › '), run })
}

function within(name: string, body: () => void): void {
  path.push(name)
  body()
  path.pop()
}

/** `%s` takes the values in order, `$name` a property of the first one. */
function title(text: string, values: readonly unknown[]): string {
  const [first] = values
  const named = text.replaceAll(/\$(\w+)/g, (_, key: string) =>
    String((first as Record<string, unknown>)?.[key]),
  )
  const count = named.match(/%[sdijo]/g)?.length ?? 0
  return format(named, ...values.slice(0, count))
}

function each<Run>(register: (name: string, run: () => Run) => void) {
  return (rows: readonly unknown[]) => (name: string, body: (...values: never[]) => Run) => {
    for (const row of rows) {
      const values = Array.isArray(row) ? row : [row]
      register(title(name, values), () => body(...(values as never[])))
    }
  }
}

export const test = Object.assign((name: string, body: Body) => add(name, body as () => void), {
  each: each(add),
})
export const it = test
export const describe = Object.assign(within, { each: each(within) })
export function afterAll(): void {}
export function beforeAll(): void {
  throw new Error('beforeAll is not known here.')
}
