// Decisions as a line of the log holds them: what they share stands once in the record, and they name it by its place.

import type { AuditDecision, AuditReason } from './audit.ts'
import { canonicalJson } from './canonical-json.ts'
import { quote, quoteAll } from './quoted.ts'

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

/** Writes decisions down: a result may have thousands of them, so each is put together by hand, and once. */
export function recordDecisions(decisions: readonly AuditDecision[]): RecordedTexts {
  const asked = new AskedList()
  const shared = new SharedRelationships(decisions)
  const texts = decisions.map((decision) => {
    const { absences, at, missing, proof, reason, resource, verdict } = decision
    // Keys in sorted order, as canonical JSON has them.
    let text = absences === undefined ? '{' : `{"absences":${quoteAll(absences)},`
    text += `"asked":${asked.placeOf(decision)},"at":${quote(at)},"id":${quote(resource.id)}`
    if (missing !== undefined) text += `,"missing":${quoteAll(missing)}`
    if (proof !== undefined) text += `,"proof":${shared.list(proof)}`
    if (reason !== undefined) text += `,"reason":${reasonText(reason)}`
    return `${text},"verdict":${quote(verdict)}}`
  })
  return { asked: asked.text, relationships: shared.text, decisions: texts }
}

function reasonText({ at, kind, via }: AuditReason): string {
  let text = at === undefined ? '{' : `{"at":${quote(at)},`
  text += `"kind":${quote(kind)}`
  return via === undefined ? `${text}}` : `${text},"via":${quoteAll(via)}}`
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

const once = -1

/** The relationships that more than one proof of a record names, in the order in which the second one did. */
class SharedRelationships {
  /** By relationship: {@link once}, or its place. */
  readonly #places = new Map<string, number>()
  readonly #texts: string[] = []

  constructor(decisions: readonly AuditDecision[]) {
    for (const { proof } of decisions) {
      if (proof === undefined) continue
      for (const relationship of proof) {
        const place = this.#places.get(relationship)
        if (place === undefined) this.#places.set(relationship, once)
        else if (place === once) {
          this.#places.set(relationship, this.#texts.length)
          this.#texts.push(relationship)
        }
      }
    }
  }

  list(proof: readonly string[]): string {
    let text = ''
    for (const relationship of proof) {
      const place = this.#places.get(relationship)!
      text += `${text === '' ? '' : ','}${place === once ? quote(relationship) : place}`
    }
    return `[${text}]`
  }

  get text(): string | undefined {
    return this.#texts.length === 0 ? undefined : quoteAll(this.#texts)
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
