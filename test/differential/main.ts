// `npm run differential -- --seed N --cases N`: random cases, asked of SpiceDB and of Cardea, judged by the reference.

import { parseArgs } from 'node:util'
import { authorizerSystem } from '../property/cardea-systems.ts'
import type { AnyQuestion } from '../reference/questions.ts'
import { Run } from './run.ts'
import { startSpiceDB } from './spicedb.ts'
import { staleDifferences } from './stale-differences.ts'

const usage = `Usage: npm run differential -- [--seed N] [--cases N] [--first N] [--kinds LIST] [--stop N]
  --seed   which random cases; random and printed when not given
  --cases  how many (default 200)
  --first  index of the first one (default 0), to repeat a single case
  --kinds  only these kinds of questions: check, lookup-resources, lookup-subjects, expand (with commas; default all)
  --stop   unexplained differences after which to end (default 3)`

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  console.error(`--${name} takes a whole number, not ${JSON.stringify(text)}.\n${usage}`)
  return process.exit(2)
}

const allKinds: readonly AnyQuestion['kind'][] = ['check', 'lookup-resources', 'lookup-subjects', 'expand']

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    cases: { type: 'string', default: '200' },
    first: { type: 'string', default: '0' },
    kinds: { type: 'string', default: allKinds.join(',') },
    stop: { type: 'string', default: '3' },
  },
})
const seed = wholeNumber('seed', values.seed)
const cases = wholeNumber('cases', values.cases)
const first = wholeNumber('first', values.first)
const maxDifferences = wholeNumber('stop', values.stop)

const kinds = values.kinds.split(',').map((text) => {
  const kind = allKinds.find((known) => known === text)
  if (kind !== undefined) return kind
  console.error(`--kinds does not know ${JSON.stringify(text)}.\n${usage}`)
  return process.exit(2)
})

/** Fewer cases than this say nothing about coverage. */
const leastCasesForCoverage = 200

/** The same run again. */
const command = [
  `npm run differential -- --seed ${seed} --cases ${cases}`,
  ...(first === 0 ? [] : [`--first ${first}`]),
  ...(kinds.length === allKinds.length ? [] : [`--kinds ${kinds.join(',')}`]),
].join(' ')

console.log(`differential: seed ${seed}, ${cases} cases`)
console.log(`to repeat: ${command}`)
const started = Date.now()
const spicedb = await startSpiceDB()
const stale = await staleDifferences(spicedb)
for (const complaint of stale) console.log(`NO LONGER A DIFFERENCE: ${complaint}`)
const run = new Run(seed, kinds, spicedb, authorizerSystem({ pageSize: 0 }))
for (let index = first; index < first + cases && run.found < maxDifferences; index++) {
  await run.case(index)
  const done = index + 1 - first
  if (done % 100 === 0) console.log(`${done} cases, ${((Date.now() - started) / 1000).toFixed(0)} s`)
}
await run.close()
console.log(`\n${run.coverage.report()}`)
// A run that is short, ended early or asks some kinds only is not meant to cover everything.
const judged =
  cases >= leastCasesForCoverage && run.found < maxDifferences && kinds.length === allKinds.length
const gaps = judged ? run.coverage.gaps() : []
for (const gap of gaps) console.log(`NOT COVERED ENOUGH: ${gap}`)
if (!judged) console.log('coverage: not judged')
console.log(`unexplained differences: ${run.found}`)
if (run.found > 0 || gaps.length > 0 || stale.length > 0) console.log(`to repeat: ${command}`)
process.exit(run.found > 0 || gaps.length > 0 || stale.length > 0 ? 1 : 0)
