// The dictionary of objects: (type, id) to the store's key and back.

import { CardeaError } from '../model/errors.ts'
import { maxObjectIdBytes } from '../model/reference.ts'
import type { ObjectKey } from '../store/store.ts'
import { maxLoad, mix, placeOf, roomFor, shardCount, shardOf } from './hash.ts'
import { IdArena } from './id-arena.ts'
import { IntColumn, type Segments } from './segments.ts'
import type { NameId } from './snapshot.ts'

export interface ObjectsOptions {
  readonly tables: Segments
  readonly ids: Segments
  readonly pageBits: number
  readonly idSegmentBits: number
  /** Unpredictable 32 bits: nobody who chooses ids shall know which of them collide. */
  readonly seed: number
}

const wordsPerPlace = 3

/** Ids that were made text lately, by the low bits of their keys: whoever is listed once is soon listed again. */
const recentIds = 1 << 18

const encoder = new TextEncoder()
/** The id that is looked for, as bytes: text is slow to read, so it is read once. Longer ones get bytes of their own. */
const sought = new Uint8Array(maxObjectIdBytes)

export class Objects {
  readonly #tables: Segments
  readonly #arena: IdArena
  readonly #seed: number
  /** Type of a key (0: no such object), and address of its id. */
  readonly #types: IntColumn
  readonly #addresses: IntColumn
  /** Open addressing by hash of type and id; a place is three integers: hash, key (0: free), address of the id. */
  readonly #shards: Int32Array[]
  readonly #counts = new Int32Array(shardCount)
  readonly #recentKeys = new Int32Array(recentIds)
  readonly #recentTexts: string[] = []
  #count = 0
  #maxKey = 0

  constructor({ tables, ids, pageBits, idSegmentBits, seed }: ObjectsOptions) {
    this.#tables = tables
    this.#arena = new IdArena(ids, idSegmentBits)
    this.#seed = seed
    this.#types = new IntColumn(tables, pageBits)
    this.#addresses = new IntColumn(tables, pageBits)
    const empty = new Int32Array(wordsPerPlace)
    this.#shards = Array.from({ length: shardCount }, () => empty)
  }

  get count(): number {
    return this.#count
  }

  get maxKey(): ObjectKey {
    return this.#maxKey
  }

