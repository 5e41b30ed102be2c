// `npm run mutation`: plants small faults one at a time in engine, caveats and checker, and asks whether a test notices.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Fault, keyText } from './faults.ts'
import { instrument } from './instrument.ts'
import { type Judged, judgeFaults } from './judge-faults.ts'
import { WorkerProcess } from './worker-process.ts'

const usage = `Usage: npm run mutation -- [--files LIST] [--workers N] [--patience SECONDS] [--again]
  --files     only faults in files whose path below src/ begins with one of these (with commas)
  --workers   processes at once (default 1)
  --patience  seconds of tests, by their time without a fault, that a fault must survive (default 10)
  --again     only faults that survived the last run, and those it did not know`

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '' },
    workers: { type: 'string', default: '1' },
    patience: { type: 'string', default: '10' },
    again: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}

/** The repository, seen from where this file is compiled to. */
const root = resolve(import.meta.dirname, '../../../../..')
const reports = join(root, 'reports/mutation')
const resultsFile = join(reports, 'results.json')
mkdirSync(reports, { recursive: true })

const target = mkdtempSync(join(tmpdir(), 'cardea-mutation-'))
process.on('exit', () => rmSync(target, { recursive: true, force: true }))
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))
const answersFolder = join(target, 'answers')
mkdirSync(answersFolder)

const all = await instrument(root, target)
console.log(`${all.length} faults (${tally(all.map(({ mutator }) => mutator))})`)
const script = join(target, 'test/mutation/worker.js')
const worker = (planted?: string) => new WorkerProcess(script, answersFolder, planted)

const first = worker()
const coverage = await first.cover()
first.end()
const broken = coverage.units.filter(({ complaint }) => complaint !== undefined)
for (const { name, complaint } of broken) console.log(`FAILS WITHOUT A FAULT: ${name}: ${complaint}`)
const totalMs = coverage.units.reduce((sum, { ms }) => sum + ms, 0)
console.log(`${coverage.units.length} units, ${(totalMs / 1000).toFixed(1)} s`)

const last = new Map<string, Judged>()
if (values.again) {
  for (const each of JSON.parse(readFileSync(resultsFile, 'utf8')) as Judged[]) last.set(keyText(each), each)
}
const prefixes = values.files.split(',')
const chosen = all.filter((fault) => prefixes.some((prefix) => fault.file.startsWith(prefix)))
const settled = (fault: Fault) => ['noticed', 'endless'].includes(last.get(keyText(fault))?.outcome ?? '')
const results: Judged[] = chosen.filter(settled).map((fault) => ({ ...last.get(keyText(fault))!, ...fault }))
const left = chosen.filter((fault) => !settled(fault))
console.log(`${left.length} to judge`)

const begun = Date.now()
let judgedCount = 0
const tell = (judged: Judged) => {
  results.push(judged)
  judgedCount += 1
  if (judgedCount % 200 === 0) {
    const seconds = ((Date.now() - begun) / 1000).toFixed(0)
    const alive = results.filter(
      ({ outcome }) => outcome === 'survived' || outcome === 'never reached',
    ).length
    console.log(`${judgedCount} of ${left.length}, ${alive} unnoticed, ${seconds} s`)
    keep()
  }
}
const queue = left.values()
const judging = { coverage, patienceMs: Number(values.patience) * 1000, worker }
await Promise.all(Array.from({ length: Number(values.workers) }, () => judgeFaults(queue, judging, tell)))

keep()
console.log(tally(results.map(({ outcome }) => outcome)))

function keep(): void {
  results.sort((one, other) => Number(one.id) - Number(other.id))
  writeFileSync(resultsFile, `${JSON.stringify(results, undefined, 1)}\n`)
}

function tally(words: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts].map(([word, count]) => `${word} ${count}`).join(', ')
}
