// Relationship files: one relationship per line, or a document with the schema before them (the layout of validation
// files, so that `zed import` and `cardea validate` read it too). Read as a stream, from the beginning or from a mark.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { CardeaError } from '../../model/errors.ts'
import type { Relationship } from '../../model/relationship.ts'
import { formatRelationship, parseRelationship } from '../../model/relationship-text.ts'

/** Where a reader stands after a line. */
export interface FileMark {
  readonly offsetBytes: number
  readonly line: number
  /** Undefined: no relationship and no key has come yet. */
  readonly section: Section | undefined
  /** SHA-256 of everything before, in hex. */
  readonly digest: string
}

export interface FileRow {
  readonly relationship: Relationship
  readonly line: number
}

export type FilePart =
  | { readonly kind: 'schema'; readonly text: string }
  | { readonly kind: 'rows'; readonly rows: readonly FileRow[]; mark(): FileMark }

type Section = 'lines' | 'schema' | 'relationships' | 'other'

/** Bytes of standard input or of a file, from an offset on. */
export type OpenBytes = (offsetBytes: number, endBytes?: number) => AsyncIterable<Buffer>

/** `-` is standard input. CONFIG_INVALID when the file cannot be read. */
export function openBytes(path: string): OpenBytes {
  return async function* (offsetBytes, endBytes) {
    const stream: AsyncIterable<Buffer> =
      path === '-'
        ? process.stdin
        : createReadStream(path, {
            start: offsetBytes,
            highWaterMark: 1 << 18,
            ...(endBytes === undefined ? {} : { end: endBytes - 1 }),
          })
    try {
      if (endBytes !== 0) yield* stream
    } catch (cause) {
      throw new CardeaError(
        'CONFIG_INVALID',
        `${path} cannot be read: ${(cause as Error).message}`,
        {},
        { cause },
      )
    }
  }
}

