// Decisions as a line of the log holds them: what they share stands once in the record, and they name it by its place.

import type { AuditDecision, AuditReason } from './audit.ts'
import { canonicalJson } from './canonical-json.ts'
import { escaped, quote, quoteAll } from './quoted.ts'

/** What was asked, but for the id of the resource. */
interface Asked {
  readonly type: string
  readonly permission: string
  readonly subject: AuditDecision['subject']
}

/** A decision as it stands in the log. */
interface RecordedDecision {
  /** Place in the record's `asked`. */
  readonly asked: number
  readonly at: string
  /** Of the resource. */
  readonly id: string
  readonly verdict: AuditDecision['verdict']
  readonly missing?: readonly string[]
  /** A number: place in the record's `relationships`. */
  readonly proof?: readonly (string | number)[]
  readonly absences?: readonly string[]
  readonly reason?: AuditReason
}

/** The decisions of one record as texts. */
export interface RecordedTexts {
  /** Canonical JSON of the list `asked`. */
  readonly asked: string
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
  const asked = new AskedList()
  const proofs = new Proofs(decisions)
  const endings = new Endings()
  const texts = decisions.map((decision) => {
    const { absences, at, missing, proof, resource } = decision
    const place = asked.placeOf(decision)
    const begin = absences === undefined ? '{' : `{"absences":${quoteAll(absences)},`
    const more = missing === undefined ? '' : `,"missing":${quoteAll(missing)}`
    const rows = proof === undefined ? '' : `,"proof":[${proofs.textOf(proof)}]`
    return `${begin}"asked":${place},"at":"${escaped(at)}","id":"${escaped(resource.id)}"${more}${rows}${endings.of(decision)}`
  })
  return { asked: asked.text, relationships: proofs.shared, decisions: texts }
}

/** In one record nearly all decisions answer the same question about another resource. */
class AskedList {
  readonly #places = new Map<string, number>()
  #last: AuditDecision | undefined
  #lastPlace = 0

  placeOf(decision: AuditDecision): number {
    const last = this.#last
    const { resource, permission, subject } = decision
    const isSame =
      subject === last?.subject && permission === last.permission && resource.type === last.resource.type
    if (isSame) return this.#lastPlace
    const text = canonicalJson({ permission, subject, type: resource.type } satisfies Asked)
    let place = this.#places.get(text)
    if (place === undefined) {
      place = this.#places.size
      this.#places.set(text, place)
    }
    this.#last = decision
    this.#lastPlace = place
    return place
  }

  get text(): string {
    return `[${[...this.#places.keys()].join(',')}]`
  }
}

/** The last members of decisions, `reason` and `verdict`: most of one record are alike. */
class Endings {
  readonly #last = new Map<
    AuditDecision['verdict'],
    { readonly reason: AuditReason | undefined; readonly text: string }
  >()

  of({ reason, verdict }: AuditDecision): string {
    const last = this.#last.get(verdict)
    if (last !== undefined && last.reason === reason) return last.text
    const text = `${reason === undefined ? '' : `,"reason":${canonicalJson(reason)}`},"verdict":${quote(verdict)}}`
    this.#last.set(verdict, { reason, text })
    return text
  }
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
 * The decisions of a line, in full again. One that was blanked, or whose question was, is {@link Blanked}. A proof of which
 * a relationship was blanked is no proof and left out.
 */
export function readDecisions(body: { readonly [key: string]: unknown }): (AuditDecision | Blanked)[] {
  const { asked, decisions, relationships } = body
  if (!Array.isArray(decisions)) return isBlanked(decisions) ? [decisions] : []
  return (decisions as readonly (RecordedDecision | Blanked)[]).map((decision) => {
    if (isBlanked(decision)) return decision
    const question = Array.isArray(asked) ? (asked as readonly Asked[])[decision.asked] : undefined
    if (question === undefined) return isBlanked(asked) ? asked : { redacted: '' }
    const { type, permission, subject } = question
    const { asked: _, id, proof, ...rest } = decision
    const rows = proof && inFull(proof, relationships)
    return { ...rest, resource: { type, id }, permission, subject, ...(rows && { proof: rows }) }
  })
}

function inFull(proof: readonly (string | number)[], relationships: unknown): readonly string[] | undefined {
  const known = Array.isArray(relationships) ? (relationships as readonly string[]) : []
  const rows = proof.map((row) => (typeof row === 'string' ? row : known[row]))
  return rows.every((row) => typeof row === 'string') ? rows : undefined
}
