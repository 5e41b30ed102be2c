// The memory store's state as load chunks: the same columns that a database would send.

import type { Head, LoadChunk, ObjectChunk, RowChunk } from '../store.ts'
import type { Row, Rows } from './rows.ts'

const chunkSize = 65_536

/** All chunks of one instant. They share nothing that a later write could change. */
export function loadChunks(rows: Rows, head: Head, schemaText: string | undefined): LoadChunk[] {
  const names = new Names()
  const objectChunks = chunksOf(rows.objects, (objects, first): ObjectChunk => {
    const encoded = objects.map(({ id }) => encoder.encode(id))
    const offsets = new Uint32Array(objects.length + 1)
    encoded.forEach((bytes, at) => {
      offsets[at + 1] = offsets[at]! + bytes.length
    })
    const ids = new Uint8Array(offsets[objects.length]!)
    encoded.forEach((bytes, at) => {
      ids.set(bytes, offsets[at])
    })
    return {
      kind: 'objects',
      keys: Int32Array.from(objects, (_, at) => first + at + 1),
      types: Uint16Array.from(objects, ({ type }) => names.indexOf(type)),
      ids,
      offsets,
    }
  })
  const rowChunks = chunksOf([...rows.all()], (part: readonly Row[]): RowChunk => {
    const traits: RowChunk['traits'][number][] = []
    part.forEach(({ relationship: { caveat, expiresAtMs } }, at) => {
      if (caveat === undefined && expiresAtMs === undefined) return
      traits.push({
        at,
        ...(caveat === undefined ? {} : { caveat }),
        ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      })
    })
    return {
      kind: 'rows',
      resources: Int32Array.from(part, (row) => row.resourceKey),
      relations: Uint16Array.from(part, (row) => names.indexOf(row.relationship.relation)),
      subjects: Int32Array.from(part, (row) => row.subjectKey),
      subjectRelations: Uint16Array.from(part, (row) => names.indexOf(row.relationship.subject.relation)),
      traits,
    }
  })
  return [
    {
      kind: 'start',
      head,
      schemaText,
      names: names.list,
      objectCount: rows.objectCount,
      rowCount: rows.count,
    },
    ...objectChunks,
    ...rowChunks,
  ]
}

const encoder = new TextEncoder()

class Names {
  readonly list: string[] = ['']
  readonly #indices = new Map([['', 0]])

  indexOf(name: string): number {
    let index = this.#indices.get(name)
    if (index === undefined) {
      index = this.list.push(name) - 1
      this.#indices.set(name, index)
    }
    return index
  }
}

function chunksOf<Item, Chunk>(
  items: readonly Item[],
  make: (part: readonly Item[], first: number) => Chunk,
): Chunk[] {
  const chunks: Chunk[] = []
  for (let first = 0; first < items.length; first += chunkSize) {
    chunks.push(make(items.slice(first, first + chunkSize), first))
  }
  return chunks
}
