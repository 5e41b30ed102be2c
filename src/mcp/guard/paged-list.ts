// Pages of lists: a server's cursor may name what is hidden and belongs to whoever was given it, so it leaves sealed for them.

import type { JsonObject } from '../../model/context.ts'
import type { GuardedConnection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import { errorAnswer } from './fixed-answers.ts'
import type { Answer } from './message.ts'

/** How long a client may rest between two pages. */
const lifetimeMs = 24 * 3_600_000

/** A list method; `page` is what the server is to be asked with. The answer's `nextCursor` is the server's own. */
export type ListMethod = (
  exchange: Exchange,
  page: JsonObject,
  connection: GuardedConnection,
) => Promise<Answer>

/**
 * The method with cursors sealed for the caller and the method: another principal's, another list's, an expired and an
 * invented one are the same -32602, which MCP has for unknown cursors, and never reach the server.
 */
export function paged(
  list: ListMethod,
): (exchange: Exchange, connection: GuardedConnection) => Promise<Answer> {
  return async (exchange, connection) => {
    const page = openedPage(exchange)
    if (page === undefined)
      return exchange.settle(
        errorAnswer(-32602),
        'denied',
        'the cursor was not given to this caller for this list, or too long ago',
      )
    const answer = await list(exchange, page, connection)
    const next = answer.result?.nextCursor
    if (typeof next !== 'string' || next === '') return answer
    const { core, principal, method } = exchange
    const nextCursor = core.seal.seal(next, principal, method, {}, core.clock() + lifetimeMs)
    return { result: { ...answer.result, nextCursor } }
  }
}

/** An empty cursor holds nothing and is nobody's; many clients take it for the end, so it stays what it is. */
function openedPage({ params: { cursor }, core, principal, method }: Exchange): JsonObject | undefined {
  if (cursor === undefined) return {}
  if (typeof cursor !== 'string') return undefined
  if (cursor === '') return { cursor }
  const opened = core.seal.open(cursor, principal, method, {}, core.clock())
  return opened === undefined ? undefined : { cursor: opened }
}
