// The memory store's tables: dictionary of objects, rows by resource and by subject, and how to take changes back.

import { CardeaError } from '../../model/errors.ts'
import { matchesFilter, type RelationshipFilter } from '../../model/filter.ts'
import type { ObjectRef } from '../../model/reference.ts'
import { isLive, type Relationship } from '../../model/relationship.ts'
import type { ObjectKey } from '../store.ts'

export interface Row {
  readonly resourceKey: ObjectKey
  readonly subjectKey: ObjectKey
  readonly relationship: Relationship
}

/** Objects the dictionary can hold: a JavaScript Map ends at 2^24 entries. */
const maxObjects = 16_000_000

/** Rows and dictionary. Everything is synchronous; nothing is undone unless {@link Rows.undoTo} is asked to. */
export class Rows {
  readonly #keys = new Map<string, Map<string, ObjectKey>>()
  /** By key; index 0 is unused. */
  readonly #objects: ObjectRef[] = [{ type: '', id: '' }]
  readonly #byResource = new Map<ObjectKey, Map<string, Row>>()
  readonly #bySubject = new Map<ObjectKey, Set<Row>>()
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Objects in ascending key order; the first has key 1. */
  get objects(): readonly ObjectRef[] {
    return this.#objects.slice(1)
  }

  *all(): Iterable<Row> {
    for (const rows of this.#byResource.values()) yield* rows.values()
  }

  find({ resource, relation, subject }: Relationship): Row | undefined {
    const resourceKey = this.#keys.get(resource.type)?.get(resource.id)
    const subjectKey = this.#keys.get(subject.type)?.get(subject.id)
    if (resourceKey === undefined || subjectKey === undefined) return undefined
    return this.#byResource.get(resourceKey)?.get(identity(relation, subjectKey, subject.relation))
  }

  /** Live rows that match, in no promised order. Walks the rows of the named resource or subject, else all. */
  *matching(filter: RelationshipFilter, nowMs: number): Iterable<Row> {
    for (const row of this.#candidates(filter)) {
      if (isLive(row.relationship, nowMs) && matchesFilter(filter, row.relationship)) yield row
    }
  }

  #candidates(filter: RelationshipFilter): Iterable<Row> {
    const { resourceType, resourceId, subject } = filter
    if (resourceType !== undefined && resourceId !== undefined) {
      const key = this.#keys.get(resourceType)?.get(resourceId)
      return (key === undefined ? undefined : this.#byResource.get(key)?.values()) ?? []
    }
    if (subject?.id !== undefined) {
      const key = this.#keys.get(subject.type)?.get(subject.id)
      return (key === undefined ? undefined : this.#bySubject.get(key)) ?? []
    }
    return this.all()
  }

  /** Inserts or replaces; gives the row that was there. The relationship is copied as far as its names go. */
  put({ resource, relation, subject, ...traits }: Relationship): { row: Row; replaced: Row | undefined } {
    const resourceKey = this.#intern(resource)
    const subjectKey = this.#intern(subject)
    const row: Row = {
      resourceKey,
      subjectKey,
      relationship: {
        resource: this.#objects[resourceKey]!,
        relation,
        subject: { ...this.#objects[subjectKey]!, relation: subject.relation },
        ...traits,
      },
    }
    const replaced = this.#byResource.get(resourceKey)?.get(identity(relation, subjectKey, subject.relation))
    if (replaced !== undefined) this.remove(replaced)
    this.#add(row)
    return { row, replaced }
  }

  remove(row: Row): void {
    const { relation, subject } = row.relationship
    const ofResource = this.#byResource.get(row.resourceKey)!
    ofResource.delete(identity(relation, row.subjectKey, subject.relation))
    if (ofResource.size === 0) this.#byResource.delete(row.resourceKey)
    const ofSubject = this.#bySubject.get(row.subjectKey)!
    ofSubject.delete(row)
    if (ofSubject.size === 0) this.#bySubject.delete(row.subjectKey)
    this.#count -= 1
  }

  /** Takes back steps, newest first, and forgets the objects that came after the first `objectCount`. */
  undoTo(
    objectCount: number,
    steps: readonly { readonly added?: Row | undefined; readonly removed?: Row | undefined }[],
  ): void {
    for (const { added, removed } of [...steps].reverse()) {
      if (added !== undefined) this.remove(added)
      if (removed !== undefined) this.#add(removed)
    }
    while (this.#objects.length - 1 > objectCount) {
      const { type, id } = this.#objects.pop()!
      this.#keys.get(type)!.delete(id)
    }
  }

  get objectCount(): number {
    return this.#objects.length - 1
  }

  #add(row: Row): void {
    const { relation, subject } = row.relationship
    const ofResource = getOrAdd(this.#byResource, row.resourceKey, () => new Map<string, Row>())
    ofResource.set(identity(relation, row.subjectKey, subject.relation), row)
    getOrAdd(this.#bySubject, row.subjectKey, () => new Set<Row>()).add(row)
    this.#count += 1
  }

  #intern({ type, id }: ObjectRef): ObjectKey {
    const ids = getOrAdd(this.#keys, type, () => new Map<string, ObjectKey>())
    const known = ids.get(id)
    if (known !== undefined) return known
    if (this.objectCount >= maxObjects) {
      throw new CardeaError(
        'LIMIT_EXCEEDED',
        `The memory datastore holds at most ${maxObjects} objects; use a SQLite or PostgreSQL datastore.`,
        { limit: String(maxObjects) },
      )
    }
    const key = this.#objects.push({ type, id }) - 1
    ids.set(id, key)
    return key
  }
}

/** Of one row among those of its resource. Relation names hold no `#`. */
function identity(relation: string, subjectKey: ObjectKey, subjectRelation: string): string {
  return `${relation}#${subjectKey}#${subjectRelation}`
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
