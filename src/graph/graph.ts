// The resident graph: all relationships in memory, following the store's log, readable at many revisions.

import { CardeaError } from '../model/errors.ts'
import type { Revision } from '../model/revision.ts'
import type { Change, Head, LoadChunk, LogEntry } from '../store/store.ts'
import { Adjacency, type RowKey } from './adjacency.ts'
import { CaveatRefs } from './caveat-refs.ts'
import { type GraphParts, GraphSnapshot } from './graph-snapshot.ts'
import { History } from './history.ts'
import { loadObjects, loadRows } from './load.ts'
import { Names } from './names.ts'
import { Objects } from './objects.ts'
import { Overlay } from './overlay.ts'
import { type Pin, Pins } from './pins.ts'
import { type AllocateBytes, Segments } from './segments.ts'
import { Shapes } from './shapes.ts'
import type { Snapshot } from './snapshot.ts'

export type { Snapshot } from './snapshot.ts'

export interface GraphOptions {
  /** Reports loading: objects and rows so far, and of how many. */
  readonly onProgress?: (done: number, total: number) => void
  /** How long a revision stays readable after the next one, by the datastore's clock, in milliseconds. Default 60,000. */
  readonly undoWindowMs?: number
  /** Bytes that the undo window may take; open snapshots hold what they need beyond it. Default 64 MiB. */
  readonly maxUndoBytes?: number
  /** Where memory comes from. Default: ordinary array buffers. */
  readonly allocate?: AllocateBytes
  /** 32 bits that decide where ids stand in the dictionary. Default: random, so that nobody can make them collide. */
  readonly hashSeed?: number
  /** Sizes of segments as powers of two. The defaults suit everyone but tests. */
  readonly segmentBits?: {
    /** Values in a page of a column. Default 16. */
    readonly page?: number
    /** Integers in a segment of lists. Default 20. */
    readonly slabs?: number
    /** Bytes in a segment of ids, at least 17. Default 20. */
    readonly ids?: number
  }
}

/** What the graph holds and what it takes, in bytes by part. Parts add up to the total. */
export interface GraphMemory {
  readonly totalBytes: number
  /** The text of all ids. */
  readonly idBytes: number
  /** Dictionary of objects, without the ids themselves. */
  readonly objectBytes: number
  /** Directories of lists, with the lists of up to two rows; and the entries of longer lists. */
  readonly listBytes: number
  readonly slabBytes: number
  /** Records of rows with traits or a history; their caveats apart, as a guess. */
  readonly recordBytes: number
  readonly caveatBytes: number
  /** Lines of the undo window, and overlays of open snapshots of older revisions. */
  readonly historyBytes: number
  readonly overlayBytes: number
  /** What of all this is held for older revisions, as a guess. Not a part of its own. */
  readonly undoBytes: number
  readonly rows: number
  readonly objects: number
  readonly lists: number
  readonly records: number
}

type StartChunk = Extract<LoadChunk, { kind: 'start' }>

/** What {@link GraphOptions} come to. */
interface Settings {
  readonly allocate: AllocateBytes
  readonly pageBits: number
  readonly slabSegmentBits: number
}

export class Graph {
  readonly #settings: Settings
  readonly #memory: { ids: Segments; objects: Segments; lists: Segments; slabs: Segments; records: Segments }
  readonly #historyMemory: Segments
  readonly #names = new Names()
  readonly #shapes = new Shapes()
  readonly #caveats = new CaveatRefs()
  readonly #objects: Objects
  readonly #adjacency: Adjacency
  readonly #pins = new Pins()
  readonly #history: History
  readonly #parts: GraphParts
  #head: Head

