// Entries: what one line of the log holds, how it is hashed into the chain, and how a part of it can be blanked later.

import { hash, randomBytes } from 'node:crypto'
import type { AuditEvent } from './audit.ts'
import { canonicalJson } from './canonical-json.ts'
import { isBlanked, readDecisions, recordDecisions, runLength } from './recorded-decisions.ts'

/** The blanking of fields of an earlier entry, as the log records it. */
export interface Redaction {
  readonly seq: number
  /** A key of the entry's body, or `decisions/3`. */
  readonly fields: readonly string[]
  /** Hashes of the runs of decisions that lost some or all of theirs, as they are since. */
  readonly left?: readonly string[]
  readonly reason: string
  /** ISO 8601 in UTC. */
  readonly at: string
}

/** Something that happened to the log itself, such as an unfinished last line after a crash. */
export interface LogNote {
  readonly note: string
  readonly at: string
}

export type EntryBody =
  | { readonly kind: 'event'; readonly body: AuditEvent }
  | { readonly kind: 'redaction'; readonly body: Redaction }
  | { readonly kind: 'note'; readonly body: LogNote }

/** Where a line stands in the chain, and what holds it there. */
interface Link {
  readonly v: 2
  /** 1 for the first entry of a log, and one more for each. */
  readonly seq: number
  /** SHA-256 of the entry before, in hex; zeros for the first. */
  readonly prev: string
  readonly hash: string
  /** 18 random bytes per leaf, base64url (24 characters each); `A`s where a member was blanked. */
  readonly salts: string
}

/** One line of the log as it stands there: decisions name by its place what they share. */
export interface Line extends Link {
  readonly kind: EntryBody['kind']
  readonly body: { readonly [key: string]: unknown }
}

/** One line of the log, read: what was appended. What was blanked is `{ redacted }`, wherever it stood. */
export type Entry = EntryBody & Link

/** Where a chain stands. */
export interface ChainHead {
  readonly seq: number
  readonly hash: string
}

export const emptyChain: ChainHead = { seq: 0, hash: '0'.repeat(64) }

/** A multiple of three, so that no two salts share a character of the packed text. */
const saltBytes = 18
const saltCharacters = 24
export const noSalt = 'A'.repeat(saltCharacters)

/** Texts that look like a token: a JWT (its dots perhaps encoded, as in ids), or what follows `Bearer` in a header. */
const secrets =
  /eyJ[A-Za-z0-9_-]{6,}(?:\.|=2E)[A-Za-z0-9_-]+(?:(?:\.|=2E)[A-Za-z0-9_-]*)?|\b(?:Bearer|DPoP) +[A-Za-z0-9._~+/=-]{16,}/gi
const mayHoldSecret = /eyJ|bearer|dpop/i

/** A leaf: what is hashed on its own, a member of the body or a run of its decisions. */
export interface Leaf {
  /** Key of the member. */
  readonly key: string
  /** Key of the member, or `decisions/` and the place of the run's first. */
  readonly name: string
  /** Canonical JSON; of a run, its decisions with commas between them. */
  readonly text: string
}

/** The members of a body as leaves, in the order of their keys. Only `decisions` comes as a list, of its runs. */
function leavesOf(members: { readonly [key: string]: string | readonly string[] | undefined }): Leaf[] {
  const leaves: Leaf[] = []
  for (const key of Object.keys(members).sort()) {
    const text = members[key]
    if (typeof text === 'string') leaves.push({ key, name: key, text })
    else if (text !== undefined)
      for (const [index, run] of text.entries())
        leaves.push({ key, name: `${key}/${index * runLength}`, text: run })
  }
  return leaves
}

/** What is appended, in texts. Nobody should hand a token in; if somebody does, it stops here. */
function writtenLeaves({ kind, body }: EntryBody): Leaf[] {
  const { decisions, ...others } = body as Partial<AuditEvent>
  const members: { [key: string]: string | readonly string[] | undefined } = {}
  for (const [key, value] of Object.entries(others))
    if (value !== undefined) members[key] = canonicalJson(value)
  if (kind === 'event' && decisions !== undefined && decisions.length > 0)
    Object.assign(members, recordDecisions(decisions))
  return leavesOf(members).map((leaf) =>
    mayHoldSecret.test(leaf.text) ? { ...leaf, text: leaf.text.replace(secrets, '[removed]') } : leaf,
  )
}

