// Subscriptions of one connection: asked when they begin, and again each time something is about to be told.

import type { GuardedConnection } from './connection.ts'
import { reasonOf } from './exchange.ts'
import { mayHear } from './may-hear.ts'

const maxSubscriptions = 10_000

export class Subscriptions {
  readonly #connection: GuardedConnection
  /** The URI the server knows, and the one the client used. */
  readonly #uris = new Map<string, string>()

  constructor(connection: GuardedConnection) {
    this.#connection = connection
  }

  /** False when there are too many. */
  add(serverUri: string, clientUri: string): boolean {
    if (this.#uris.size >= maxSubscriptions && !this.#uris.has(serverUri)) return false
    this.#uris.set(serverUri, clientUri)
    return true
  }

  remove(serverUri: string): void {
    this.#uris.delete(serverUri)
  }

  /** Tells the client of a change, if it asked for that and may still see the resource. */
  async updated(serverUri: string): Promise<void> {
    const clientUri = this.#uris.get(serverUri)
    const { core, principal } = this.#connection
    if (clientUri === undefined || principal === undefined || principal.expiresAtMs <= core.clock()) return
    try {
      const { plan } = await mayHear(core, principal, serverUri, 'update', new AbortController().signal)
      if (plan === undefined) return
    } catch (error) {
      core.log.error({}, `An update was dropped because it could not be authorized: ${reasonOf(error)}`)
      return
    }
    await this.#connection.emit({
      jsonrpc: '2.0',
      method: 'notifications/resources/updated',
      params: { uri: clientUri },
    })
  }
}
