// Directories: how the lists of a node are written down.

import { unitsFor } from './blocks.ts'

/**
 * A directory is a block: the number of lists, then three integers for each: shape and slab class; then, for class 0,
 * up to two entries, else the slab's address and the number of its entries. Lists of one node so lie together: most
 * nodes have few, and who asks for one of them mostly asks for the others next.
 */
export const listInts = 3
export const shapeBits = 0xffff
/** By how many bits the class stands above the shape. */
export const classShift = 16

export function directoryUnits(lists: number): number {
  return unitsFor(1 + lists * listInts)
}

export function setList(part: Int32Array, at: number, kind: number, first: number, second: number): void {
  part[at] = (part[at]! & shapeBits) | (kind << classShift)
  part[at + 1] = first
  part[at + 2] = second
}

export function countAt(part: Int32Array, at: number): number {
  if (part[at]! >>> classShift !== 0) return part[at + 2]!
  return (part[at + 1] === 0 ? 0 : 1) + (part[at + 2] === 0 ? 0 : 1)
}
