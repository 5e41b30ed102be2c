// Sessions: an id belongs to the principal that opened it, and is unknown to everybody else.

import type { Principal } from '../principal.ts'

/** Most sessions that are remembered; the oldest is forgotten first, and its client starts anew. */
const maxSessions = 100_000

/** Who opened which session (MCP, session hijacking). An id is never proof of anything. */
export class Sessions {
  readonly #owners = new Map<string, string>()

  /** Gives a new session to its principal. An id that is known already keeps its owner. */
  bind(sessionId: string, principal: Principal): void {
    if (this.#owners.has(sessionId)) return
    if (this.#owners.size >= maxSessions) {
      for (const oldest of this.#owners.keys()) {
        this.#owners.delete(oldest)
        break
      }
    }
    this.#owners.set(sessionId, principalKey(principal))
  }

  /** Whether the session is this principal's. Another's and an unknown one look the same. */
  owns(sessionId: string, principal: Principal): boolean {
    return this.#owners.get(sessionId) === principalKey(principal)
  }

  forget(sessionId: string): void {
    this.#owners.delete(sessionId)
  }
}

/**
 * What makes two tokens the same caller: issuer, kind, subject, client and the chain of actors. A refreshed token is the
 * same caller; another client of the same person is not, since its agent may see less.
 */
export function principalKey(principal: Principal): string {
  const actors = principal.actors.map(({ issuer, subject }) => [issuer ?? null, subject])
  return JSON.stringify([
    principal.issuer,
    principal.kind,
    principal.subject,
    principal.clientId ?? null,
    actors,
    principal.subjectRef,
    principal.agentRef ?? null,
  ])
}
