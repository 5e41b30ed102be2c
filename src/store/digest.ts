// The rolling digest: a number that all rows without an expiry add up to, kept in the log by stores with many readers,
// so that a reader whose rows are not the datastore's finds out. Not a seal: it finds drift, not malice.

import type { CaveatRef } from '../model/relationship.ts'
import { canonicalObject } from './canonical-json.ts'
import type { Change, ObjectKey, RowChunk } from './store.ts'

/**
 * The largest prime below 2^26: squares of remainders are exact in a double. Whoever computes the digest in another
 * language takes these numbers from here.
 */
export const digestModulus = 67_108_859
/** Weights of resource, relation, subject, subject relation, caveat and context; sums of the products stay below 2^53. */
export const digestWeights = [260_417, 389_171, 518_863, 131_071, 77_743, 35_423] as const
/** Factor of the hash of a text, byte by byte. */
export const digestTextFactor = 263

const encoder = new TextEncoder()

/** What a row adds: 0 to below {@link digestModulus}. */
export class RowDigests {
  readonly #texts = new Map<string, number>([['', 0]])

  ofRow(
    resource: ObjectKey,
    relation: string,
    subject: ObjectKey,
    subjectRelation: string,
    caveat: CaveatRef | undefined,
  ): number {
    const weights = digestWeights
    let sum = resource * weights[0] + this.#ofText(relation) * weights[1]
    sum += subject * weights[2] + this.#ofText(subjectRelation) * weights[3]
    if (caveat !== undefined) {
      sum += this.#ofText(caveat.name) * weights[4]
      sum += hashOf(canonicalObject(caveat.context) ?? '') * weights[5]
    }
    return scattered(sum % digestModulus)
  }

  /** What a change adds, which may be what it takes away. */
  ofChange({ operation, relationship, resourceKey, subjectKey, previous }: Change): number {
    const { relation, subject } = relationship
    const of = (caveat: CaveatRef | undefined) =>
      this.ofRow(resourceKey, relation, subjectKey, subject.relation, caveat)
    let sum = 0
    if (operation === 'touch' && relationship.expiresAtMs === undefined) sum += of(relationship.caveat)
    if (previous !== undefined && previous.expiresAtMs === undefined)
      sum += digestModulus - of(previous.caveat)
    return sum % digestModulus
  }

  /** What the rows of a load's chunk add. */
  ofRows(
    { resources, relations, subjects, subjectRelations, traits }: RowChunk,
    names: readonly string[],
  ): number {
    let sum = 0
    let next = 0
    for (let at = 0; at < resources.length; at += 1) {
      const trait = traits[next]?.at === at ? traits[next++] : undefined
      if (trait?.expiresAtMs !== undefined) continue
      const [relation, subjectRelation] = [names[relations[at]!]!, names[subjectRelations[at]!]!]
      sum += this.ofRow(resources[at]!, relation, subjects[at]!, subjectRelation, trait?.caveat)
    }
    return sum % digestModulus
  }

  #ofText(text: string): number {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    const hash = hashOf(text)
    this.#texts.set(text, hash)
    return hash
  }
}

/** Of a text's UTF-8. */
function hashOf(text: string): number {
  let hash = 0
  for (const byte of encoder.encode(text)) hash = (hash * digestTextFactor + byte + 1) % digestModulus
  return hash
}

/** Sums of these do not cancel each other out, as sums of plain weighted keys would. */
function scattered(value: number): number {
  return (((((value * value) % digestModulus) * value) % digestModulus) + value) % digestModulus
}
