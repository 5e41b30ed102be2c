// Problems of a policy: where, what, and the cure; all of them in one go.

import type { LineCounter, Node, ParsedNode } from 'yaml'
import { type Document, isMap, isNode, isPair, isScalar, isSeq } from 'yaml'

export type PolicyPath = readonly (string | number)[]

export interface PolicyProblem {
  /** Such as `tools.read_document.arguments[0].at`. */
  readonly path: string
  /** 1-based; undefined for a policy that was given as an object. */
  readonly line?: number
  readonly column?: number
  /** What is wrong and the cure, a full sentence. */
  readonly problem: string
}

/** Takes one problem. With `atKey`, the place is the key itself and not its value. */
export type Report = (path: PolicyPath, problem: string, atKey?: boolean) => void

/** Finds where a path stands in the text. */
export type Positions = (path: PolicyPath, atKey: boolean) => { line: number; column: number } | undefined

/** `tools.search.result[0].items`; names that are no plain words are quoted. */
export function formatPath(path: PolicyPath): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[A-Za-z_][A-Za-z0-9_/-]*$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(step)}]`
  }
  return text
}

/** One line: `policy.yaml:12:7 tools.x.result: ...`. */
export function formatProblem(problem: PolicyProblem, file = 'policy'): string {
  const place = problem.line === undefined ? file : `${file}:${problem.line}:${problem.column}`
  return `${place} ${problem.path}: ${problem.problem}`
}

/** Collects problems in reading order, with their positions. */
export function createReport(positions: Positions): {
  readonly report: Report
  readonly problems: PolicyProblem[]
} {
  const problems: PolicyProblem[] = []
  const report: Report = (path, problem, atKey = false) => {
    const sentence = /[.!?]$/.test(problem) ? problem : `${problem}.`
    problems.push({ path: formatPath(path), ...positions(path, atKey), problem: sentence })
  }
  return { report, problems }
}

/** Positions in a YAML (or JSON) text: of the value at the path, or of the closest thing around it. */
export function yamlPositions(document: Document.Parsed, lines: LineCounter): Positions {
  return (path, atKey) => {
    let node: Node | null = document.contents as ParsedNode | null
    let place: Node | null = node
    path.forEach((step, index) => {
      const pair = isMap(node)
        ? node.items.find(
            (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
          )
        : undefined
      const value: unknown = isSeq(node) ? node.items[Number(step)] : pair?.value
      const key = pair?.key
      node = isNode(value) ? value : null
      const last = index === path.length - 1
      const found = last && atKey && isNode(key) ? key : (node ?? (isNode(key) ? key : null))
      if (found) place = found
    })
    const start = place?.range?.[0]
    if (start === undefined) return undefined
    const { line, col } = lines.linePos(start)
    return { line, column: col }
  }
}
