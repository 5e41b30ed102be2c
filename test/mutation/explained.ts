// Faults that may survive, each with its reason, and the page that lists them.

import { readFileSync } from 'node:fs'
import { type FaultKey, keyText } from './faults.ts'

/**
 * Why it is no loss that nothing notices a fault. `equivalent`: nothing can tell the changed program from the original.
 * `speed`: the same answers with more or less work or memory. `message`: only words or facts of an error, or the place
 * it names, differ. `guard`: it guards against what cannot happen while the rest holds, or bounds an effort one step
 * sooner or later.
 */
export type Kind = 'equivalent' | 'speed' | 'message' | 'guard'

export interface Explained {
  readonly file: string
  readonly kind: Kind
  readonly reason: string
  readonly faults: readonly Omit<FaultKey, 'file'>[]
}

export function readExplained(path: string): Explained[] {
  return JSON.parse(readFileSync(path, 'utf8')) as Explained[]
}

/** The key of every explained fault. */
export function explainedKeys(explained: readonly Explained[]): Set<string> {
  return new Set(explained.flatMap(({ file, faults }) => faults.map((fault) => keyText({ file, ...fault }))))
}

const from = '<!-- survivors: written by `npm run mutation` -->'
const until = '<!-- end of survivors -->'

/** The page with the list between its two marks replaced. */
export function withSurvivors(
  page: string,
  figures: readonly string[],
  explained: readonly Explained[],
): string {
  const start = page.indexOf(from)
  const end = page.indexOf(until)
  if (start < 0 || end < start) throw new Error(`The page needs the lines ${from} and ${until}.`)
  const files = [...new Set(explained.map(({ file }) => file))].sort()
  const sections = files.flatMap((file) => [
    `### src/${file}`,
    '',
    ...explained.filter((each) => each.file === file).flatMap(groupLines),
  ])
  const body = [from, '', ...figures, '', ...sections, until].join('\n')
  return `${page.slice(0, start)}${body}${page.slice(end + until.length)}`
}

function groupLines({ kind, reason, faults }: Explained): string[] {
  const lines = faults.map(({ line, text, replacement, occurrence }) => {
    const again = occurrence === 0 ? '' : ` (place ${occurrence + 1})`
    const where = line === text || text.startsWith(line) ? '' : ` in ${code(line)}`
    return `- ${code(text)} → ${code(replacement === '' ? ' ' : replacement)}${where}${again}`
  })
  return [`**${kind}**: ${reason}`, '', ...lines, '']
}

/** Text as inline code, whatever backticks it holds. */
function code(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return longest === 0 ? `\`${text}\`` : `${fence} ${text} ${fence}`
}
