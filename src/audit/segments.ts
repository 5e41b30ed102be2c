// Segments: the files of one log, oldest first, and their lines.

import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CardeaError } from '../model/errors.ts'

/** Longest line that is read; a longer one is damage, not an entry. */
const maxLineBytes = 256 * 1024 * 1024

/** Where the `number`-th full segment of the log at `path` goes: `audit.jsonl` becomes `audit.jsonl.000001`. */
export function segmentPath(path: string, number: number): string {
  return `${path}.${String(number).padStart(6, '0')}`
}

/** The existing files of a log, oldest first; the last is the one being written, if it exists. */
export async function segmentsOf(path: string): Promise<readonly string[]> {
  const name = basename(path)
  const numbered: { number: number; file: string }[] = []
  for (const file of await readdir(dirname(path)).catch(() => [] as string[])) {
    const match = file.startsWith(`${name}.`) ? /^(\d{6,})$/.exec(file.slice(name.length + 1)) : null
    if (match) numbered.push({ number: Number(match[1]), file: join(dirname(path), file) })
  }
  const files = numbered.sort((a, b) => a.number - b.number).map(({ file }) => file)
  const active = await stat(path).catch(() => undefined)
  return active ? [...files, path] : files
}

/** One line of a file. `complete` is false for bytes after the last newline, which a crash may leave. */
export interface TextLine {
  readonly text: string
  readonly number: number
  /** Offset of the first byte. */
  readonly startByte: number
  readonly complete: boolean
}

/** The lines of a file, read as a stream. Throws STORE_FAILED when the file cannot be read or a line has no end. */
export async function* linesOf(file: string): AsyncGenerator<TextLine> {
  let rest: Buffer = Buffer.alloc(0)
  let number = 0
  let startByte = 0
  try {
    for await (const chunk of createReadStream(file, {
      highWaterMark: 1024 * 1024,
    }) as AsyncIterable<Buffer>) {
      let from = 0
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        const bytes =
          rest.length === 0 ? chunk.subarray(from, end) : Buffer.concat([rest, chunk.subarray(from, end)])
        rest = Buffer.alloc(0)
        number++
        yield { text: bytes.toString('utf8'), number, startByte, complete: true }
        startByte += bytes.length + 1
        from = end + 1
      }
      rest = Buffer.concat([rest, chunk.subarray(from)])
      if (rest.length > maxLineBytes) throw new Error(`line ${number + 1} has no end`)
    }
  } catch (cause) {
    throw new CardeaError(
      'STORE_FAILED',
      `The audit log ${file} cannot be read: ${(cause as Error).message}.`,
      { file },
      { cause },
    )
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), number: number + 1, startByte, complete: false }
}
