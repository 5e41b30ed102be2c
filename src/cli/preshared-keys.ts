// Preshared keys: from flags, environment or a file; generated at the first start when none is given.

import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CardeaError } from '../model/errors.ts'

/** Shortest key that is accepted, in characters. */
const minKeyCharacters = 8

/** Keys in one text, separated by commas; CONFIG_INVALID when one is too short to be a secret. */
export function parseKeys(text: string, source: string): string[] {
  const keys = text.split(',').map((key) => key.trim())
  for (const key of keys) {
    if (key.length < minKeyCharacters) {
      throw new CardeaError(
        'CONFIG_INVALID',
        `${source}: a preshared key needs at least ${minKeyCharacters} characters. Make one with: openssl rand -hex 32`,
      )
    }
  }
  return keys
}

/** The key of `.cardea/preshared-key` under `folder`, made with mode 0600 when it is not there. */
export function generatedKey(folder: string): { key: string; path: string; created: boolean } {
  const path = join(folder, '.cardea', 'preshared-key')
  if (existsSync(path)) {
    if ((statSync(path).mode & 0o077) !== 0) {
      throw new CardeaError('CONFIG_INVALID', `${path} can be read by others. Run: chmod 600 ${path}`)
    }
    return { key: parseKeys(readFileSync(path, 'utf8').trim(), path)[0]!, path, created: false }
  }
  const key = randomBytes(32).toString('base64url')
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, `${key}\n`, { mode: 0o600, flag: 'wx' })
    chmodSync(path, 0o600)
  } catch (cause) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `No --preshared-key was given and ${path} cannot be written: ${(cause as Error).message}`,
      {},
      { cause },
    )
  }
  return { key, path, created: true }
}
