// Atoms: (object, member) pairs met by one evaluation, numbered in the order they are met.

/**
 * An open-addressing table from (node, member) to a dense index. Clearing costs nothing, so one table serves many
 * evaluations: entries of an older generation do not count.
 */
export class AtomTable {
  nodes = new Int32Array(64)
  members = new Int32Array(64)
  size = 0
  #slots = new Int32Array(256)
  #generations = new Int32Array(256)
  #generation = 1

  clear(): void {
    this.size = 0
    this.#generation += 1
    // A table that one large evaluation has grown is not kept for the small ones after it.
    if (this.#slots.length > 1 << 20) {
      this.nodes = new Int32Array(64)
      this.members = new Int32Array(64)
      this.#slots = new Int32Array(256)
      this.#generations = new Int32Array(256)
      this.#generation = 1
    }
  }

  /** Index of the atom, or -1 when it was not met yet. */
  find(node: number, member: number): number {
    const mask = this.#slots.length - 1
    let slot = hash(node, member) & mask
    while (this.#generations[slot] === this.#generation) {
      const index = this.#slots[slot]!
      if (this.nodes[index] === node && this.members[index] === member) return index
      slot = (slot + 1) & mask
    }
    return -1
  }

  /** Index of the atom, added if it was not there. */
  intern(node: number, member: number): number {
    const size = this.size
    const mask = this.#slots.length - 1
    let slot = hash(node, member) & mask
    while (this.#generations[slot] === this.#generation) {
      const index = this.#slots[slot]!
      if (this.nodes[index] === node && this.members[index] === member) return index
      slot = (slot + 1) & mask
    }
    this.#enter(slot, node, member)
    return size
  }

  /** Adds an atom: its new index, or -1 when it was there. */
  add(node: number, member: number): number {
    const mask = this.#slots.length - 1
    let slot = hash(node, member) & mask
    while (this.#generations[slot] === this.#generation) {
      const index = this.#slots[slot]!
      if (this.nodes[index] === node && this.members[index] === member) return -1
      slot = (slot + 1) & mask
    }
    this.#enter(slot, node, member)
    return this.size - 1
  }

  /** Puts a new atom into a free slot. */
  #enter(slot: number, node: number, member: number): void {
    const index = this.size
    if (index === this.nodes.length) this.#growRows()
    this.nodes[index] = node
    this.members[index] = member
    this.size += 1
    this.#slots[slot] = index
    this.#generations[slot] = this.#generation
    if (this.size * 2 > this.#slots.length) this.#growSlots()
  }

  #growRows(): void {
    const nodes = new Int32Array(this.nodes.length * 2)
    nodes.set(this.nodes)
    this.nodes = nodes
    const members = new Int32Array(this.members.length * 2)
    members.set(this.members)
    this.members = members
  }

  #growSlots(): void {
    const length = this.#slots.length * 2
    this.#slots = new Int32Array(length)
    this.#generations = new Int32Array(length)
    this.#generation = 1
    for (let index = 0; index < this.size; index += 1) {
      let slot = hash(this.nodes[index]!, this.members[index]!) & (length - 1)
      while (this.#generations[slot] === 1) slot = (slot + 1) & (length - 1)
      this.#slots[slot] = index
      this.#generations[slot] = 1
    }
  }
}

function hash(node: number, member: number): number {
  let mixed = Math.imul(node, 0x9e3779b1) ^ Math.imul(member + 1, 0x85ebca6b)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed, 0x2c1b3c6d)
  return mixed ^ (mixed >>> 13)
}
