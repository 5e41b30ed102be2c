// Node marks: which nodes one evaluation has reached, and which of them for certain.

/** Nodes of one page, as a power of two. */
const pageBits = 12
const pageNodes = 1 << pageBits
/** A page is two bits for each node: first all that say "for certain", then all that say "perhaps". */
const halfWords = pageNodes / 32
const pageWords = halfWords * 2

/**
 * A set of nodes from 0 to a largest one, kept as pages of bits that are made where something is marked: marking is
 * one look at memory, small sets in large graphs stay small, and the nodes come back in ascending order.
 */
export class NodeMarks {
  /** Where each page begins in the words; 0 for a page that has no marks, so the first words stay unused. */
  readonly #pages: Int32Array
  #words = new Int32Array(pageWords * 2)
  #usedWords = pageWords

  /** `maxNode`: the largest node that may be marked. */
  constructor(maxNode: number) {
    this.#pages = new Int32Array((maxNode >>> pageBits) + 1)
  }

  /**
   * Marks the first `count` of `nodes`. Writes those that are news (not marked before, or now certain and not before)
   * into `news`, which has room for all of them, from `end` on; gives where they end.
   */
  mark(nodes: Int32Array, count: number, certain: boolean, news: Int32Array, end: number): number {
    const pages = this.#pages
    let words = this.#words
    let last = end
    for (let at = 0; at < count; at += 1) {
      const node = nodes[at]!
      let page = pages[node >>> pageBits]!
      if (page === 0) {
        page = this.#addPage(node >>> pageBits)
        words = this.#words
      }
      const word = page + ((node & (pageNodes - 1)) >>> 5)
      const known = words[word]!
      // Written in any case, kept when it is news: no guess of what comes is wrong.
      news[last] = node
      if (certain) {
        words[word] = known | (1 << (node & 31))
        last += ((known >>> (node & 31)) & 1) ^ 1
      } else {
        const perhaps = words[word + halfWords]!
        words[word + halfWords] = perhaps | (1 << (node & 31))
        last += (((known | perhaps) >>> (node & 31)) & 1) ^ 1
      }
    }
    return last
  }

  /**
   * Marked nodes above `node` (from -1 up), ascending, as many as `into` has room for; gives how many. Each is
   * doubled, with the lowest bit set when it is certain.
   */
  above(node: number, into: Int32Array): number {
    const first = node + 1
    let count = 0
    let wanted = -1 << (first & 31)
    let word = (first & (pageNodes - 1)) >>> 5
    for (let number = first >>> pageBits; number < this.#pages.length; number += 1) {
      const page = this.#pages[number]!
      for (; page !== 0 && word < halfWords; word += 1) {
        const certain = this.#words[page + word]!
        const start = (number << pageBits) | (word << 5)
        for (
          let bits = (certain | this.#words[page + word + halfWords]!) & wanted;
          bits !== 0;
          bits &= bits - 1
        ) {
          if (count === into.length) return count
          const bit = 31 - Math.clz32(bits & -bits)
          into[count] = ((start | bit) << 1) | ((certain >>> bit) & 1)
          count += 1
        }
        wanted = -1
      }
      word = 0
      wanted = -1
    }
    return count
  }

  #addPage(number: number): number {
    const page = this.#usedWords
    if (page + pageWords > this.#words.length) {
      const grown = new Int32Array(this.#words.length * 2)
      grown.set(this.#words)
      this.#words = grown
    }
    this.#usedWords = page + pageWords
    this.#pages[number] = page
    return page
  }
}
