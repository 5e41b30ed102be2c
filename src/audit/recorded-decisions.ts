// Decisions as a line of the log holds them: what they share stands once in the record, and they name it by its place.

import type { AuditDecision, AuditReason } from './audit.ts'
import { canonicalJson } from './canonical-json.ts'

/** What was asked and answered, but for the place and the id of the resource. */
interface Answer {
  readonly type: string
  readonly permission: string
  readonly subject: AuditDecision['subject']
  readonly verdict: AuditDecision['verdict']
  /** Of the reason, when that has nothing else to tell. */
  readonly reason?: string
}

/** A decision as it stands in the log. */
interface RecordedDecision {
  /** Place in the record's `answers`. */
  readonly answer: number
  readonly at: string
  /** Of the resource. */
  readonly id: string
  readonly missing?: readonly string[]
  /** A number: place in the record's `relationships`. */
  readonly proof?: readonly (string | number)[]
  readonly absences?: readonly string[]
  /** When it tells more than its kind. */
  readonly reason?: AuditReason
}

/** Decisions that are hashed together: a hash for each would take longer than the decisions themselves. */
export const runLength = 16

/** The decisions of one record as texts. */
export interface RecordedTexts {
  /** Canonical JSON of the list `answers`. */
  readonly answers: string
  /** Canonical JSON of the list `relationships`; undefined when no two decisions rest on the same one. */
  readonly relationships: string | undefined
  /** Of each run of {@link runLength} decisions, their canonical JSON with commas between them. */
  readonly decisions: readonly string[]
}

/** What JSON would escape. */
const needsEscape = /["\\]|[^ -\ud7ff\ue000-\uffff]/

/** Writes decisions down. A result may have thousands of them, so most are just put together. */
export function recordDecisions(decisions: readonly AuditDecision[]): RecordedTexts {
  const answers = new Answers()
  const proofs = new Proofs(decisions)
  const runs: string[] = []
  for (let from = 0; from < decisions.length; from += runLength) {
    const run = decisions.slice(from, from + runLength)
    runs.push(
      plainText(run, answers, proofs) ??
        run.map((decision) => canonicalJson(recorded(decision, answers, proofs))).join(','),
    )
  }
  return { answers: answers.text, relationships: proofs.shared, decisions: runs }
}

/** The text of a run in which nothing is to be escaped, and none tells more than the usual. Undefined for any other. */
function plainText(run: readonly AuditDecision[], answers: Answers, proofs: Proofs): string | undefined {
  let text = ''
  /** What came from elsewhere, looked at once for the whole run. */
  let given = ''
  for (const decision of run) {
    const { absences, at, missing, proof, reason, resource } = decision
    if (absences || missing || (reason && !isKindOnly(reason))) return undefined
    given += at + resource.id
    text += `,${answers.headOf(decision)}${at}","id":"${resource.id}"`
    const first = proof?.[0]
    if (first !== undefined) {
      given += first
      text += `,"proof":["${first}"${proofs.endingOf(proof!).text}]`
    } else if (proof !== undefined) text += ',"proof":[]'
    text += '}'
  }
  return needsEscape.test(given) ? undefined : text.slice(1)
}

function recorded(decision: AuditDecision, answers: Answers, proofs: Proofs): RecordedDecision {
  const { absences, at, missing, proof, reason, resource } = decision
  return {
    absences,
    answer: answers.placeOf(decision),
    at,
    id: resource.id,
    missing,
    proof: proof && [...proof.slice(0, 1), ...proofs.endingOf(proof).rows],
    reason: reason && isKindOnly(reason) ? undefined : reason,
  }
}

/** Such a reason says nothing about one resource in particular, so it may stand where blanking that one does not reach. */
function isKindOnly({ at, via }: AuditReason): boolean {
  return at === undefined && via === undefined
}

/** In one record nearly all decisions are about the same question, and have one of few answers. */
class Answers {
  readonly #places = new Map<string, number>()
  readonly #last = new Map<
    AuditDecision['verdict'],
    { readonly decision: AuditDecision; readonly place: number; readonly head: string }
  >()

  placeOf(decision: AuditDecision): number {
    return this.#of(decision).place
  }

  /** How a decision begins, up to the text of `at`. */
  headOf(decision: AuditDecision): string {
    return this.#of(decision).head
  }

  #of(decision: AuditDecision): { readonly place: number; readonly head: string } {
    const last = this.#last.get(decision.verdict)
    if (last !== undefined && isAlike(decision, last.decision)) return last
    const { resource, permission, subject, verdict, reason } = decision
    const kind = reason && isKindOnly(reason) ? reason.kind : undefined
    const answer: Answer = { type: resource.type, permission, subject, verdict, reason: kind }
    const text = canonicalJson(answer)
    const place = this.#places.get(text) ?? this.#places.size
    this.#places.set(text, place)
    const found = { decision, place, head: `{"answer":${place},"at":"` }
    this.#last.set(verdict, found)
    return found
  }

  get text(): string {
    return `[${[...this.#places.keys()].join(',')}]`
  }
}

