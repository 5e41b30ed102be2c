// Importing a file: in chunks, each of them one transaction, so that memory stays constant and an import that was
// interrupted goes on where it stopped.

import { defaultLimits } from '../../authorizer/limits.ts'
import { validateRelationship, validateUpdates } from '../../authorizer/validate-updates.ts'
import { checkedSchema } from '../../authorizer/writes.ts'
import { CardeaError } from '../../model/errors.ts'
import type { Relationship } from '../../model/relationship.ts'
import type { Schema } from '../../model/schema.ts'
import type { FileMark, FileRow, RelationshipFileReader } from './relationship-file.ts'
import { identityOf, type RelationshipTarget } from './relationship-target.ts'
import type { StateFile } from './state-file.ts'

/**
 * What to do about relationships that the datastore holds already. `fail`: refuse before anything is written.
 * `create`: add to them, and stop at one that is there already. `touch`: add to them, replacing those that are.
 */
export const existingChoices = ['fail', 'create', 'touch'] as const
export type ExistingChoice = (typeof existingChoices)[number]

/** How far an import has come. */
export interface ImportState {
  readonly target: string
  readonly existing: ExistingChoice
  readonly rows: number
  readonly mark: FileMark
}

export interface ImportRequest {
  readonly reader: RelationshipFileReader
  /** For errors. */
  readonly fileName: string
  readonly target: RelationshipTarget
  readonly existing: ExistingChoice
  /** Which schema holds when file and datastore have different ones; undefined: neither, that is an error. */
  readonly schema?: 'keep' | 'replace'
  /** Undefined for a stream, which cannot be read again. */
  readonly state?: StateFile<ImportState>
  readonly chunkRows?: number
  /** Bytes of the file that are done with, and relationships written. */
  readonly onProgress?: (bytes: number, rows: number) => void
  /** Stops after the chunk that is being written. */
  readonly signal?: AbortSignal
}

/** Relationships of one transaction. */
const defaultChunkRows = 10_000

/**
 * Resolves with how many relationships were written, and how many of them before this call. Errors: CONFIG_INVALID
 * with `file:line` and the cure, CANCELLED, and as the target's. What was written before an error stays, and the same
 * call goes on behind it.
 */
export async function importRelationships(
  request: ImportRequest,
): Promise<{ readonly rows: number; readonly resumedAt: number }> {
  const { reader, target, existing, state, signal, onProgress, chunkRows = defaultChunkRows } = request
  const earlier = state?.read()
  if (earlier !== undefined) await resume(request, earlier)
  else if (existing === 'fail' && !(await target.isEmpty())) {
    throw new CardeaError(
      'CONFIG_INVALID',
      'The datastore holds relationships already. Choose what happens to them: --existing create (add, stop at one that exists), --existing touch (add and replace), or import into an empty datastore.',
    )
  }
  const operation = existing === 'touch' ? 'touch' : 'create'
  let rows = earlier?.rows ?? 0
  let schema: Schema | undefined
  let unsure = earlier !== undefined
  let chunk = new Chunk(request.fileName)

  const flush = async () => {
    if (chunk.rows.length === 0) return
    schema ??= await schemaInForce(target)
    chunk.validate(schema)
    // The chunk behind the mark may have been written without the mark.
    const written = unsure && operation === 'create' && (await target.holds(chunk.rows))
    if (!written) await target.write(operation, chunk.rows).catch((error) => chunk.explain(error))
    unsure = false
    rows += chunk.rows.length
    chunk = new Chunk(request.fileName)
  }
  for await (const part of reader.parts()) {
    if (part.kind === 'schema') {
      await applySchema(target, part.text, request)
      continue
    }
    for (const row of part.rows) {
      // Within one transaction the last of two lines would not win.
      if (chunk.has(row) && operation === 'touch') await flush()
      chunk.add(row)
    }
    if (chunk.rows.length < chunkRows) continue
    await flush()
    const mark = part.mark()
    state?.write({ target: target.name, existing, rows, mark })
    onProgress?.(mark.offsetBytes, rows)
    if (signal?.aborted) {
      const again = state === undefined ? '' : ' Run the same command again to go on from there.'
      throw new CardeaError(
        'CANCELLED',
        `Interrupted after line ${mark.line} (${rows} relationships).${again}`,
      )
    }
  }
  await flush()
  state?.remove()
  return { rows, resumedAt: earlier?.rows ?? 0 }
}