const key = /^([A-Za-z_]+):(?:[ \t]+(.*?))?[ \t]*$/
/** Keys of validation files that an import has no use for. */
const otherKeys: ReadonlySet<string> = new Set(['assertions', 'validation'])
const blockHeader = /^([|>])([1-9]?)([+-]?)([1-9]?)(?:[ \t]+#.*)?$/

/** Reads one file. `name` is what errors call it. */
export class RelationshipFileReader {
  readonly #name: string
  readonly #open: OpenBytes
  #digest = createHash('sha256')
  #offsetBytes = 0
  #line = 0
  #section: Section | undefined
  /** Of the block that is being read; undefined until its first line with text. */
  #indent: number | undefined
  #schema: string[] = []
  #chomp = ''

  constructor(name: string, open: OpenBytes) {
    this.#name = name
    this.#open = open
  }

  /**
   * Goes on after a mark. False when the file no longer begins with what was read before it: then nothing is known
   * about what is to be left out.
   */
  async resumeAt(mark: FileMark): Promise<boolean> {
    const digest = createHash('sha256')
    let bytes = 0
    for await (const chunk of this.#open(0, mark.offsetBytes)) {
      digest.update(chunk)
      bytes += chunk.length
    }
    if (bytes !== mark.offsetBytes || digest.copy().digest('hex') !== mark.digest) return false
    this.#digest = digest
    this.#offsetBytes = mark.offsetBytes
    this.#line = mark.line
    this.#section = mark.section
    return true
  }

  /** The parts in the order of the file. CONFIG_INVALID with `file:line` and the cure for a line that is no part. */
  async *parts(): AsyncGenerator<FilePart> {
    let rest: Buffer = Buffer.alloc(0)
    for await (const chunk of this.#open(this.#offsetBytes)) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const end = bytes.lastIndexOf(10) + 1
      rest = bytes.subarray(end)
      if (rest.length > maxLineBytes)
        throw this.#error(`the line is longer than ${maxLineBytes} bytes; is this a text file?`, 1)
      if (end > 0) yield* this.#take(bytes.subarray(0, end))
    }
    if (rest.length > 0) yield* this.#take(rest)
    const schema = this.#endSchema()
    if (schema !== undefined) yield schema
  }

  *#take(bytes: Buffer): Generator<FilePart> {
    let rows: FileRow[] = []
    const lines = bytes.toString('utf8').split('\n')
    if (lines.at(-1) === '') lines.pop()
    for (const [at, text] of lines.entries()) {
      this.#line += 1
      const line = text.endsWith('\r') ? text.slice(0, -1) : text
      const schema = this.#read(at === 0 && this.#line === 1 ? line.replace(/^\uFEFF/, '') : line, rows)
      if (schema === undefined) continue
      // Parts come in the order of the file.
      if (rows.length > 0) throw this.#error('the schema must stand before the relationships; move it up.')
      yield schema
      rows = []
    }
    this.#digest.update(bytes)
    this.#offsetBytes += bytes.length
    if (rows.length > 0) yield { kind: 'rows', rows, mark: () => this.#mark() }
  }

  #mark(): FileMark {
    return {
      offsetBytes: this.#offsetBytes,
      line: this.#line,
      section: this.#section,
      digest: this.#digest.copy().digest('hex'),
    }
  }

  /** One line; the schema when it ends here. */
  #read(line: string, rows: FileRow[]): FilePart | undefined {
    const text = line.trim()
    if (this.#section === 'lines') {
      this.#row(text, rows)
      return undefined
    }
    const inside = text === '' || line.startsWith(' ') || line.startsWith('\t')
    if (this.#section === undefined) {
      if (text === '' || text.startsWith('//') || text.startsWith('#') || text === '---') return undefined
      if (!key.test(line)) {
        this.#section = 'lines'
        this.#row(text, rows)
        return undefined
      }
    } else if (inside) {
      if (this.#section === 'relationships') this.#row(text, rows)
      else if (this.#section === 'schema') this.#schemaLine(line, text)
      return undefined
    }
    if (text.startsWith('#') || text === '---' || text === '...') return undefined
    const schema = this.#endSchema()
    this.#begin(line)
    return schema
  }

  #row(text: string, rows: FileRow[]): void {
    if (text === '' || text.startsWith('//')) return
    try {
      rows.push({ relationship: parseRelationship(text), line: this.#line })
    } catch (error) {
      throw this.#error(
        `${(error as Error).message} Write one relationship per line, such as document:readme#viewer@user:ann.`,
      )
    }
  }

  #begin(line: string): void {
    const [, name, value = ''] = key.exec(line) ?? []
    if (name === undefined)
      throw this.#error('expected schema: or relationships:, or a line that is indented under one of them.')
    if (name === 'schemaFile')
      throw this.#error('an import reads one file: write the text of the schema under schema: | instead.')
    if (otherKeys.has(name)) {
      this.#section = 'other'
      return
    }
    if (name !== 'schema' && name !== 'relationships')
      throw this.#error(`unknown key ${JSON.stringify(name)}; a file has schema and relationships.`)
    if (name === 'schema' && this.#section === 'relationships')
      throw this.#error('the schema must stand before the relationships; move it up.')
    const header = blockHeader.exec(value)
    const empty = value === '""' || value === "''"
    if (!empty && (header === null || (name === 'schema' && header[1] === '>'))) {
      throw this.#error(
        `write the value of ${name} as a block: ${name}: | and, on the lines below, its text indented by two spaces.`,
      )
    }
    this.#section = empty ? 'other' : name
    const indent = (header?.[2] ?? '') + (header?.[4] ?? '')
    this.#indent = indent === '' ? undefined : Number(indent)
    this.#chomp = header?.[3] ?? ''
    this.#schema = []
  }

  #schemaLine(line: string, text: string): void {
    const leading = line.length - line.trimStart().length
    if (this.#indent === undefined) {
      if (text !== '') this.#indent = leading
    } else if (text !== '' && leading < this.#indent) {
      throw this.#error(`the schema is indented by ${this.#indent} spaces; indent this line alike.`)
    }
    this.#schema.push(line.slice(this.#indent ?? line.length))
  }

  #endSchema(): FilePart | undefined {
    if (this.#section !== 'schema') return undefined
    const text = this.#schema.join('\n')
    const trimmed = text.replace(/\n*$/, '')
    this.#section = 'other'
    if (trimmed === '') return undefined
    return {
      kind: 'schema',
      text: this.#chomp === '-' ? trimmed : this.#chomp === '+' ? `${text}\n` : `${trimmed}\n`,
    }
  }

  #error(problem: string, ahead = 0): CardeaError {
    return new CardeaError('CONFIG_INVALID', `${this.#name}:${this.#line + ahead}: ${problem}`)
  }
}

/** A relationship has ids of 1024 bytes and a context of 25,000 at most. */
const maxLineBytes = 1 << 20

/** The head of a document: comments, the schema, and the key under which {@link relationshipLine}s follow. */
export function documentHead(schemaText: string, comments: readonly string[]): string {
  const body = schemaText.replace(/\r\n?/g, '\n')
  const trimmed = body.replace(/\n*$/, '')
  const newlines = body.length - trimmed.length
  // A block whose first line begins with a space must say how far it is indented.
  const indent = /^\s/.test(trimmed) ? '2' : ''
  const header = `|${indent}${newlines === 0 ? '-' : newlines === 1 ? '' : '+'}`
  const lines = (newlines > 1 ? body.slice(0, -1) : trimmed).split('\n')
  const schema =
    trimmed === ''
      ? 'schema: ""\n'
      : `schema: ${header}\n${lines.map((line) => (line === '' ? '' : `  ${line}`)).join('\n')}\n`
  return `${comments.map((comment) => `# ${comment}\n`).join('')}${schema}relationships: |\n`
}

/** A line of a document, or of a file of lines alone. */
export function relationshipLine(relationship: Relationship, inDocument: boolean): string {
  return `${inDocument ? '  ' : ''}${formatRelationship(relationship)}\n`
}
