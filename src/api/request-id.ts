// Request ids: what a call is called in logs and answers.

import { randomUUID } from 'node:crypto'

/** Longest request id that is taken over, in characters. */
const maxRequestIdCharacters = 1024

/** Ids are told apart, not kept secret: random where a process begins, counted after that. In the form of a UUID. */
const beginning = randomUUID().slice(0, -12)
let count = 0

/** The caller's request id, or a new one. */
export function requestIdOf(sent: string | undefined): string {
  if (sent !== undefined && sent !== '' && sent.length <= maxRequestIdCharacters) return sent
  count += 1
  return beginning + count.toString(16).padStart(12, '0')
}
