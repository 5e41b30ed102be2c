// Entries: what one line of the log holds, how it is hashed into the chain, and how a part of it can be blanked later.

import { hash, randomBytes } from 'node:crypto'
import type { AuditDecision, AuditEvent } from './audit.ts'
import { canonicalJson } from './canonical-json.ts'

/** The blanking of fields of an earlier entry, as the log records it. */
export interface Redaction {
  readonly seq: number
  /** Leaf names: a key of the event, or `decisions/3`. */
  readonly fields: readonly string[]
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

/** One line of the log. */
export type Entry = EntryBody & {
  readonly v: 1
  /** 1 for the first entry of a log, and one more for each. */
  readonly seq: number
  /** SHA-256 of the entry before, in hex; zeros for the first. */
  readonly prev: string
  readonly hash: string
  /** 18 random bytes per leaf, base64url (24 characters each); `A`s where the leaf is redacted. */
  readonly salts: string
}

/** Where a chain stands. */
export interface ChainHead {
  readonly seq: number
  readonly hash: string
}

export const emptyChain: ChainHead = { seq: 0, hash: '0'.repeat(64) }

/** A multiple of three, so that no two salts share a character of the packed text. */
const saltBytes = 18
const saltCharacters = 24

/** A leaf: the smallest part that is hashed on its own, so that it can be blanked on its own. */
interface Leaf {
  readonly name: string
  readonly text: string
  readonly value: unknown
}

/** Texts that look like a token: a JWT (its dots perhaps encoded, as in ids), or what follows `Bearer` in a header. */
const secrets =
  /eyJ[A-Za-z0-9_-]{6,}(?:\.|=2E)[A-Za-z0-9_-]+(?:(?:\.|=2E)[A-Za-z0-9_-]*)?|\b(?:Bearer|DPoP) +[A-Za-z0-9._~+/=-]{16,}/gi
const mayHoldSecret = /eyJ|bearer|dpop/i

/** The keys of a body in order, each a leaf; each decision is a leaf of its own. */
function leavesOf(body: EntryBody['body'], use: 'write' | 'read'): Leaf[] {
  const leaves: Leaf[] = []
  const add = (name: string, value: unknown, canonical: (value: never) => string = canonicalJson) => {
    let text = canonical(value as never)
    // Nobody should hand a token in; if somebody does, it stops here.
    if (use === 'write' && mayHoldSecret.test(text)) text = text.replace(secrets, '[removed]')
    leaves.push({ name, text, value })
  }
  const members = body as unknown as { readonly [key: string]: unknown }
  for (const key of Object.keys(members).sort()) {
    const member = members[key]
    if (member === undefined) continue
    if (key === 'decisions' && Array.isArray(member))
      for (const [index, decision] of member.entries())
        add(`decisions/${index}`, decision, use === 'write' ? canonicalDecision : canonicalJson)
    else add(key, member)
  }
  return leaves
}

/** What JSON.stringify would escape in a text: whatever has none of it stands between quotes as it is. */
const needsEscape = /["\\]|[^ -\ud7ff\ue000-\uffff]/

function quote(text: string): string {
  return needsEscape.test(text) ? JSON.stringify(text) : `"${text}"`
}

function quoteAll(texts: readonly string[]): string {
  let list = ''
  for (const text of texts) list += list === '' ? quote(text) : `,${quote(text)}`
  return `[${list}]`
}

/** The subject of the decision before: in one record nearly all have the same. */
let lastSubject: { readonly subject: AuditDecision['subject']; readonly text: string } | undefined

function canonicalSubject(subject: AuditDecision['subject']): string {
  if (lastSubject?.subject !== subject) {
    const { id, relation, type } = subject
    lastSubject = { subject, text: `{"id":${quote(id)},"relation":${quote(relation)},"type":${quote(type)}}` }
  }
  return lastSubject.text
}

/**
 * Canonical JSON of a decision, written out by hand with its keys in sorted order: a result may have thousands of them, and
 * the general way takes ten times as long.
 */
function canonicalDecision(decision: AuditDecision): string {
  const { absences, at, missing, permission, proof, reason, resource, subject, verdict } = decision
  let text = absences === undefined ? '{' : `{"absences":${quoteAll(absences)},`
  text += `"at":${quote(at)}`
  if (missing !== undefined) text += `,"missing":${quoteAll(missing)}`
  text += `,"permission":${quote(permission)}`
  if (proof !== undefined) text += `,"proof":${quoteAll(proof)}`
  if (reason !== undefined)
    text += `,"reason":{"at":${quote(reason.at)},"kind":${quote(reason.kind)},"via":${quoteAll(reason.via)}}`
  text += `,"resource":{"id":${quote(resource.id)},"type":${quote(resource.type)}}`
  return `${text},"subject":${canonicalSubject(subject)},"verdict":${quote(verdict)}}`
}

/** `{"redacted":"<hash of the leaf>"}` stands where a leaf was. */
function redactedHash(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { redacted } = value as { redacted?: unknown }
  const alone = Object.keys(value).length === 1
  return alone && typeof redacted === 'string' && /^[0-9a-f]{64}$/.test(redacted) ? redacted : undefined
}

function leafHash(leaf: Leaf, salt: string): string {
  return hash('sha256', `${salt}\n${leaf.name}\n${leaf.text}`, 'hex')
}

function entryHash(kind: string, seq: number, prev: string, leafHashes: readonly string[]): string {
  return hash('sha256', `cardea-audit-1\n${kind}\n${seq}\n${prev}\n${leafHashes.join('\n')}`, 'hex')
}

function saltAt(salts: string, index: number): string {
  return salts.slice(index * saltCharacters, (index + 1) * saltCharacters)
}

/** Chains a body behind `head`. Answers the line, with its newline, and the new head. */
export function encodeEntry(
  head: ChainHead,
  entry: EntryBody,
): { readonly line: string; readonly head: ChainHead } {
  const leaves = leavesOf(entry.body, 'write')
  const salts = randomBytes(leaves.length * saltBytes).toString('base64url')
  const seq = head.seq + 1
  const digest = entryHash(
    entry.kind,
    seq,
    head.hash,
    leaves.map((leaf, index) => leafHash(leaf, saltAt(salts, index))),
  )
  // The body's text is put together from the leaves, so that what was hashed is what is written.
  const members: string[] = []
  let decisions: string[] | undefined
  for (const { name, text } of leaves) {
    if (!name.startsWith('decisions/')) {
      members.push(`${JSON.stringify(name)}:${text}`)
      continue
    }
    if (!decisions) {
      decisions = []
      members.push('') // filled below, at its place among the sorted keys
    }
    decisions.push(text)
  }
  const body = members
    .map((member) => (member === '' ? `"decisions":[${decisions!.join(',')}]` : member))
    .join(',')
  const line = `{"body":{${body}},"hash":"${digest}","kind":"${entry.kind}","prev":"${head.hash}","salts":"${salts}","seq":${seq},"v":1}\n`
  return { line, head: { seq, hash: digest } }
}

/** Reads one line. Returns undefined for what is no entry at all; the hash is not looked at. */
export function parseEntry(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Entry
    const wellFormed =
      entry.v === 1 &&
      ['event', 'redaction', 'note'].includes(entry.kind) &&
      Number.isSafeInteger(entry.seq) &&
      [entry.prev, entry.hash, entry.salts].every((text) => typeof text === 'string') &&
      typeof entry.body === 'object' &&
      entry.body !== null
    return wellFormed ? entry : undefined
  } catch {
    return undefined
  }
}

/** Whether an entry's content gives the hash it carries. Redacted leaves count by the hash they left behind. */
export function hashHolds(entry: Entry): boolean {
  const leaves = leavesOf(entry.body, 'read')
  if (entry.salts.length !== leaves.length * saltCharacters) return false
  const hashes = leaves.map(
    (leaf, index) => redactedHash(leaf.value) ?? leafHash(leaf, saltAt(entry.salts, index)),
  )
  return entryHash(entry.kind, entry.seq, entry.prev, hashes) === entry.hash
}

/** Names of the leaves of an entry that are blanked. */
export function redactedFields(entry: Entry): readonly string[] {
  return leavesOf(entry.body, 'read')
    .filter((leaf) => redactedHash(leaf.value) !== undefined)
    .map(({ name }) => name)
}

/**
 * Blanks leaves of an entry: value and salt go, the hash stays, so the chain still holds and the value cannot be guessed.
 * `fields` are leaf names; `decisions` stands for all of them. Answers the new line and the names that were blanked, or
 * undefined when a name is no leaf of this entry.
 */
export function redactEntry(
  entry: Entry,
  fields: readonly string[],
): { readonly line: string; readonly fields: readonly string[] } | undefined {
  const leaves = leavesOf(entry.body, 'read')
  const chosen = new Set<string>()
  for (const field of fields) {
    const matching = leaves.filter(
      ({ name }) => name === field || (field === 'decisions' && name.startsWith('decisions/')),
    )
    if (matching.length === 0) return undefined
    for (const { name } of matching) chosen.add(name)
  }
  const body = structuredClone(entry.body) as unknown as { [key: string]: unknown }
  let salts = ''
  leaves.forEach((leaf, index) => {
    const salt = saltAt(entry.salts, index)
    const blank = chosen.has(leaf.name) && redactedHash(leaf.value) === undefined
    salts += blank ? 'A'.repeat(saltCharacters) : salt
    if (!blank) return
    const value = { redacted: leafHash(leaf, salt) }
    const decision = /^decisions\/(\d+)$/.exec(leaf.name)
    if (decision) (body.decisions as unknown[])[Number(decision[1])] = value
    else body[leaf.name] = value
  })
  return { line: `${canonicalJson({ ...entry, body, salts })}\n`, fields: [...chosen] }
}
