// Relationship counters: filters among the marks, each under the key `counter:<name>`.

import type Database from 'better-sqlite3'
import type { RelationshipFilter } from '../../model/filter.ts'
import { counterMissing, counterRegistered } from '../refusals.ts'

const keyOf = (name: string) => `counter:${name}`

/** Registers and forgets inside the transaction of the caller; reads what is committed. */
export class Counters {
  readonly #insert
  readonly #delete
  readonly #find

  constructor(writing: Database.Database, reading: Database.Database) {
    this.#insert = writing.prepare<[string, string]>(
      'INSERT INTO cardea_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING',
    )
    this.#delete = writing.prepare<[string]>('DELETE FROM cardea_meta WHERE key = ?')
    this.#find = reading.prepare<[string], string>('SELECT value FROM cardea_meta WHERE key = ?').pluck()
  }

  register(name: string, filter: RelationshipFilter): undefined {
    if (this.#insert.run(keyOf(name), JSON.stringify(filter)).changes === 0) throw counterRegistered(name)
  }

  find(name: string): RelationshipFilter {
    const text = this.#find.get(keyOf(name))
    if (text === undefined) throw counterMissing(name)
    return JSON.parse(text) as RelationshipFilter
  }

  unregister(name: string): undefined {
    if (this.#delete.run(keyOf(name)).changes === 0) throw counterMissing(name)
  }
}
