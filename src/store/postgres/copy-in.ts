// COPY FROM STDIN with the driver: one buffer into one table.

import type { Connection, Submittable } from 'pg'

/** What the driver's connection does beyond its types. */
interface CopyConnection {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
  sync(): void
}

/** One COPY. The driver drives it as it does its own queries; `done` settles when the server has it all, or refuses. */
class CopyIn implements Submittable {
  readonly done: Promise<void>
  /** The driver wraps it, for its timeout. */
  callback: (error?: Error | null) => void = () => {}
  readonly #text: string
  readonly #data: Buffer
  #failed = false

  constructor(text: string, data: Buffer) {
    this.#text = text
    this.#data = data
    this.done = new Promise((resolve, reject) => {
      this.callback = (error) => (error ? reject(error) : resolve())
    })
  }

  submit(connection: Connection): void {
    ;(connection as unknown as CopyConnection).query(this.#text)
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(this.#data)
    connection.endCopyFrom()
  }

  handleError(error: Error): void {
    if (this.#failed) return
    this.#failed = true
    this.callback(error)
  }

  handleReadyForQuery(): void {
    if (!this.#failed) this.callback()
  }

  handleCommandComplete(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyData(): void {}
}

/** Copies lines of {@link copyLine} into `target`, a table with its columns in parentheses. */
export function copyIn(
  client: { query(copy: Submittable): unknown },
  target: string,
  lines: string,
): Promise<void> {
  const copy = new CopyIn(`COPY ${target} FROM STDIN`, Buffer.from(lines))
  client.query(copy)
  return copy.done
}

/** One row of the text format. */
export function copyLine(cells: readonly (string | number | null)[]): string {
  return `${cells.map((cell) => (cell === null ? '\\N' : escaped(String(cell)))).join('\t')}\n`
}

function escaped(text: string): string {
  if (!/[\\\n\r\t]/.test(text)) return text
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')
}
