// Keys of a bulk: the objects that its questions name, looked up before the first of them is answered.

import type { NameId, Snapshot } from '../graph/snapshot.ts'
import type { Question } from '../model/decision.ts'
import type { ObjectKey } from '../store/store.ts'

/** By question; 0 for an object that the graph has never seen. */
export interface BulkKeys {
  readonly resources: Int32Array
  readonly subjects: Int32Array
}

/** One look-up right after the other: the processor waits for the memory of several at once. */
export function keysOf(snapshot: Snapshot, questions: readonly Question[]): BulkKeys {
  const resources = new Int32Array(questions.length)
  const subjects = new Int32Array(questions.length)
  const resourceFinder = new KeyFinder(snapshot)
  const subjectFinder = new KeyFinder(snapshot)
  for (let at = 0; at < questions.length; at += 1) {
    const { resource, subject } = questions[at]!
    resources[at] = resourceFinder.find(resource.type, resource.id)
    subjects[at] = subjectFinder.find(subject.type, subject.id)
  }
  return { resources, subjects }
}

/** Finds objects most of which are of one type, and often the one before again. */
class KeyFinder {
  readonly #snapshot: Snapshot
  #type = ''
  #typeId: NameId = -1
  #id: string | undefined
  #key: ObjectKey = 0

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot
  }

  find(type: string, id: string): ObjectKey {
    if (type !== this.#type) {
      this.#type = type
      this.#typeId = this.#snapshot.nameId(type)
    } else if (id === this.#id) return this.#key
    this.#id = id
    this.#key = this.#typeId < 0 ? 0 : this.#snapshot.node(this.#typeId, id)
    return this.#key
  }
}

/** How often each key of a list stands in it, by place; 0 for the key 0. */
export function timesOf(keys: Int32Array): Int32Array {
  let size = 16
  while (size < keys.length * 2) size *= 2
  const known = new Int32Array(size)
  const counts = new Int32Array(size)
  const slots = keys.map((key) => {
    if (key === 0) return -1
    let slot = Math.imul(key, 0x9e37_79b1) & (size - 1)
    while (known[slot] !== 0 && known[slot] !== key) slot = (slot + 1) & (size - 1)
    known[slot] = key
    counts[slot]! += 1
    return slot
  })
  return slots.map((slot) => (slot < 0 ? 0 : counts[slot]!))
}
