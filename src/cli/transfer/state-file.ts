// State files: how far a long transfer has come, so that the same command goes on after an interruption.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { CardeaError } from '../../model/errors.ts'

/** A JSON file that is replaced as a whole and is on the disk when `write` returns. */
export class StateFile<State> {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Undefined when there is none. CONFIG_INVALID for one that cannot be read. */
  read(): State | undefined {
    try {
      return JSON.parse(readFileSync(this.path, 'utf8')) as State
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw this.#failed('cannot be read', cause)
    }
  }

  write(state: State): void {
    const next = `${this.path}.next`
    try {
      const file = openSync(next, 'w', 0o600)
      try {
        writeSync(file, `${JSON.stringify(state)}\n`)
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      renameSync(next, this.path)
    } catch (cause) {
      throw this.#failed('cannot be written', cause)
    }
  }

  remove(): void {
    rmSync(this.path, { force: true })
  }

  #failed(problem: string, cause: unknown): CardeaError {
    return new CardeaError(
      'CONFIG_INVALID',
      `${this.path}, which remembers how far the transfer has come, ${problem}: ${(cause as Error).message}`,
      {},
      { cause },
    )
  }
}