/** Parses and validates the whole file against the schema it brings, or the target's; gives how many rows it has. */
export async function checkFile(
  reader: RelationshipFileReader,
  fileName: string,
  readSchema: () => Promise<string | undefined>,
): Promise<number> {
  let schema: Schema | undefined
  let rows = 0
  for await (const part of reader.parts()) {
    if (part.kind === 'schema') {
      schema = checkedSchema(part.text)
      continue
    }
    schema ??= checkedSchema((await readSchema()) ?? '')
    const chunk = new Chunk(fileName)
    for (const row of part.rows) chunk.add(row)
    chunk.validate(schema)
    rows += part.rows.length
  }
  return rows
}

async function resume({ reader, fileName, target, existing, state }: ImportRequest, earlier: ImportState) {
  const refuse = (why: string) =>
    new CardeaError(
      'CONFIG_INVALID',
      `${state!.path} says that an import of ${fileName} was interrupted after line ${earlier.mark.line}, but ${why}. Delete ${state!.path} to begin anew.`,
    )
  if (earlier.target !== target.name)
    throw refuse(`it went to ${earlier.target}, and this one goes to ${target.name}`)
  if (earlier.existing !== existing) throw refuse(`it was one with --existing ${earlier.existing}`)
  if (!(await reader.resumeAt(earlier.mark))) throw refuse('the lines before that are others now')
}

async function schemaInForce(target: RelationshipTarget): Promise<Schema> {
  const text = await target.readSchema()
  if (text !== undefined) return checkedSchema(text)
  throw new CardeaError(
    'SCHEMA_NOT_FOUND',
    'The datastore has no schema, and the file brings none. Write one first: cardea schema write FILE.',
  )
}

async function applySchema(
  target: RelationshipTarget,
  text: string,
  { schema, fileName }: ImportRequest,
): Promise<void> {
  const there = await target.readSchema()
  if (there?.trim() === text.trim()) return
  if (there === undefined || schema === 'replace') return target.writeSchema(text)
  if (schema === 'keep') return
  throw new CardeaError(
    'CONFIG_INVALID',
    `${fileName} has another schema than the datastore. Choose one: --schema keep (the datastore's) or --schema replace (the file's).`,
  )
}

/** Rows that are written together, and where they come from. */
class Chunk {
  readonly rows: Relationship[] = []
  readonly #lines: number[] = []
  readonly #byIdentity = new Map<string, number>()
  readonly #fileName: string

  constructor(fileName: string) {
    this.#fileName = fileName
  }

  has({ relationship }: FileRow): boolean {
    return this.#byIdentity.has(identityOf(relationship))
  }

  add({ relationship, line }: FileRow): void {
    const identity = identityOf(relationship)
    const before = this.#byIdentity.get(identity)
    if (before !== undefined) {
      throw this.#at(line, `${identity} stands on line ${before} already; remove one of the two.`)
    }
    this.#byIdentity.set(identity, line)
    this.rows.push(relationship)
    this.#lines.push(line)
  }

  /** Before anything is sent, so that an error has the line that it is about. */
  validate(schema: Schema): void {
    for (const [at, relationship] of this.rows.entries()) {
      try {
        validateRelationship(relationship, defaultLimits)
        validateUpdates(schema, [{ operation: 'create', relationship }])
      } catch (error) {
        throw this.#at(this.#lines[at]!, `${(error as Error).message} Nothing of this chunk was written.`)
      }
    }
  }

  explain(error: unknown): never {
    if (error instanceof CardeaError && error.code === 'RELATIONSHIP_EXISTS') {
      const identity = error.facts.relationship ?? ''
      const line = this.#byIdentity.get(identity)
      if (line !== undefined)
        throw this.#at(
          line,
          `${identity} exists already. Use --existing touch to replace what exists, or remove the line.`,
        )
    }
    throw error
  }

  #at(line: number, problem: string): CardeaError {
    return new CardeaError('CONFIG_INVALID', `${this.#fileName}:${line}: ${problem}`)
  }
}