function isAlike(one: AuditDecision, other: AuditDecision): boolean {
  return (
    one.subject === other.subject &&
    one.permission === other.permission &&
    one.resource.type === other.resource.type &&
    one.reason === other.reason
  )
}

const once = -1

/** How a proof goes on after its first relationship, as it stands in the log. */
interface Ending {
  readonly rows: readonly (string | number)[]
  /** With a comma before each. */
  readonly text: string
}

/**
 * Proofs run together towards the subject. The first relationship of each is mostly the resource's own and stays where it is;
 * of the others, each that is named again stands once in the record's list.
 */
class Proofs {
  /** By relationship: {@link once}, or its place in the list. */
  readonly #places = new Map<string, number>()
  readonly #shared: string[] = []
  /** Proofs that go on differently, by where they do; and how often one does so was counted. */
  readonly #examples = new Map<
    string,
    { readonly proof: readonly string[]; count: number; ending: Ending | undefined }
  >()

  constructor(decisions: readonly AuditDecision[]) {
    for (const { proof } of decisions) {
      if (proof === undefined || proof.length < 2) continue
      const example = this.#exampleOf(proof)
      if (example !== undefined) example.count++
      else if (!this.#examples.has(proof[1]!))
        this.#examples.set(proof[1]!, { proof, count: 1, ending: undefined })
      // What two have in common is shared: more of them change nothing.
      if (example === undefined || example.count === 2)
        for (let at = 1; at < proof.length; at++) this.#count(proof[at]!)
    }
  }

  #count(row: string): void {
    const place = this.#places.get(row)
    if (place === undefined) this.#places.set(row, once)
    else if (place === once) {
      this.#places.set(row, this.#shared.length)
      this.#shared.push(row)
    }
  }

  /** A proof that goes on like this one. */
  #exampleOf(proof: readonly string[]) {
    const example = this.#examples.get(proof[1]!)
    if (example?.proof.length !== proof.length) return undefined
    for (let at = 1; at < proof.length; at++) if (proof[at] !== example.proof[at]) return undefined
    return example
  }

  endingOf(proof: readonly string[]): Ending {
    if (proof.length < 2) return noEnding
    const example = this.#exampleOf(proof)
    if (example?.ending) return example.ending
    const rows = proof.slice(1).map((row) => {
      const place = this.#places.get(row)!
      return place === once ? row : place
    })
    const ending = { rows, text: `,${rows.map((row) => JSON.stringify(row)).join(',')}` }
    if (example) example.ending = ending
    return ending
  }

  get shared(): string | undefined {
    return this.#shared.length === 0 ? undefined : canonicalJson(this.#shared)
  }
}

const noEnding: Ending = { rows: [], text: '' }

/** What stands in place of a value that was blanked. */
export interface Blanked {
  /** Hash of the leaf that the value was in. */
  readonly redacted: string
}

/** Whether a value of the log was blanked; only its hash is left then. */
export function isBlanked(value: unknown): value is Blanked {
  if (typeof value !== 'object' || value === null) return false
  const { redacted } = value as { redacted?: unknown }
  return Object.keys(value).length === 1 && typeof redacted === 'string' && /^[0-9a-f]{64}$/.test(redacted)
}

/**
 * The decisions of a line, in full again. One that was blanked, or whose answer was, is {@link Blanked}. A proof of which
 * a relationship was blanked is no proof and left out.
 */
export function readDecisions(body: { readonly [key: string]: unknown }): (AuditDecision | Blanked)[] {
  const { answers, decisions, relationships } = body
  if (!Array.isArray(decisions)) return isBlanked(decisions) ? [decisions] : []
  return (decisions as readonly (RecordedDecision | Blanked)[]).map((decision) => {
    if (isBlanked(decision)) return decision
    const answer = Array.isArray(answers) ? (answers as readonly Answer[])[decision.answer] : undefined
    if (answer === undefined) return isBlanked(answers) ? answers : { redacted: '' }
    const { type, permission, subject, verdict, reason } = answer
    const { answer: _, id, proof, ...rest } = decision
    const rows = proof && inFull(proof, relationships)
    return {
      ...(reason !== undefined && { reason: { kind: reason } }),
      ...rest,
      resource: { type, id },
      permission,
      subject,
      verdict,
      ...(rows && { proof: rows }),
    }
  })
}

function inFull(proof: readonly (string | number)[], relationships: unknown): readonly string[] | undefined {
  const known = Array.isArray(relationships) ? (relationships as readonly string[]) : []
  const rows = proof.map((row) => (typeof row === 'string' ? row : known[row]))
  return rows.every((row) => typeof row === 'string') ? rows : undefined
}
