// Which rows match a filter: the query behind preconditions, deletions and schema guards.

import type Database from 'better-sqlite3'
import type { RelationshipFilter } from '../../model/filter.ts'
import type { Relationship } from '../../model/relationship.ts'
import type { ObjectKey } from '../store.ts'
import { traitsFrom } from '../traits.ts'
import type { Dictionary } from './dictionary.ts'

/** A row with the strings of its objects. Names are ids. */
export type MatchedRow = [
  resource: ObjectKey,
  resourceType: number,
  resourceId: string,
  relation: number,
  subject: ObjectKey,
  subjectType: number,
  subjectId: string,
  subjectRelation: number,
  caveat: number | null,
  context: string | null,
  expiresAt: number | null,
]

const columns =
  'r.resource, ro.type, ro.id, r.relation, r.subject, so.type, so.id, r.subject_relation, r.caveat, r.context, r.expires_at'

// CROSS JOIN keeps SQLite to the order written here: from the side that the filter names most closely.
const fromRows = `cardea_relationship AS r
  CROSS JOIN cardea_object AS ro ON ro.key = r.resource
  CROSS JOIN cardea_object AS so ON so.key = r.subject`
const sources = {
  resource: fromRows,
  subject: fromRows.replace('AS r', 'AS r INDEXED BY cardea_relationship_by_subject'),
  resources: `cardea_object AS ro
  CROSS JOIN cardea_relationship AS r ON r.resource = ro.key
  CROSS JOIN cardea_object AS so ON so.key = r.subject`,
  subjects: `cardea_object AS so
  CROSS JOIN cardea_relationship AS r INDEXED BY cardea_relationship_by_subject ON r.subject = so.key
  CROSS JOIN cardea_object AS ro ON ro.key = r.resource`,
  all: fromRows,
}

/** What a filter may ask beyond its own fields. */
export interface MoreConditions {
  /** A caveat's name; null: rows without one. */
  readonly caveat?: string | null
  /** Rows with (true) or without (false) an expiry. */
  readonly expiration?: boolean
}

/** Finds rows on one connection, inside whatever transaction it is in. */
export class MatchingRows {
  readonly #database: Database.Database
  readonly #dictionary: Dictionary
  readonly #statements = new Map<string, Database.Statement<unknown[], MatchedRow>>()

  constructor(database: Database.Database, dictionary: Dictionary) {
    this.#database = database
    this.#dictionary = dictionary
  }

  /** At most `limit` live rows that match. */
  find(
    filter: RelationshipFilter,
    nowMs: number,
    limit: number,
    more: MoreConditions = {},
  ): readonly MatchedRow[] {
    const query = this.#query(filter, more)
    if (query === undefined) return []
    const where = [...query.conditions, '(r.expires_at IS NULL OR r.expires_at > ?)'].join(' AND ')
    const sql = `SELECT ${columns} FROM ${sources[query.from]} WHERE ${where} LIMIT ?`
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare<unknown[], MatchedRow>(sql).safeIntegers(false).raw()
      this.#statements.set(sql, statement)
    }
    return statement.all(...query.parameters, nowMs, limit)
  }

  relationship(row: MatchedRow): Relationship {
    const name = (id: number) => this.#dictionary.name(id)
    const [, resourceType, resourceId, relation, , subjectType, subjectId, subjectRelation] = row
    return {
      resource: { type: name(resourceType), id: resourceId },
      relation: name(relation),
      subject: { type: name(subjectType), id: subjectId, relation: name(subjectRelation) },
      ...traitsFrom(row[8] === null ? null : name(row[8]), row[9], row[10]),
    }
  }

  /** Undefined: the filter asks for a name or an object that no row can have. */
  #query(filter: RelationshipFilter, more: MoreConditions) {
    const conditions: string[] = []
    const parameters: (string | number)[] = []
    let from: keyof typeof sources = 'all'
    let possible = true
    const add = (condition: string, ...values: (string | number | undefined)[]) => {
      conditions.push(condition)
      for (const value of values) {
        if (value === undefined) possible = false
        else parameters.push(value)
      }
    }
    const nameId = (name: string) => this.#dictionary.nameId(name)
    const key = (type: string, id: string) => {
      const typeId = nameId(type)
      return typeId === undefined ? undefined : this.#dictionary.objectKey(typeId, id)
    }
    const { resourceType, resourceId, resourceIdPrefix, relation, subject } = filter

    if (subject !== undefined) {
      if (subject.id !== undefined) add('r.subject = ?', key(subject.type, subject.id))
      else add('so.type = ?', nameId(subject.type))
      from = subject.id === undefined ? 'subjects' : 'subject'
      if (subject.relation !== undefined) add('r.subject_relation = ?', nameId(subject.relation))
    }
    if (resourceType !== undefined && resourceId !== undefined) {
      add('r.resource = ?', key(resourceType, resourceId))
      from = 'resource'
    } else {
      if (resourceType !== undefined) add('ro.type = ?', nameId(resourceType))
      if (resourceId !== undefined) add('ro.id = ?', resourceId)
      if (resourceType !== undefined && from !== 'subject') from = 'resources'
    }
    if (resourceIdPrefix !== undefined && resourceIdPrefix !== '') {
      add('ro.id >= ? AND ro.id < ?', resourceIdPrefix, after(resourceIdPrefix))
    }
    if (relation !== undefined) add('r.relation = ?', nameId(relation))
    if (more.caveat === null) add('r.caveat IS NULL')
    else if (more.caveat !== undefined) add('r.caveat = ?', nameId(more.caveat))
    if (more.expiration !== undefined) add(`r.expires_at IS ${more.expiration ? 'NOT ' : ''}NULL`)
    return possible ? { conditions, parameters, from } : undefined
  }
}

/** The first text, by bytes, after all that begin with `prefix`. Ids are ASCII, which ends before U+10FFFF. */
function after(prefix: string): string {
  return `${prefix}\u{10FFFF}`
}
