// `npm run mutation`: plants small faults one at a time in engine, caveats and checker, and asks whether a test notices.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { explainedKeys, readExplained, withSurvivors } from './explained.ts'
import { type Fault, keyText } from './faults.ts'
import { faultyFiles, instrument } from './instrument.ts'
import { type Judged, judgeFaults } from './judge-faults.ts'
import { WorkerProcess } from './worker-process.ts'

const usage = `Usage: npm run mutation -- [--files LIST] [--workers N] [--patience SECONDS] [--again]
  --files     only faults in files whose path below src/ begins with one of these (with commas)
  --workers   processes at once (default 1)
  --patience  seconds of tests, by their time without a fault, that a fault must survive (default 10)
  --verify    first hold the answers to the random cases against the reference evaluator
  --write     write the list of survivors into docs/mutations.md
  --results   name of the file of outcomes below reports/mutation (default results.json)
  --verbose   a line for every fault
  --unexplained  with --again: leave out those that are explained, too
  --again     only faults that survived the last run, and those it did not know`

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '' },
    workers: { type: 'string', default: '1' },
    patience: { type: 'string', default: '10' },
    again: { type: 'boolean', default: false },
    verify: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    results: { type: 'string', default: 'results.json' },
    unexplained: { type: 'boolean', default: false },
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
const resultsFile = join(reports, values.results)
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
const worker = (planted = '') =>
  new WorkerProcess(script, { kind: 'start', answersFolder, faultyFiles: faultyFiles(root), planted })

const first = worker()
const coverage = await first.cover(values.verify)
first.end()
const broken = coverage.units.filter(({ complaint }) => complaint !== undefined)
for (const { name, complaint } of broken) console.log(`FAILS WITHOUT A FAULT: ${name}: ${complaint}`)
const totalMs = coverage.units.reduce((sum, { ms }) => sum + ms, 0)
console.log(`${coverage.units.length} units, ${(totalMs / 1000).toFixed(1)} s`)

const last = new Map<string, Judged>()
if (existsSync(resultsFile)) {
  for (const each of JSON.parse(readFileSync(resultsFile, 'utf8')) as Judged[]) last.set(keyText(each), each)
}
const prefixes = values.files.split(',')
const chosen = prefixes.flatMap((prefix) => all.filter((fault) => fault.file.startsWith(prefix)))
const explained = readExplained(join(root, 'test/mutation/survivors.json'))
const known = explainedKeys(explained)
const settled = (fault: Fault) => {
  const before = last.get(keyText(fault))?.outcome
  if (values.again && (before === 'noticed' || before === 'endless')) return true
  return values.unexplained && before !== undefined && known.has(keyText(fault))
}
const left = [...new Set(chosen)].filter((fault) => !settled(fault))
/** What earlier runs said of faults that this one leaves out. */
const results = all.flatMap((fault): Judged[] => {
  const before = last.get(keyText(fault))
  return before === undefined || left.includes(fault) ? [] : [{ ...before, ...fault }]
})
console.log(`${left.length} to judge`)

const begun = Date.now()
let judgedCount = 0
const tell = (judged: Judged) => {
  results.push(judged)
  judgedCount += 1
  if (values.verbose) {
    const { file, lineNumber, text, replacement, outcome, by } = judged
    const at = ((Date.now() - begun) / 1000).toFixed(1)
    console.log(
      `${at} ${file}:${lineNumber} ${text.slice(0, 40)} → ${replacement.slice(0, 40)}: ${outcome} ${by ?? ''}`,
    )
  }
  if (judgedCount % 25 === 0) {
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

const survivors = results.filter(({ outcome }) => outcome === 'survived' || outcome === 'never reached')
const unexplained = survivors.filter((fault) => !known.has(keyText(fault)))
for (const { file, lineNumber, text, replacement, outcome } of unexplained) {
  console.log(`UNEXPLAINED, ${outcome}: src/${file}:${lineNumber}: ${text} → ${replacement}`)
}
const alive = new Set(survivors.map(keyText))
for (const key of known) if (!alive.has(key)) console.log(`explained, but no survivor: ${key}`)
if (values.write) {
  const page = join(root, 'docs/mutations.md')
  writeFileSync(page, withSurvivors(readFileSync(page, 'utf8'), figures(), explained))
}
console.log(`unexplained survivors: ${unexplained.length}`)
process.exitCode = unexplained.length > 0 || broken.length > 0 ? 1 : 0

/** One row for each room. */
function figures(): string[] {
  const count = (room: string, ...outcomes: readonly string[]) =>
    results.filter(({ file, outcome }) => file.startsWith(room) && outcomes.includes(outcome)).length
  const row = (title: string, room: string) => {
    const [noticed, endless] = [count(room, 'noticed'), count(room, 'endless')]
    const [survived, never] = [count(room, 'survived'), count(room, 'never reached')]
    return `| ${title} | ${noticed + endless + survived + never} | ${noticed} | ${endless} | ${survived} | ${never} |`
  }
  return [
    `Run of ${new Date().toISOString().slice(0, 10)}:`,
    '',
    '| | faults | noticed | endless or too slow | survived | never reached |',
    '|---|---|---|---|---|---|',
    row('engine', 'engine/'),
    row('caveats', 'caveats/'),
    row('checker', 'schema/'),
    row('all', ''),
  ]
}

function keep(): void {
  results.sort((one, other) => Number(one.id) - Number(other.id))
  writeFileSync(resultsFile, `${JSON.stringify(results, undefined, 1)}\n`)
}

function tally(words: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts].map(([word, count]) => `${word} ${count}`).join(', ')
}
