// The schema archive: every schema under which something was decided, by its hash, so that a proof can be looked at years later.

import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CardeaError } from '../model/errors.ts'
import { syncDirectory } from './log-file.ts'

/** SHA-256 of a schema's text in UTF-8, in hex: what records carry. */
export function schemaHash(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

function archivePath(logPath: string, hash: string): string {
  return join(`${logPath}.schemas`, `${hash}.zed`)
}

/** Keeps a schema beside the log, durably, before the first record that names it. Throws STORE_FAILED. */
export async function archiveSchema(logPath: string, text: string): Promise<void> {
  const path = archivePath(logPath, schemaHash(text))
  if (await stat(path).catch(() => undefined)) return
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const temporary = `${path}.${randomBytes(6).toString('hex')}.writing`
    const handle = await open(temporary, 'w', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
    await syncDirectory(path)
  } catch (cause) {
    throw new CardeaError(
      'STORE_FAILED',
      `The schema cannot be kept at ${path}: ${(cause as Error).message}. Calls are denied until it can be.`,
      { file: path },
      { cause },
    )
  }
}

/** An archived schema; undefined when there is none under this hash, or what is there is not what was archived. */
export async function archivedSchema(logPath: string, hash: string): Promise<string | undefined> {
  if (!/^[0-9a-f]{64}$/.test(hash)) return undefined
  const text = await readFile(archivePath(logPath, hash), 'utf8').catch(() => undefined)
  return text !== undefined && schemaHash(text) === hash ? text : undefined
}
