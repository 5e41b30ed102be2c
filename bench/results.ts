// bench/results.md: machine, date, goals, what every bench printed; and a part written by hand, which is kept.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem, type } from 'node:os'
import type { Verdict } from './goal-lines.ts'

/** One bench that was run. `outcome`: done, missing, or how it failed. */
export interface Ran {
  readonly name: string
  readonly outcome: string
  readonly lines: readonly string[]
  readonly seconds: number
}

const begin = '<!-- by hand: begin -->'
const end = '<!-- by hand: end -->'
const emptyPart = `${begin}\n\n## Goals that are not met\n\nNothing is written yet.\n\n${end}`

/** What stands between the markers of the file, markers included. */
function byHand(path: string): string {
  if (!existsSync(path)) return emptyPart
  const text = readFileSync(path, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from)
    throw new Error(`${path} has lost the markers ${begin} and ${end}; put them back.`)
  return text.slice(from, to + end.length)
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

/** Renews the file. `how`: which run it was, and how long. */
export function writeResults(
  path: string,
  ran: readonly Ran[],
  goals: readonly Verdict[],
  how: string,
): void {
  const met = goals.filter(({ verdict }) => verdict === 'met').length
  const parts = [
    '# Results of the benches',
    'Written by `npm run bench -- --write`, but for the part between the markers.',
    [
      '| | |',
      '|---|---|',
      `| machine | ${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()} |`,
      `| Node | ${process.version} |`,
      `| date | ${new Date().toISOString().slice(0, 10)} |`,
      `| commit | ${commit()} |`,
      `| run | ${how} |`,
      `| load average | ${loadavg()[0]!.toFixed(1)} over the last minute; the benches alone make about 2 |`,
    ].join('\n'),
    `## Goals: ${met}/${goals.length} met`,
    [
      '| goal | | figures |',
      '|---|---|---|',
      ...goals.map(({ goal, verdict, figures }) => {
        const said = figures.map((figure) => `${figure.what}: ${figure.said}`).join('<br>')
        return `| ${goal} | ${verdict} | ${said} |`
      }),
    ].join('\n'),
    byHand(path),
    '## What each bench printed',
    ...ran.map(({ name, outcome, lines, seconds }) => {
      const heading = `### ${name}`
      if (outcome !== 'done' && lines.length === 0) return `${heading}\n\nNot run: ${outcome}.`
      const failure = outcome === 'done' ? '' : `\n\n${outcome}`
      return `${heading} (${seconds.toFixed(0)} s)\n\n\`\`\`text\n${lines.join('\n')}\n\`\`\`${failure}`
    }),
  ]
  writeFileSync(path, `${parts.join('\n\n')}\n`)
}
