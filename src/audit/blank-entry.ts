// Blanking within one line: values and their salts go, and what they leave behind keeps the line's hash as it was.

import { canonicalJson } from './canonical-json.ts'
import {
  decisionsOf,
  freshSalts,
  type Leaf,
  type Line,
  leafHash,
  noSalt,
  readLeaves,
  saltAt,
} from './entry.ts'
import { isBlanked } from './recorded-decisions.ts'

/** What blanking made of a line. */
export interface BlankedLine {
  /** With its newline. */
  readonly text: string
  /** What was blanked: keys of the body, and `decisions/3`. */
  readonly fields: readonly string[]
  /** Hashes of the runs that lost decisions, as they are now. */
  readonly left: readonly string[]
}

/**
 * Blanks members of a line's body, and single decisions; `decisions` stands for all of them. The salt of what they were
 * hashed with goes, and the hash stays, so the chain still holds and no value can be guessed. For what is left of a run of
 * decisions it is no longer the line's hash that vouches but the record of the blanking, which must name the hashes in `left`. Undefined when a field is not there.
 */
export function blankLine(line: Line, fields: readonly string[]): BlankedLine | undefined {
  const chosen = chosenFields(line, fields)
  if (chosen === undefined) return undefined
  const body: { [key: string]: unknown } = { ...line.body }
  if (Array.isArray(body.decisions)) body.decisions = [...body.decisions]
  const leaves = readLeaves(line)
  const salts = leaves.map((leaf, index) => {
    const salt = saltAt(line.salts, index)
    const values = decisionsOf(line, leaf)
    if (values === undefined) {
      if (!chosen.has(leaf.key) || isBlanked(body[leaf.key])) return salt
      body[leaf.key] = { redacted: leafHash(leaf, salt) }
      return noSalt
    }
    const redacted = values.find(isBlanked)?.redacted ?? leafHash(leaf, salt)
    const first = firstOf(leaf)
    const list = body.decisions as unknown[]
    let isTouched = false
    values.forEach((value, offset) => {
      if (isBlanked(value) || !chosen.has(`decisions/${first + offset}`)) return
      list[first + offset] = { redacted }
      isTouched = true
    })
    return isTouched ? freshSalts(1) : salt
  })
  const blanked = { ...line, body, salts: salts.join('') }
  const before = new Set(runsLeft(line))
  const left = runsLeft(blanked).filter((hash) => !before.has(hash))
  return { text: `${canonicalJson(blanked)}\n`, fields: [...chosen], left }
}

function chosenFields({ body }: Line, fields: readonly string[]): Set<string> | undefined {
  const decisions = Array.isArray(body.decisions) ? body.decisions.map((_, at) => `decisions/${at}`) : []
  const known = new Set([...Object.keys(body), ...decisions])
  if (!fields.every((field) => known.has(field))) return undefined
  return new Set(fields.flatMap((field) => (field === 'decisions' ? decisions : [field])))
}

function firstOf({ key, name }: Leaf): number {
  return Number(name.slice(key.length + 1))
}

/** What is blanked of a line: keys of its body, and `decisions/3`. */
export function blankedFields({ body }: Line): readonly string[] {
  const fields: string[] = []
  for (const [key, value] of Object.entries(body)) {
    if (isBlanked(value)) fields.push(key)
    if (key !== 'decisions' || !Array.isArray(value)) continue
    for (const [at, decision] of value.entries()) if (isBlanked(decision)) fields.push(`decisions/${at}`)
  }
  return fields
}

/** Hashes of what is left of the runs that lost decisions: for these the record of the blanking vouches. */
export function runsLeft(line: Line): readonly string[] {
  const hashes: string[] = []
  for (const [index, leaf] of readLeaves(line).entries()) {
    const values = decisionsOf(line, leaf)
    if (values?.some(isBlanked)) hashes.push(leafHash(leaf, saltAt(line.salts, index)))
  }
  return hashes
}
