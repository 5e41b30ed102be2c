// Exporting to a file: one revision, in a stable order, written to a partial file that takes its name when it is whole.

import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { CardeaError } from '../../model/errors.ts'
import type { Relationship } from '../../model/relationship.ts'
import { documentHead, relationshipLine } from './relationship-file.ts'
import { StateFile } from './state-file.ts'

/** A row, and where to go on behind it if that is known for this row. */
export interface ExportedRow {
  readonly relationship: Relationship
  readonly resume?: string
}

/** The state at one revision. */
export interface RelationshipSource {
  /** Tells the source and its revision from others in a state file; never holds a secret. */
  readonly revision: string
  readonly schemaText: string | undefined
  /** 0: not known. */
  readonly rowCount: number
  /** In the same order every time; `resume` as an {@link ExportedRow} gave it. */
  rows(resume: string | undefined): AsyncIterable<ExportedRow>
}

/** Opens the newest revision, or the one that `revision` names; undefined when that can no longer be read. */
export type OpenSource = (revision?: string) => Promise<RelationshipSource | undefined>

interface ExportState {
  readonly revision: string
  readonly resume: string
  readonly offsetBytes: number
  readonly rows: number
  readonly inDocument: boolean
}

export interface ExportRequest {
  readonly open: OpenSource
  /** `-`: standard output, from the beginning. */
  readonly path: string
  /** Without: lines alone. */
  readonly withSchema: boolean
  readonly onProgress?: (rows: number, total: number) => void
  /** Told when an earlier export cannot go on, and this one begins anew. */
  readonly onRestart?: () => void
  readonly signal?: AbortSignal
}

/** Rows after which the state may be kept, and text that is written at once. */
const rowsPerState = 100_000
const writeBytes = 1 << 20

/** Resolves with how many relationships the file has. CONFIG_INVALID when the file is there already, CANCELLED. */
export async function exportRelationships(
  request: ExportRequest,
): Promise<{ readonly rows: number; readonly resumedAt: number }> {
  const { path, withSchema } = request
  if (path === '-') return { rows: await writeRows(request, new Output(1), undefined), resumedAt: 0 }
  if (existsSync(path))
    throw new CardeaError('CONFIG_INVALID', `${path} exists already; name another file or move it away.`)
  if (!existsSync(dirname(resolve(path))))
    throw new CardeaError('CONFIG_INVALID', `There is no directory ${dirname(resolve(path))}; make it first.`)
  const partial = `${path}.partial`
  const state = new StateFile<ExportState>(`${path}.export-state`)
  const found = existsSync(partial) ? state.read() : undefined
  if (found !== undefined && found.inDocument !== withSchema) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `${partial} is of an export ${found.inDocument ? 'with' : 'without'} the schema. Ask for the same, or delete ${state.path} to begin anew.`,
    )
  }
  const source = await request.open(found?.revision)
  if (source === undefined) {
    request.onRestart?.()
    state.remove()
  }
  const earlier = source === undefined ? undefined : found
  const output = new Output(
    openSync(partial, earlier === undefined ? 'w' : 'r+', 0o600),
    earlier?.offsetBytes,
  )
  try {
    const rows = await writeRows(
      { ...request, open: source === undefined ? request.open : async () => source },
      output,
      {
        earlier,
        state,
      },
    )
    output.sync()
    output.close()
    renameSync(partial, path)
    state.remove()
    return { rows, resumedAt: earlier?.rows ?? 0 }
  } catch (error) {
    output.close()
    // Without a state, nobody can go on with it.
    if (!existsSync(state.path)) rmSync(partial, { force: true })
    throw error
  }
}

async function writeRows(
  { open, withSchema, onProgress, signal }: ExportRequest,
  output: Output,
  kept: { readonly earlier: ExportState | undefined; readonly state: StateFile<ExportState> } | undefined,
): Promise<number> {
  const source = (await open())!
  const { earlier, state } = kept ?? {}
  let rows = earlier?.rows ?? 0
  if (earlier === undefined && withSchema) {
    output.add(
      documentHead(source.schemaText ?? '', [
        'Schema and relationships at one revision. Read back by: cardea relationship import FILE',
      ]),
    )
  }
  let due = rows + rowsPerState
  for await (const { relationship, resume } of source.rows(earlier?.resume)) {
    output.add(relationshipLine(relationship, withSchema))
    rows += 1
    if (rows % 10_000 === 0) onProgress?.(rows, source.rowCount)
    if (resume === undefined) continue
    const stop = signal?.aborted === true
    if (state !== undefined && (rows >= due || stop)) {
      output.sync()
      const { revision } = source
      state.write({ revision, resume, offsetBytes: output.offsetBytes, rows, inDocument: withSchema })
      due = rows + rowsPerState
    }
    if (stop) {
      const again = state === undefined ? '' : ' Run the same command again to go on from there.'
      throw new CardeaError('CANCELLED', `Interrupted after ${rows} relationships.${again}`)
    }
  }
  output.flush()
  onProgress?.(rows, source.rowCount)
  return rows
}

/** Text on its way to a file. */
class Output {
  readonly #file: number
  #parts: string[] = []
  #partsLength = 0
  #offsetBytes: number
  #open = true

  constructor(file: number, offsetBytes = 0) {
    this.#file = file
    this.#offsetBytes = offsetBytes
    // What was written behind the state is written again.
    if (offsetBytes > 0) ftruncateSync(file, offsetBytes)
  }

  get offsetBytes(): number {
    return this.#offsetBytes
  }

  add(text: string): void {
    this.#parts.push(text)
    this.#partsLength += text.length
    if (this.#partsLength >= writeBytes) this.flush()
  }

  flush(): void {
    const bytes = Buffer.from(this.#parts.join(''))
    this.#parts = []
    this.#partsLength = 0
    for (let at = 0; at < bytes.length; ) at += this.#write(bytes, at)
    this.#offsetBytes += bytes.length
  }

  sync(): void {
    this.flush()
    fsyncSync(this.#file)
  }

  close(): void {
    if (this.#open && this.#file !== 1) closeSync(this.#file)
    this.#open = false
  }

  // A pipe takes no place, and may not be ready.
  #write(bytes: Buffer, at: number): number {
    try {
      return this.#file === 1
        ? writeSync(1, bytes, at)
        : writeSync(this.#file, bytes, at, bytes.length - at, this.#offsetBytes + at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
      return 0
    }
  }
}
