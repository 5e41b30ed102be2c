// A binding: plans whose names have been looked up in one graph.

import type { NameId } from '../graph/snapshot.ts'
import type { MemberId, Plans } from './plans.ts'
import type { Reach } from './reach.ts'
import type { ForwardSnapshot } from './world.ts'

/** Integers for everything that plans name, in the numbering of one graph. -1: the graph does not know the name. */
export interface Binding {
  /** Name of each member. */
  readonly memberNames: Int32Array
  /** Type of each member. */
  readonly memberTypes: Int32Array
  /** Member of a type by its name, or -1. */
  member(type: NameId, name: NameId): MemberId
  /** Member of a type by its name's text, as arrows mention it; -1 when the type lacks it. */
  target(type: NameId, name: string): MemberId
  /** Walks that are over, for those that come. */
  readonly spare: Reach[]
}

class NameBinding implements Binding {
  readonly memberNames: Int32Array
  readonly memberTypes: Int32Array
  readonly spare: Reach[] = []
  /** By type; a type that the plans do not know has none. */
  readonly #members: (Int32Array | undefined)[] = []
  readonly #targets = new Map<string, Int32Array>()
  readonly #plans: Plans
  readonly #snapshot: ForwardSnapshot

  constructor(plans: Plans, snapshot: ForwardSnapshot) {
    this.#plans = plans
    this.#snapshot = snapshot
    this.memberNames = Int32Array.from(plans.members, ({ name }) => snapshot.nameId(name))
    this.memberTypes = Int32Array.from(plans.members, ({ type }) => snapshot.nameId(type))
    for (const { id, isPart } of plans.members) {
      if (isPart) continue
      const type = this.memberTypes[id]!
      const name = this.memberNames[id]!
      if (type < 0 || name < 0) continue
      this.#members[type] ??= new Int32Array(snapshot.names.size).fill(-1)
      this.#members[type][name] = id
    }
  }

  member(type: NameId, name: NameId): MemberId {
    return this.#members[type]?.[name] ?? -1
  }

  target(type: NameId, name: string): MemberId {
    let byType = this.#targets.get(name)
    if (byType === undefined) {
      byType = Int32Array.from(
        { length: this.#snapshot.names.size },
        (_, at) => this.#plans.find(this.#snapshot.nameText(at), name)?.id ?? -1,
      )
      this.#targets.set(name, byType)
    }
    return byType[type] ?? -1
  }
}

const bindings = new WeakMap<Plans, { names: object; size: number; binding: Binding }>()

/** The binding of these plans to the snapshot's graph; made anew when the graph has learnt names since. */
export function bindingOf(plans: Plans, snapshot: ForwardSnapshot): Binding {
  const known = bindings.get(plans)
  if (known !== undefined && known.names === snapshot.names && known.size === snapshot.names.size)
    return known.binding
  const binding = new NameBinding(plans, snapshot)
  bindings.set(plans, { names: snapshot.names, size: snapshot.names.size, binding })
  return binding
}
