// How long a 10,000-line schema takes to compile, and a hostile one to be refused. Run: npm run bench:schema

import { compileSchema } from '../src/schema/compile-schema.ts'

/** Definitions of ten lines each, every one referring to the one before. */
function longSchema(lines: number): string {
  const definitions = ['definition user {}\n']
  for (let at = 0; at < lines / 10; at += 1) {
    const before = at === 0 ? 'user' : `kind${at - 1}`
    definitions.push(`/** Number ${at}. */
definition kind${at} {
	relation parent: ${before}
	relation owner: user | user:*
	relation editor: user
	relation viewer: user
	permission edit = editor + owner
	permission view = (viewer + edit) - owner
	permission share = edit & view
}
`)
  }
  return definitions.join('\n')
}

function best(rounds: number, work: () => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round += 1) {
    const before = performance.now()
    work()
    least = Math.min(least, performance.now() - before)
  }
  return least
}

const long = longSchema(10_000)
const lines = long.split('\n').length
const first = best(1, () => {
  if (compileSchema(long).schema === undefined) throw new Error('the schema does not compile')
})
const warm = best(5, () => compileSchema(long))
console.log(`${lines} lines: ${first.toFixed(0)} ms cold, ${warm.toFixed(0)} ms warm`)

const hostile: Record<string, string> = {
  'a million parentheses': `definition a {\n permission p = ${'('.repeat(1_000_000)}`,
  'a name of a megabyte': `definition ${'a'.repeat(1_000_000)} {}`,
  'an unterminated comment of 4 MB': `/* ${'x'.repeat(4_000_000)}`,
  'a million empty lines and braces': '{\n'.repeat(500_000),
}
for (const [name, text] of Object.entries(hostile)) {
  const ms = best(1, () => {
    if (compileSchema(text).schema !== undefined) throw new Error(`${name} was accepted`)
  })
  console.log(`${name}: refused after ${ms.toFixed(0)} ms`)
}