/** What was read, in texts again. */
export function readLeaves({ body }: Line): Leaf[] {
  const members: { [key: string]: string | readonly string[] } = {}
  for (const [key, value] of Object.entries(body))
    members[key] = key === 'decisions' && Array.isArray(value) ? runsOf(value) : canonicalJson(value)
  return leavesOf(members)
}

function runsOf(decisions: readonly unknown[]): readonly string[] {
  const runs: string[] = []
  for (let from = 0; from < decisions.length; from += runLength)
    runs.push(
      decisions
        .slice(from, from + runLength)
        .map(canonicalJson)
        .join(','),
    )
  return runs
}

/** The decisions of a run; undefined for any other leaf. */
export function decisionsOf({ body }: Line, { key, name }: Leaf): readonly unknown[] | undefined {
  const at = Number(name.slice(key.length + 1))
  return name === key ? undefined : (body.decisions as readonly unknown[]).slice(at, at + runLength)
}

/** The hash that a leaf left behind when it, or some of its decisions, was blanked. */
function hashLeft(line: Line, leaf: Leaf): string | undefined {
  const values = decisionsOf(line, leaf) ?? [line.body[leaf.key]]
  return values.find(isBlanked)?.redacted
}

export function leafHash({ name, text }: Leaf, salt: string): string {
  return hash('sha256', `${salt}\n${name}\n${text}`, 'hex')
}

function entryHash(kind: string, seq: number, prev: string, leafHashes: readonly string[]): string {
  return hash('sha256', `cardea-audit-2\n${kind}\n${seq}\n${prev}\n${leafHashes.join('\n')}`, 'hex')
}

export function saltAt(salts: string, index: number): string {
  return salts.slice(index * saltCharacters, (index + 1) * saltCharacters)
}

export function freshSalts(count: number): string {
  return randomBytes(count * saltBytes).toString('base64url')
}

/** Chains a body behind `head`. Answers the line, with its newline, and the new head. */
export function encodeEntry(
  head: ChainHead,
  entry: EntryBody,
): { readonly line: string; readonly head: ChainHead } {
  const leaves = writtenLeaves(entry)
  const salts = freshSalts(leaves.length)
  const seq = head.seq + 1
  const hashes = leaves.map((leaf, index) => leafHash(leaf, saltAt(salts, index)))
  const digest = entryHash(entry.kind, seq, head.hash, hashes)
  const line = `{"body":${bodyText(leaves)},"hash":"${digest}","kind":"${entry.kind}","prev":"${head.hash}","salts":"${salts}","seq":${seq},"v":2}\n`
  return { line, head: { seq, hash: digest } }
}

/** Put together from the leaves, so that what was hashed is what is written. */
function bodyText(leaves: readonly Leaf[]): string {
  const members = new Map<string, string>()
  for (const { key, text } of leaves) {
    const before = members.get(key)
    members.set(key, before === undefined ? text : `${before},${text}`)
  }
  let body = ''
  for (const [key, text] of members)
    body += `${body === '' ? '' : ','}${JSON.stringify(key)}:${key === 'decisions' ? `[${text}]` : text}`
  return `{${body}}`
}

/** Reads one line. Returns undefined for what is no entry at all; the hash is not looked at. */
export function parseLine(text: string): Line | undefined {
  try {
    const line = JSON.parse(text) as Line
    const wellFormed =
      line.v === 2 &&
      ['event', 'redaction', 'note'].includes(line.kind) &&
      Number.isSafeInteger(line.seq) &&
      [line.prev, line.hash, line.salts].every((part) => typeof part === 'string') &&
      typeof line.body === 'object' &&
      line.body !== null
    return wellFormed ? line : undefined
  } catch {
    return undefined
  }
}

/** The entry of a line, its decisions in full. */
export function entryOf(line: Line): Entry {
  if (line.kind !== 'event') return line as unknown as Entry
  const { answers, relationships, ...others } = line.body
  return { ...line, body: { ...others, decisions: readDecisions(line.body) } } as unknown as Entry
}

/** Whether a line's content gives the hash it carries. Blanked leaves count by the hash they left behind. */
export function hashHolds(line: Line): boolean {
  const leaves = readLeaves(line)
  if (line.salts.length !== leaves.length * saltCharacters) return false
  const hashes = leaves.map(
    (leaf, index) => hashLeft(line, leaf) ?? leafHash(leaf, saltAt(line.salts, index)),
  )
  return entryHash(line.kind, line.seq, line.prev, hashes) === line.hash
}