  private constructor(start: StartChunk, options: GraphOptions) {
    const allocate = options.allocate ?? ((bytes) => new ArrayBuffer(bytes))
    const {
      page: pageBits = 16,
      slabs: slabSegmentBits = 20,
      ids: idSegmentBits = 20,
    } = options.segmentBits ?? {}
    const segments = () => new Segments(allocate)
    this.#settings = { allocate, pageBits, slabSegmentBits }
    this.#memory = {
      ids: segments(),
      objects: segments(),
      lists: segments(),
      slabs: segments(),
      records: segments(),
    }
    this.#historyMemory = segments()
    this.#head = start.head
    this.#objects = new Objects({
      tables: this.#memory.objects,
      ids: this.#memory.ids,
      pageBits,
      idSegmentBits,
      seed: options.hashSeed ?? globalThis.crypto.getRandomValues(new Int32Array(1))[0]!,
    })
    this.#adjacency = new Adjacency({
      shapes: this.#shapes,
      objects: this.#objects,
      caveats: this.#caveats,
      memory: this.#memory,
      pageBits,
      slabSegmentBits,
    })
    this.#history = new History({
      adjacency: this.#adjacency,
      pins: this.#pins,
      memory: this.#historyMemory,
      windowMs: options.undoWindowMs ?? 60_000,
      maxBytes: options.maxUndoBytes ?? 64 * 2 ** 20,
      floor: start.head.revision,
    })
    this.#parts = {
      names: this.#names,
      objects: this.#objects,
      shapes: this.#shapes,
      adjacency: this.#adjacency,
      letGo: (pin) => this.#letGo(pin),
    }
  }

  /**
   * Builds the graph from the chunks of one load (see {@link LoadChunk} for their order).
   * INTERNAL when the chunks contradict themselves, LIMIT_EXCEEDED when they hold more than a graph can.
   */
  static async load(chunks: AsyncIterable<LoadChunk>, options: GraphOptions = {}): Promise<Graph> {
    let graph: Graph | undefined
    let names: readonly number[] = []
    let done = 0
    let total = 0
    for await (const chunk of chunks) {
      if (chunk.kind === 'start') {
        if (graph !== undefined)
          throw new CardeaError('INTERNAL', 'The datastore sent two starts of one load.')
        graph = new Graph(chunk, options)
        const started = graph
        names = chunk.names.map((name) => started.#names.intern(name))
        graph.#objects.reserve(chunk.objectCount)
        total = chunk.objectCount + chunk.rowCount
        options.onProgress?.(0, total)
        continue
      }
      if (graph === undefined) throw new CardeaError('INTERNAL', 'The datastore sent a load without a start.')
      if (chunk.kind === 'objects') done += loadObjects(graph.#objects, names, chunk)
      else done += loadRows(graph.#adjacency, graph.#shapes, graph.#objects, names, chunk)
      options.onProgress?.(done, total)
    }
    if (graph === undefined) throw new CardeaError('INTERNAL', 'The datastore sent an empty load.')
    graph.#adjacency.keeper = graph.#history
    return graph
  }

  /** The newest revision that was applied. */
  get head(): Head {
    return this.#head
  }

  /**
   * Applies the next transaction of the log. Snapshots that are open stay as they are, cursors under way included.
   * INTERNAL when the entry is not a later one; the graph is to be loaded again when this throws.
   */
  apply(entry: LogEntry): void {
    if (entry.revision <= this.#head.revision) {
      throw new CardeaError(
        'INTERNAL',
        `Revision ${entry.revision} came after revision ${this.#head.revision}; the log must ascend.`,
      )
    }
    for (const change of entry.changes) {
      const row = this.#rowOf(change)
      if (change.operation === 'touch') this.#adjacency.touch(row, change.relationship, entry.revision)
      else this.#adjacency.delete(row, entry.revision)
    }
    const { revision, nonce, committedAtMs, schemaRevision } = entry
    this.#head = { revision, nonce, committedAtMs, schemaRevision }
    this.#pins.leaveHead()
    this.#history.onTransaction(revision, committedAtMs)
  }

  /**
   * Forgets rows that expired before an instant, as garbage collection of the store does without an entry. They must
   * be expired for every reader: the instant lies before the clock of all questions to come. Looks at the next
   * `maxRecords` of the rows with traits at most (default 10,000), so that a call is short; gives how many rows went.
   */
  dropExpired(beforeMs: number, maxRecords = 10_000): number {
    const ended = this.#adjacency.dropExpired(beforeMs, maxRecords, this.#head.revision)
    this.#history.onTransaction(this.#head.revision, this.#head.committedAtMs)
    return ended
  }

  /** The graph as it is now, held until it is released. */
  snapshot(): Snapshot {
    return new GraphSnapshot(this.#parts, this.#pins.holdHead(this.#head.revision))
  }

  /**
   * The graph at a revision: the head, one that an open snapshot holds, or one within the undo window.
   * Undefined for all others; {@link snapshotFromLog} reaches further back.
   */
  snapshotAt(revision: Revision): Snapshot | undefined {
    if (revision === this.#head.revision) return this.snapshot()
    const open = this.#pins.find(revision)
    if (open !== undefined) {
      open.users += 1
      return new GraphSnapshot(this.#parts, open)
    }
    if (revision < this.#history.floor || revision > this.#head.revision) return undefined
    return new GraphSnapshot(this.#parts, this.#pins.hold(revision, revision))
  }

  /**
   * The graph at any revision up to the head, from all entries of the log with `revision < entry.revision <= head`,
   * ascending; entries without changes may be missing. INTERNAL when the entries are not such a list.
   */
  snapshotFromLog(revision: Revision, entries: readonly LogEntry[]): Snapshot {
    const near = this.snapshotAt(revision)
    if (near !== undefined) return near
    const overlay = new Overlay({ ...this.#settings, shapes: this.#shapes, objects: this.#objects })
    let last = revision
    for (const entry of entries) {
      if (entry.revision <= last || entry.revision > this.#head.revision) {
        throw new CardeaError(
          'INTERNAL',
          `Log entries after revision ${revision} must ascend up to the head ${this.#head.revision}; found ${entry.revision} after ${last}.`,
        )
      }
      last = entry.revision
      for (const change of entry.changes) {
        const row = this.#rowOf(change)
        overlay.note(row, this.#shapes.edgeOf(row.place), change.previous)
      }
    }
    return new GraphSnapshot(this.#parts, this.#pins.hold(revision, this.#head.revision, overlay))
  }

  memory(): GraphMemory {
    let overlayBytes = 0
    for (const overlay of this.#pins.overlays()) overlayBytes += overlay.bytes
    const parts = {
      idBytes: this.#memory.ids.bytes,
      objectBytes: this.#memory.objects.bytes,
      listBytes: this.#memory.lists.bytes,
      slabBytes: this.#memory.slabs.bytes,
      recordBytes: this.#memory.records.bytes,
      caveatBytes: this.#caveats.bytes,
      historyBytes: this.#historyMemory.bytes,
      overlayBytes,
    }
    return {
      totalBytes: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0),
      ...parts,
      undoBytes: this.#history.bytes + overlayBytes,
      rows: this.#adjacency.rowCount,
      objects: this.#objects.count,
      lists: this.#adjacency.forward.listCount + this.#adjacency.reverse.listCount,
      records: this.#adjacency.records.count,
    }
  }

  /** The row of a change; names and objects that are new become known. */
  #rowOf({ relationship: { resource, relation, subject }, resourceKey, subjectKey }: Change): RowKey {
    const type = this.#names.intern(resource.type)
    this.#objects.add(resourceKey, type, resource.id)
    this.#objects.add(subjectKey, this.#names.intern(subject.type), subject.id)
    const relationId = this.#names.intern(relation)
    const place = this.#shapes.internPlace(type, relationId, this.#names.intern(subject.relation))
    return { resource: resourceKey, place, subject: subjectKey }
  }

  #letGo(pin: Pin): void {
    this.#pins.letGo(pin)
    if (pin.users === 0) this.#history.work(this.#head.committedAtMs, 1024)
  }
}
