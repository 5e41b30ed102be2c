// What if: a snapshot as it would be with one relationship more, or one less, without writing anything.

import {
  type NameId,
  plainRows,
  type RowCursor,
  type RowSelection,
  type RowTraits,
  type Snapshot,
  usersetRows,
} from '../graph/snapshot.ts'
import type { ObjectRef } from '../model/reference.ts'
import type { Plans } from './plans.ts'

/** A row by its integers, to be there (in place of one with the same identity) or to be gone. */
export interface RowChange {
  readonly operation: 'touch' | 'delete'
  readonly resource: number
  readonly relation: NameId
  readonly subject: number
  readonly subjectRelation: NameId
  /** Of a row that is to be there. */
  readonly traits?: RowTraits
}

/** Handle of the changed row's traits; a graph that had this many would not fit into memory. */
const changedTraits = 0x7fffffff

/** Numbers for names and objects that a graph has not seen. They hold although the graph goes on learning others. */
class Vocabulary {
  readonly base: Snapshot
  /** The base's own when it knows every name, so that what is bound to it stays bound. */
  readonly names: { readonly size: number }
  readonly maxNode: number
  readonly #knownNames: number
  readonly #addedNames: string[]
  readonly #objects: readonly ObjectRef[]

  constructor(base: Snapshot, plans: Plans, objects: readonly ObjectRef[]) {
    this.base = base
    const spoken = new Set([...plans.types, ...plans.members.map(({ name }) => name)])
    this.#knownNames = base.names.size
    this.#addedNames = [...spoken].filter((text) => base.nameId(text) < 0)
    this.names =
      this.#addedNames.length === 0 ? base.names : { size: this.#knownNames + this.#addedNames.length }
    this.#objects = objects.filter(({ type, id }) => {
      const known = base.nameId(type)
      return known < 0 || base.node(known, id) === 0
    })
    this.maxNode = base.maxNode + this.#objects.length
  }

  get addsNames(): boolean {
    return this.#addedNames.length > 0
  }

  nameId(text: string): NameId {
    const added = this.#addedNames.indexOf(text)
    return added < 0 ? this.base.nameId(text) : this.#knownNames + added
  }

  nameText(name: NameId): string {
    return this.isAddedName(name) ? this.#addedNames[name - this.#knownNames]! : this.base.nameText(name)
  }

  isAddedName(name: NameId): boolean {
    return this.addsNames && name >= this.#knownNames
  }

  node(type: NameId, id: string): number {
    const text = this.nameText(type)
    const added = this.#objects.findIndex((object) => object.type === text && object.id === id)
    if (added >= 0) return this.maxNode - this.#objects.length + 1 + added
    return this.isAddedName(type) ? 0 : this.base.node(type, id)
  }

  /** The object behind a number of ours. */
  added(node: number): ObjectRef | undefined {
    return this.#objects[node - (this.maxNode - this.#objects.length) - 1]
  }

  /** Whether the base can have rows of the list at all. */
  has(node: number, ...names: readonly NameId[]): boolean {
    return this.added(node) === undefined && !names.some((name) => this.isAddedName(name))
  }
}

/** Walks a list of the base with the changed row put in or left out. */
class ChangedCursor implements RowCursor {
  node = 0
  subjectRelation: NameId = 0
  traits = 0
  readonly inner: RowCursor
  #inBase = false
  #changed: { readonly node: number; readonly subjectRelation: NameId } | undefined
  #addedTraits = -1

  constructor(inner: RowCursor) {
    this.inner = inner
  }

  /** `changed`: the other end of the row that the list may not show as the base has it; `addedTraits` -1: nor at all. */
  open(
    inBase: boolean,
    changed: ChangedCursor['node'] | undefined,
    relation: NameId,
    addedTraits: number,
  ): void {
    this.#inBase = inBase
    this.#changed = changed === undefined ? undefined : { node: changed, subjectRelation: relation }
    this.#addedTraits = addedTraits
  }