  /** Makes room for objects that are about to come. */
  reserve(count: number): void {
    const perShard = count / shardCount
    // Six standard deviations: practically no shard grows again.
    const capacity = Math.ceil((perShard + 6 * Math.sqrt(perShard) + 4) / maxLoad)
    for (let shard = 0; shard < shardCount; shard += 1) {
      if (this.#shards[shard]!.length < capacity * wordsPerPlace) this.#resize(shard, capacity)
    }
  }

  /** 0 for a key without an object. */
  type(key: ObjectKey): NameId {
    return this.#types.get(key)
  }

  /** Empty for a key without an object. */
  id(key: ObjectKey): string {
    const place = key & (recentIds - 1)
    return key > 0 && this.#recentKeys[place] === key ? this.#recentTexts[place]! : this.#makeText(key)
  }

  /** The ids of `keys[from, to)`, at the same places of `into`. */
  ids(keys: Int32Array, from: number, to: number, into: string[]): void {
    const recentKeys = this.#recentKeys
    const recentTexts = this.#recentTexts
    for (let at = from; at < to; at += 1) {
      const key = keys[at]!
      const place = key & (recentIds - 1)
      into[at] = key > 0 && recentKeys[place] === key ? recentTexts[place]! : this.#makeText(key)
    }
  }

  #makeText(key: ObjectKey): string {
    if (this.#types.get(key) === 0) return ''
    const place = key & (recentIds - 1)
    const text = this.#arena.text(this.#addresses.get(key) >>> 0)
    // Filled up from the start, so that it stays a plain array.
    while (this.#recentTexts.length <= place) this.#recentTexts.push('')
    this.#recentKeys[place] = key
    this.#recentTexts[place] = text
    return text
  }

  /** 0 when there is no such object. */
  find(type: NameId, id: string): ObjectKey {
    const { length } = id
    if (length > sought.length) return this.#findEncoded(type, id)
    let hash = this.#seed ^ Math.imul(type, 0x9e37_79b1)
    for (let at = 0; at < length; at += 1) {
      const code = id.charCodeAt(at)
      if (code > 127) return this.#findEncoded(type, id)
      sought[at] = code
      hash = step(hash, code)
    }
    return this.#findBytes(mix(hash), type, sought, length)
  }

  /** Enters an object; nothing happens when the key is known for this very object, else INTERNAL. */
  add(key: ObjectKey, type: NameId, id: string): void {
    const known = this.#types.get(key)
    if (known === 0) {
      const bytes = encoder.encode(id)
      this.addBytes(key, type, bytes, 0, bytes.length)
    } else if (known !== type || this.id(key) !== id) {
      throw new CardeaError(
        'INTERNAL',
        `The datastore gave key ${key} to two objects; the graph cannot be trusted.`,
      )
    }
  }

  /** Enters a new object whose id is `bytes[from, to)`, UTF-8. INTERNAL when the key or the type makes no sense. */
  addBytes(key: ObjectKey, type: NameId, bytes: Uint8Array, from: number, to: number): void {
    if (key < 1 || type === 0 || this.#types.get(key) !== 0) {
      throw new CardeaError('INTERNAL', `The datastore sent an unusable object (key ${key}).`)
    }
    let hash = this.#seed ^ Math.imul(type, 0x9e37_79b1)
    for (let at = from; at < to; at += 1) hash = step(hash, bytes[at]!)
    hash = mix(hash)
    const address = this.#arena.add(type, bytes, from, to) | 0
    this.#addresses.set(key, address)
    this.#types.set(key, type)
    this.#count += 1
    if (key > this.#maxKey) this.#maxKey = key
    const number = shardOf(hash)
    const count = this.#counts[number]! + 1
    this.#counts[number] = count
    if (count * wordsPerPlace > this.#shards[number]!.length * maxLoad) this.#resize(number, roomFor(count))
    enter(this.#shards[number]!, hash, key, address)
  }

  #findEncoded(type: NameId, id: string): ObjectKey {
    const bytes = encoder.encode(id)
    let hash = this.#seed ^ Math.imul(type, 0x9e37_79b1)
    for (const byte of bytes) hash = step(hash, byte)
    return this.#findBytes(mix(hash), type, bytes, bytes.length)
  }

  #findBytes(hash: number, type: NameId, bytes: Uint8Array, length: number): ObjectKey {
    const shard = this.#shards[shardOf(hash)]!
    let at = startOf(hash, shard)
    for (;;) {
      const key = shard[at + 1]!
      if (key === 0) return 0
      if (shard[at] === hash && this.#arena.holds(shard[at + 2]! >>> 0, type, bytes, length)) return key
      at += wordsPerPlace
      if (at === shard.length) at = 0
    }
  }

  #resize(number: number, capacity: number): void {
    const old = this.#shards[number]!
    const shard = this.#tables.ints(capacity * wordsPerPlace)
    for (let at = 0; at < old.length; at += wordsPerPlace) {
      if (old[at + 1] !== 0) enter(shard, old[at]!, old[at + 1]!, old[at + 2]!)
    }
    if (old.length > wordsPerPlace) this.#tables.giveBack(old)
    this.#shards[number] = shard
  }
}

/** Takes one byte into a hash. */
function step(hash: number, byte: number): number {
  const mixed = Math.imul(hash ^ byte, 0x0193_0b5f)
  return mixed ^ (mixed >>> 15)
}

function startOf(hash: number, shard: Int32Array): number {
  return placeOf(hash, (shard.length / wordsPerPlace) | 0) * wordsPerPlace
}

function enter(shard: Int32Array, hash: number, key: ObjectKey, address: number): void {
  let at = startOf(hash, shard)
  while (shard[at + 1] !== 0) {
    at += wordsPerPlace
    if (at === shard.length) at = 0
  }
  shard[at] = hash
  shard[at + 1] = key
  shard[at + 2] = address
}
