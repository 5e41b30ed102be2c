// Node marks: which nodes one evaluation has reached, and which of them for certain.

/** Nodes of one page, as a power of two. */
export const markPageBits = 12
const pageNodes = 1 << markPageBits
/** A page is two bits for each node: first all that say "for certain", then all that say "perhaps". */
const halfWords = pageNodes / 32
/** Takes the number of a word within a page from a node divided by 32. */
export const markWordMask = halfWords - 1
const pageWords = halfWords * 2
/** Pages that there is room for at first, the unused one included. */
const firstPages = 4

/**
 * A set of nodes from 0 to a largest one, kept as pages of bits that are made where something is marked: marking is
 * one look at memory, small sets in large graphs stay small, and the nodes come back in ascending order.
 */
export class NodeMarks {
  /** How often something was marked, and how often that was news: not marked before, or now certain and not before. */
  count = 0
  news = 0
  /** Where each page begins in the words; 0 for a page that has no marks, so the first words stay unused. */
  readonly pages: Int32Array
  /** Another array after {@link addPage}. */
  words = new Int32Array(pageWords * firstPages)
  #usedWords = pageWords
  /** Whether anything was marked that is not certain: mostly nothing is, and half of the words need no look. */
  #doubtful = false

  /** `maxNode`: the largest node that may be marked. */
  constructor(maxNode: number) {
    this.pages = new Int32Array((maxNode >>> markPageBits) + 1)
  }

  /**
   * Marks the first `count` of `nodes`. Writes those that are news into `into`, which has room for all of them, from
   * `end` on; gives where they end.
   */
  mark(nodes: Int32Array, count: number, certain: boolean, into: Int32Array, end: number): number {
    const { pages } = this
    let { words } = this
    let last = end
    if (!certain) this.#doubtful = true
    for (let at = 0; at < count; at += 1) {
      const node = nodes[at]!
      let page = pages[node >>> markPageBits]!
      if (page === 0) {
        page = this.addPage(node >>> markPageBits)
        words = this.words
      }
      const word = page + ((node >>> 5) & markWordMask)
      const known = words[word]!
      // Written in any case, kept when it is news: no guess of what comes is wrong.
      into[last] = node
      if (certain) {
        words[word] = known | (1 << (node & 31))
        last += ((known >>> (node & 31)) & 1) ^ 1
      } else {
        const perhaps = words[word + halfWords]!
        words[word + halfWords] = perhaps | (1 << (node & 31))
        last += (((known | perhaps) >>> (node & 31)) & 1) ^ 1
      }
    }
    this.count += count
    this.news += last - end
    return last
  }

  /**
   * Marked nodes above `node` (from -1 up), ascending, as many as `into` has room for; gives how many. Each is
   * doubled, with the lowest bit set when it is certain.
   */
  above(node: number, into: Int32Array): number {
    const { pages, words } = this
    const room = into.length
    const first = node + 1
    let count = 0
    let wanted = -1 << (first & 31)
    let word = (first & (pageNodes - 1)) >>> 5
    for (let number = first >>> markPageBits; number < pages.length; number += 1) {
      const page = pages[number]!
      for (; page !== 0 && word < halfWords; word += 1) {
        const certain = words[page + word]!
        const start = (number << markPageBits) | (word << 5)
        for (let bits = (certain | words[page + word + halfWords]!) & wanted; bits !== 0; bits &= bits - 1) {
          if (count === room) return count
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

  /**
   * Writes certain nodes above `node` into `into[from, to)`, ascending, as long as none comes that is not certain; gives
   * where they end.
   */
  certainAbove(node: number, into: Int32Array, from: number, to: number): number {
    const { pages, words } = this
    const doubtful = this.#doubtful
    const first = node + 1
    let last = from
    let wanted = -1 << (first & 31)
    let word = (first >>> 5) & markWordMask
    for (let number = first >>> markPageBits; number < pages.length; number += 1) {
      const page = pages[number]!
      for (; page !== 0 && word < halfWords; word += 1) {
        const certain = words[page + word]!
        let bits = certain & wanted
        const perhaps = doubtful ? words[page + word + halfWords]! & wanted & ~certain : 0
        // Only what stands below the first that is not certain.
        if (perhaps !== 0) bits &= (perhaps & -perhaps) - 1
        const start = (number << markPageBits) | (word << 5)
        for (; bits !== 0; bits &= bits - 1) {
          if (last === to) return last
          into[last] = start | (31 - Math.clz32(bits & -bits))
          last += 1
        }
        if (perhaps !== 0) return last
        wanted = -1
      }
      word = 0
      wanted = -1
    }
    return last
  }

  /** Makes a page, which there is not yet; gives where it begins. */
  addPage(number: number): number {
    const page = this.#usedWords
    if (page + pageWords > this.words.length) {
      const grown = new Int32Array(this.words.length * 2)
      grown.set(this.words)
      this.words = grown
    }
    this.#usedWords = page + pageWords
    this.pages[number] = page
    return page
  }
}