  next(): boolean {
    const changed = this.#changed
    while (this.#inBase && this.inner.next()) {
      const { node, subjectRelation } = this.inner
      if (changed !== undefined && node === changed.node && subjectRelation === changed.subjectRelation)
        continue
      this.node = node
      this.subjectRelation = subjectRelation
      this.traits = this.inner.traits
      return true
    }
    this.#inBase = false
    if (changed === undefined || this.#addedTraits < 0) return false
    this.node = changed.node
    this.subjectRelation = changed.subjectRelation
    this.traits = this.#addedTraits
    this.#addedTraits = -1
    return true
  }

  fill(): number {
    return 0
  }
}

/**
 * Makes worlds that differ from `world` in one row. The objects of `objects` and every name of the plans have numbers in
 * them, so that a change can speak of what the graph has never seen. The base must stay pinned while they are used.
 */
export function hypotheses(
  world: { readonly snapshot: Snapshot; readonly plans: Plans },
  objects: readonly ObjectRef[],
): (change?: RowChange) => { readonly snapshot: Snapshot; readonly plans: Plans } {
  const vocabulary = new Vocabulary(world.snapshot, world.plans, objects)
  // Bindings are kept by plans: under plans of their own, other names don't drive out those of everyone else.
  const plans = vocabulary.addsNames ? { ...world.plans } : world.plans
  return (change) => ({ plans, snapshot: changedSnapshot(vocabulary, change) })
}

function changedSnapshot(vocabulary: Vocabulary, change: RowChange | undefined): Snapshot {
  const { base } = vocabulary
  const handle =
    change === undefined || change.operation === 'delete' ? -1 : change.traits ? changedTraits : 0
  const inForward = (resource: number, relation: NameId): boolean =>
    change !== undefined && change.resource === resource && change.relation === relation
  const inReverse = (subject: number, subjectRelation: NameId, type: NameId, relation: NameId): boolean =>
    change !== undefined &&
    change.subject === subject &&
    change.subjectRelation === subjectRelation &&
    change.relation === relation &&
    nodeType(change.resource) === type
  const isSelected = (selection: RowSelection): boolean =>
    selection === plainRows
      ? change!.subjectRelation === 0
      : selection !== usersetRows || change!.subjectRelation !== 0
  const nodeType = (node: number): NameId => {
    const added = vocabulary.added(node)
    return added === undefined ? base.nodeType(node) : vocabulary.nameId(added.type)
  }
  const nodeId = (node: number): string => vocabulary.added(node)?.id ?? base.nodeId(node)
  return {
    revision: base.revision,
    release: () => {},
    names: vocabulary.names,
    nameId: (text) => vocabulary.nameId(text),
    nameText: (name) => vocabulary.nameText(name),
    node: (type, id) => vocabulary.node(type, id),
    nodeType,
    nodeId,
    nodeIds: (nodes, from, to, into) => {
      for (let at = from; at < to; at += 1) into[at] = nodeId(nodes[at]!)
    },
    maxNode: vocabulary.maxNode,
    row: (resource, relation, subject, subjectRelation) => {
      if (
        inForward(resource, relation) &&
        change!.subject === subject &&
        change!.subjectRelation === subjectRelation
      ) {
        return handle
      }
      const known =
        vocabulary.has(resource, relation, subjectRelation) && vocabulary.added(subject) === undefined
      return known ? base.row(resource, relation, subject, subjectRelation) : -1
    },
    traits: (at) => (at === changedTraits ? change!.traits! : base.traits(at)),
    cursor: () => new ChangedCursor(base.cursor()),
    openForward: (cursor, resource, relation, selection) => {
      const changed = cursor as ChangedCursor
      const inBase = vocabulary.has(resource, relation)
      if (inBase) base.openForward(changed.inner, resource, relation, selection)
      const touched = inForward(resource, relation) && isSelected(selection)
      changed.open(inBase, touched ? change!.subject : undefined, change?.subjectRelation ?? 0, handle)
    },
    openReverse: (cursor, subject, subjectRelation, type, relation) => {
      const changed = cursor as ChangedCursor
      const inBase = vocabulary.has(subject, subjectRelation, type, relation)
      if (inBase) base.openReverse(changed.inner, subject, subjectRelation, type, relation)
      const touched = inReverse(subject, subjectRelation, type, relation)
      changed.open(inBase, touched ? change!.resource : undefined, subjectRelation, handle)
    },
    takeReverse: () => 0,
    markReverse: () => 0,
    forwardCount: (resource, relation, selection) =>
      (vocabulary.has(resource, relation) ? base.forwardCount(resource, relation, selection) : 0) +
      (inForward(resource, relation) && handle >= 0 && isSelected(selection) ? 1 : 0),
    reverseCount: (subject, subjectRelation, type, relation) =>
      (vocabulary.has(subject, subjectRelation, type, relation)
        ? base.reverseCount(subject, subjectRelation, type, relation)
        : 0) + (inReverse(subject, subjectRelation, type, relation) && handle >= 0 ? 1 : 0),
    relationsOf: (resource) => {
      const known = vocabulary.has(resource) ? base.relationsOf(resource) : []
      if (change === undefined || handle < 0 || change.resource !== resource) return known
      return [...new Set([...known, change.relation])]
    },
    placesOf: (subject) => {
      const known = vocabulary.has(subject) ? base.placesOf(subject) : []
      if (change === undefined || handle < 0 || change.subject !== subject) return known
      const { relation, subjectRelation } = change
      return [...known, { type: nodeType(change.resource), relation, subjectRelation }]
    },
  }
}
