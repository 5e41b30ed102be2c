// Relationship counters: filters among the marks, each under the key `counter:<name>`.

import type { Pool } from 'pg'
import type { RelationshipFilter } from '../../model/filter.ts'
import { counterMissing, counterRegistered } from '../refusals.ts'
import { storeError } from './driver-errors.ts'

/** Each call is one statement, and so one transaction. */
export class Counters {
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }

  async register(name: string, filter: RelationshipFilter): Promise<void> {
    const inserted = await this.#rows(
      'INSERT INTO cardea_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING RETURNING value',
      [keyOf(name), JSON.stringify(filter)],
    )
    if (inserted.length === 0) throw counterRegistered(name)
  }

  async find(name: string): Promise<RelationshipFilter> {
    const [value] = await this.#rows('SELECT value FROM cardea_meta WHERE key = $1', [keyOf(name)])
    if (value === undefined) throw counterMissing(name)
    return JSON.parse(value) as RelationshipFilter
  }

  async unregister(name: string): Promise<void> {
    const deleted = await this.#rows('DELETE FROM cardea_meta WHERE key = $1 RETURNING value', [keyOf(name)])
    if (deleted.length === 0) throw counterMissing(name)
  }

  async #rows(text: string, values: readonly string[]): Promise<string[]> {
    try {
      const { rows } = await this.#pool.query<{ value: string }>(text, [...values])
      return rows.map(({ value }) => value)
    } catch (error) {
      throw storeError(error)
    }
  }
}

function keyOf(name: string): string {
  return `counter:${name}`
}
