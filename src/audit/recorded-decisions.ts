// Decisions as a line of the log holds them: what they share stands once in the record, and they name it by its place.

import type { AuditDecision, AuditReason } from './audit.ts'
import { canonicalJson } from './canonical-json.ts'
import { escaped, quote, quoteAll } from './quoted.ts'

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

/** The decisions of one record as texts. */
export interface RecordedTexts {
  /** Canonical JSON of the list `answers`. */
  readonly answers: string
  /** Canonical JSON of the list `relationships`; undefined when no two decisions rest on the same one. */
  readonly relationships: string | undefined
  /** Canonical JSON of each decision. */
  readonly decisions: readonly string[]
}

/**
 * Writes decisions down: a result may have thousands of them, so each is put together by hand, of as few pieces as possible,
 * with its keys in sorted order.
 */
export function recordDecisions(decisions: readonly AuditDecision[]): RecordedTexts {
  const answers = new Answers()
  const proofs = new Proofs(decisions)
  const texts = decisions.map((decision) => {
    const { absences, at, missing, proof, reason, resource } = decision
    const begin = absences === undefined ? '{' : `{"absences":${quoteAll(absences)},`
    let end = missing === undefined ? '' : `,"missing":${quoteAll(missing)}`
    if (proof !== undefined) end += `,"proof":[${proofs.textOf(proof)}]`
    if (reason !== undefined && !isKindOnly(reason)) end += `,"reason":${canonicalJson(reason)}`
    return `${begin}"answer":${answers.placeOf(decision)},"at":"${escaped(at)}","id":"${escaped(resource.id)}"${end}}`
  })
  return { answers: answers.text, relationships: proofs.shared, decisions: texts }
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
    { readonly decision: AuditDecision; readonly place: number }
  >()

  placeOf(decision: AuditDecision): number {
    const last = this.#last.get(decision.verdict)
    if (last !== undefined && isAlike(decision, last.decision)) return last.place
    const { resource, permission, subject, verdict, reason } = decision
    const kind = reason && isKindOnly(reason) ? reason.kind : undefined
    const text = canonicalJson({
      type: resource.type,
      permission,
      subject,
      verdict,
      reason: kind,
    } satisfies Answer)
    let place = this.#places.get(text)
    if (place === undefined) {
      place = this.#places.size
      this.#places.set(text, place)
    }
    this.#last.set(verdict, { decision, place })
    return place
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

/** How several proofs go on after their first relationship. */
interface Ending {
  readonly rows: readonly string[]
  isShared: boolean
  /** As it stands in proofs; made when it is first needed. */
  text: string | undefined
}

/**
 * Proofs run together towards the subject. The first relationship of each is mostly the resource's own and stays where it is;
 * of the others, each that is named again stands once in the record's list.
 */
class Proofs {
  /** By relationship: {@link once}, or its place in the list. */
  readonly #places = new Map<string, number>()
  readonly #shared: string[] = []
  /** By their first relationship. */
  readonly #endings = new Map<string, Ending>()

  constructor(decisions: readonly AuditDecision[]) {
    for (const { proof } of decisions) {
      if (proof === undefined || proof.length < 2) continue
      const known = this.#endingOf(proof)
      if (known?.isShared) continue
      if (known) known.isShared = true
      else if (!this.#endings.has(proof[1]!))
        this.#endings.set(proof[1]!, { rows: proof.slice(1), isShared: false, text: undefined })
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

  #endingOf(proof: readonly string[]): Ending | undefined {
    const known = this.#endings.get(proof[1]!)
    if (known?.rows.length !== proof.length - 1) return undefined
    for (let at = 1; at < proof.length; at++) if (proof[at] !== known.rows[at - 1]) return undefined
    return known
  }

  /** What stands between the brackets of a proof. */
  textOf(proof: readonly string[]): string {
    if (proof.length < 2) return proof.map(quote).join(',')
    const known = this.#endingOf(proof)
    const ending =
      known?.text ??
      proof
        .slice(1)
        .map((row) => this.#rowText(row))
        .join(',')
    if (known) known.text = ending
    return `${quote(proof[0]!)},${ending}`
  }

  #rowText(row: string): string {
    const place = this.#places.get(row)!
    return place === once ? quote(row) : String(place)
  }

  get shared(): string | undefined {
    return this.#shared.length === 0 ? undefined : quoteAll(this.#shared)
  }
}

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
