// All benches as one run, one after the other, each in a process of its own; then one line for each goal.
// Run: npm run bench [-- --quick] [-- --write] [-- NAME... [NUMBER...]]. Numbers are sizes, passed on to the benches named.
// --write renews bench/results.md and docs/performance.svg.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Figure, figureOf, verdicts } from './goal-lines.ts'
import { quick } from './measure.ts'
import { writePicture } from './picture.ts'
import { type Ran, writeResults } from './results.ts'

const goals = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9']

interface Bench {
  readonly name: string
  readonly goals: readonly string[]
  readonly words?: readonly string[]
  readonly nodeOptions?: readonly string[]
  /** Only in the whole run, or by name. */
  readonly wholeRunOnly?: true
}

const write = process.argv.includes('--write')
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const numbers = words.filter((word) => /^[\d_]+$/.test(word))
const chosen = new Set(words.filter((word) => !numbers.includes(word)))
if (numbers.length > 0 && chosen.size === 0)
  throw new Error(`What are ${numbers.join(', ')} for? Name a bench before them, such as growth.`)
if (write && chosen.size > 0)
  throw new Error('--write keeps the results of a whole run: name no bench with it.')
const scratch = mkdtempSync(join(tmpdir(), 'cardea-bench-run-'))
const points = join(scratch, 'points.json')
const short = quick ? ['--quick'] : []
const benches: readonly Bench[] = [
  { name: 'check', goals: ['P1'], words: short },
  { name: 'grpc', goals: ['P2', 'P3'], words: short },
  { name: 'lookup', goals: ['P4'], words: short },
  { name: 'event-loop', goals: ['P4'], words: short },
  { name: 'load', goals: ['P5'], words: short },
  { name: 'sqlite-writes', goals: ['P6'], words: short },
  { name: 'guard', goals: ['P7'] },
  { name: 'growth', goals: ['P8'], words: ['--json', points, ...short] },
  { name: 'agents', goals: ['P9'], words: short },
  { name: 'workers', goals: [], words: short, wholeRunOnly: true },
  { name: 'workloads', goals: [], words: short },
  { name: 'memory', goals: [], words: short, nodeOptions: ['--expose-gc'] },
  { name: 'spicedb', goals: [], words: short, wholeRunOnly: true },
  { name: 'schema', goals: [], wholeRunOnly: true },
  { name: 'watch-streams', goals: [], words: short, wholeRunOnly: true },
]
for (const name of chosen)
  if (!benches.some((bench) => bench.name === name))
    throw new Error(`There is no bench ${name}; there are ${benches.map((bench) => bench.name).join(', ')}.`)

/** Runs one bench, showing what it prints as it comes. */
async function run({ name, words = [], nodeOptions = [] }: Bench): Promise<Ran> {
  const path = fileURLToPath(new URL(`${name}.js`, import.meta.url))
  if (!existsSync(path)) return { name, outcome: 'missing', lines: [], seconds: 0 }
  const startMs = performance.now()
  const child = spawn(process.execPath, [...nodeOptions, path, ...numbers, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    console.log(`  ${line}`)
  }
  const code = await exited
  const seconds = (performance.now() - startMs) / 1000
  return { name, outcome: code === 0 ? 'done' : `failed (exit code ${code})`, lines, seconds }
}

const leftOut = quick && chosen.size === 0 ? benches.filter(({ wholeRunOnly }) => wholeRunOnly) : []
const all = benches.filter((bench) => (chosen.size === 0 ? !leftOut.includes(bench) : chosen.has(bench.name)))
const ran: Ran[] = []
const startMs = performance.now()
for (const [at, bench] of all.entries()) {
  console.log(`[${at + 1}/${all.length}] ${bench.name}${bench.goals.map((goal) => ` ${goal}`).join('')}`)
  const one = await run(bench)
  if (one.outcome !== 'done')
    console.log(`  ${one.outcome === 'missing' ? 'not run: there is no such bench' : one.outcome}`)
  else console.log(`  (${one.seconds.toFixed(0)} s)`)
  ran.push(one)
}

const figures: Figure[] = ran.flatMap(({ lines }) =>
  lines.map(figureOf).filter((figure) => figure !== undefined),
)
const unmeasured = new Set(
  benches.flatMap(({ name, goals: own }) =>
    ran.some((one) => one.name === name && one.outcome === 'done') ? [] : own,
  ),
)
const told = verdicts(figures, goals, unmeasured)
const minutes = (performance.now() - startMs) / 60_000
const how = `${quick ? 'quick: smaller data, fewer rounds; ' : ''}${minutes.toFixed(1)} minutes`
if (write) {
  const growth = existsSync(points) ? JSON.parse(readFileSync(points, 'utf8')) : undefined
  const root = new URL('../../', import.meta.url)
  writeResults(fileURLToPath(new URL('bench/results.md', root)), ran, told, how)
  console.log('Renewed bench/results.md.')
  if (growth !== undefined) {
    await writePicture(fileURLToPath(new URL('docs/performance.svg', root)), growth)
    console.log('Renewed docs/performance.svg.')
  }
}
rmSync(scratch, { recursive: true })

console.log(`\n${how}`)
for (const { goal, verdict, figures: own } of told) {
  const said = own.map(({ what, said }) => (what === goal ? said : `${what.slice(3).trim()}: ${said}`))
  console.log(`${goal}  ${verdict.padEnd(7)}  ${said.join('; ')}`.trimEnd())
}
for (const { name, outcome } of ran)
  if (outcome !== 'done')
    console.log(`${name}: ${outcome === 'missing' ? 'not run, there is no such bench' : outcome}`)
for (const { name } of leftOut) console.log(`${name}: not in the quick run`)
console.log(`goals: ${told.filter(({ verdict }) => verdict === 'met').length}/${goals.length} met`)
// Goals that are not met are figures; a bench that could not run, or memory that is not returned, is a failure.
if (ran.some(({ outcome }) => outcome !== 'done')) process.exitCode = 1
