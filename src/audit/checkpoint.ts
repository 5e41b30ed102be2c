// Checkpoints: signed statements of where the chain stood, so that not even the owner of the file can rewrite it unseen.

import { open, readFile } from 'node:fs/promises'
import {
  CompactSign,
  calculateJwkThumbprint,
  compactVerify,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose'
import { CardeaError } from '../model/errors.ts'
import type { ChainHead } from './entry.ts'

/** What a checkpoint says: the entry `seq` has the hash `hash`. */
export interface Checkpoint extends ChainHead {
  /** ISO 8601 in UTC. */
  readonly at: string
}

/** An Ed25519 key pair for checkpoints, as JWKs. Keep `privateKey` away from whoever can write the log. */
export async function generateCheckpointKey(): Promise<{
  readonly privateKey: JWK
  readonly publicKey: JWK
}> {
  const pair = await generateKeyPair('Ed25519', { extractable: true })
  const [privateKey, publicKey] = await Promise.all([exportJWK(pair.privateKey), exportJWK(pair.publicKey)])
  const kid = await calculateJwkThumbprint(publicKey)
  return { privateKey: { ...privateKey, kid }, publicKey: { ...publicKey, kid } }
}

const typ = 'cardea-audit-checkpoint'

/** Signs one checkpoint as a compact JWS (RFC 7515) with `alg` Ed25519 (RFC 9864). */
export async function signCheckpoint(checkpoint: Checkpoint, privateKey: JWK): Promise<string> {
  if (privateKey.kty !== 'OKP' || privateKey.crv !== 'Ed25519' || privateKey.d === undefined)
    throw new CardeaError(
      'CONFIG_INVALID',
      'The checkpoint key must be a private Ed25519 JWK (kty OKP, crv Ed25519, d).',
    )
  const { seq, hash, at } = checkpoint
  return new CompactSign(new TextEncoder().encode(JSON.stringify({ seq, hash, at })))
    .setProtectedHeader({
      alg: 'Ed25519',
      typ,
      ...(privateKey.kid === undefined ? {} : { kid: privateKey.kid }),
    })
    .sign(await importJWK(privateKey, 'Ed25519'))
}

/** Reads a signed checkpoint; undefined unless one of the keys signed it. */
export async function verifyCheckpoint(
  jws: string,
  publicKeys: readonly JWK[],
): Promise<Checkpoint | undefined> {
  for (const { kty, crv, x } of publicKeys) {
    try {
      const key = await importJWK({ kty, crv, x }, 'Ed25519')
      const { payload, protectedHeader } = await compactVerify(jws, key, { algorithms: ['Ed25519', 'EdDSA'] })
      const checkpoint = JSON.parse(new TextDecoder().decode(payload)) as Checkpoint
      if (
        protectedHeader.typ === typ &&
        Number.isSafeInteger(checkpoint.seq) &&
        typeof checkpoint.hash === 'string'
      )
        return checkpoint
    } catch {
      // Another key may fit.
    }
  }
  return undefined
}

/** The checkpoints of a file, one JWS a line, oldest first; empty if there is no file. An unfinished last line is left out. */
export async function readCheckpoints(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new CardeaError(
      'STORE_FAILED',
      `The checkpoints ${file} cannot be read: ${(cause as Error).message}.`,
      { file },
    )
  })
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
}

/** Appends one checkpoint and waits until it is on disk. */
export async function appendCheckpoint(file: string, jws: string): Promise<void> {
  const handle = await open(file, 'a', 0o600)
  try {
    await handle.appendFile(`${jws}\n`)
    await handle.datasync()
  } finally {
    await handle.close()
  }
}
