// The schema under which a revision was judged: its hash goes into every record, its text into the archive once.

import { createHash } from 'node:crypto'
import type { AuditSink } from '../../audit/audit.ts'
import type { Authorizer } from '../../authorizer/authorizer.ts'
import { CardeaError } from '../../model/errors.ts'
import type { GuardLog } from './guard-core.ts'

const maxRemembered = 256

/** What one guard knows of the schemas in force at the revisions it asked at. */
export class SchemasInForce {
  readonly #authorizer: Authorizer
  readonly #audit: AuditSink
  readonly #log: GuardLog
  /** By ZedToken. */
  readonly #hashes = new Map<string, Promise<string | undefined>>()
  readonly #kept = new Map<string, Promise<void>>()
  #text: { readonly text: string; readonly hash: string } | undefined

  constructor(authorizer: Authorizer, audit: AuditSink, log: GuardLog) {
    this.#authorizer = authorizer
    this.#audit = audit
    this.#log = log
  }

  /**
   * SHA-256 of the schema's text at a revision, in hex; undefined when the service does not tell it. Rejects when the
   * archive cannot be written, since a record would then name a schema that nobody could look at.
   */
  hashAt(token: string): Promise<string | undefined> {
    const known = this.#hashes.get(token)
    if (known) return known
    const found = this.#find(token)
    // Whoever waits for it hears of a failure; the next call tries again.
    found.catch(() => this.#hashes.delete(token))
    for (const oldest of this.#hashes.keys()) {
      if (this.#hashes.size < maxRemembered) break
      this.#hashes.delete(oldest)
    }
    this.#hashes.set(token, found)
    return found
  }

  async #find(token: string): Promise<string | undefined> {
    let text: string
    try {
      const consistency = { kind: 'at_exact_snapshot', token } as const
      text = (await this.#authorizer.readSchema({ consistency })).text
    } catch (error) {
      this.#log.warn(
        { code: CardeaError.from(error).code },
        'The schema could not be read, so the audit record does not name it.',
      )
      return undefined
    }
    if (this.#text?.text !== text)
      this.#text = { text, hash: createHash('sha256').update(text, 'utf8').digest('hex') }
    const { hash } = this.#text
    await this.#keep(hash, text)
    return hash
  }

  #keep(hash: string, text: string): Promise<void> {
    let kept = this.#kept.get(hash)
    if (kept === undefined) {
      kept = this.#audit.keepSchema?.(hash, text) ?? Promise.resolve()
      kept.catch(() => this.#kept.delete(hash))
      this.#kept.set(hash, kept)
    }
    return kept
  }
}
