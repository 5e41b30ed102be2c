// The asking subject, resolved against a graph.

import type { NameId, Snapshot } from '../graph/snapshot.ts'
import { type ObjectRef, type SubjectRef, wildcardId } from '../model/reference.ts'
import type { Binding } from './binding.ts'
import type { MemberId, Plans } from './plans.ts'
import type { ForwardSnapshot } from './world.ts'

/** Stands for an object that the graph has never seen, so that it can still be compared with itself. */
export const unseenResource = -1
export const unseenSubject = -2

export interface Subject {
  /** Key of the object, or {@link unseenSubject} ({@link unseenResource} when it is the unseen resource itself). */
  readonly node: number
  readonly type: NameId
  /** Relation of a userset; 0 for a plain object, -1 when the graph has never seen the name. */
  readonly relation: NameId
  /** Of a userset: the member it names. -1 for a plain object. */
  readonly member: MemberId
  /** Key of `type:*` when a plain subject could be granted through it; else 0. */
  readonly wildcard: number
}

/** The resource's key and the subject as seen from it. Both may be unknown to the graph, and one and the same object. */
export function resolve(
  snapshot: Snapshot,
  plans: Plans,
  resource: ObjectRef | undefined,
  subject: SubjectRef,
): { readonly node: number; readonly subject: Subject } {
  const resourceType = resource === undefined ? -1 : snapshot.nameId(resource.type)
  const node = resource === undefined || resourceType < 0 ? 0 : snapshot.node(resourceType, resource.id)
  const type = snapshot.nameId(subject.type)
  const known = type < 0 ? 0 : snapshot.node(type, subject.id)
  return {
    node: node === 0 ? unseenResource : node,
    subject: subjectSeen(snapshot, plans, resource, subject, type, known),
  }
}

/** The subject as seen from a resource, by its type and its key: 0 when the graph has never seen it. */
export function subjectSeen(
  snapshot: Snapshot,
  plans: Plans,
  resource: ObjectRef | undefined,
  subject: SubjectRef,
  type: NameId,
  key: number,
): Subject {
  const same = resource !== undefined && resource.type === subject.type && resource.id === subject.id
  const plain = subject.relation === ''
  return {
    node: key !== 0 ? key : same ? unseenResource : unseenSubject,
    type,
    relation: plain ? 0 : snapshot.nameId(subject.relation),
    member: plain ? -1 : (plans.find(subject.type, subject.relation)?.id ?? -1),
    wildcard:
      plain && type >= 0 && plans.wildcardTypes.has(subject.type) ? snapshot.node(type, wildcardId) : 0,
  }
}

/** Member that arrows reach on an object: -1 when its type lacks the name. */
export function targetOf(snapshot: ForwardSnapshot, binding: Binding, node: number, name: string): MemberId {
  return node > 0 ? binding.target(snapshot.nodeType(node), name) : -1
}
