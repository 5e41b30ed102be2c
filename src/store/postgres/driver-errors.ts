// Driver errors end here: what PostgreSQL and the network report becomes a CardeaError that says what to do.

import { CardeaError, type ErrorCode, type ErrorFacts } from '../../model/errors.ts'

/** SQLSTATE of a server's error, or the code of a system call's; undefined for other errors. */
export function postgresCode(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : undefined
}

/** Whether it comes from the server or from the connection to it. */
export function isDriverError(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false
  return (
    postgresCode(thrown) !== undefined ||
    /^(Connection terminated|Query read timeout|Client )/.test(thrown.message)
  )
}

/** Whether an open connection was lost: another one may do. */
export function isConnectionLost(thrown: unknown): boolean {
  const code = postgresCode(thrown)
  if (code !== undefined) return /^(08...|57P0[12]|ECONNRESET|EPIPE)$/.test(code)
  return thrown instanceof Error && thrown.message.startsWith('Connection terminated')
}

/** Too many connections, out of memory, deadlock, lock timeout: well again in a moment. */
const passing = /^(53[023]00|40P01|55P03)$/

/**
 * The CardeaError for anything thrown while talking to the server. CardeaErrors stay what they are. The messages name
 * no host, no user and no database: connection strings hold them together with passwords.
 */
export function storeError(thrown: unknown): CardeaError {
  if (thrown instanceof CardeaError) return thrown
  const code = postgresCode(thrown)
  const facts: ErrorFacts = code === undefined ? {} : { postgres_code: code }
  const error = (which: ErrorCode, message: string) =>
    new CardeaError(which, message, facts, { cause: withoutSecrets(thrown) })
  const sqlState = code !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : undefined
  if (sqlState === undefined) {
    return error(
      'UNAVAILABLE',
      `PostgreSQL cannot be reached (${code ?? 'the connection was lost or gave no answer'}); retry. A write that was under way may or may not have been committed.`,
    )
  }
  const words = `${(thrown as Error).message} (SQLSTATE ${sqlState})`
  if (sqlState === '57014') {
    return error('UNAVAILABLE', 'PostgreSQL did not finish within the statement timeout; retry.')
  }
  if (sqlState === '25006') {
    return error(
      'UNAVAILABLE',
      'PostgreSQL is a standby, or is being failed over: it takes no writes and may not know the newest ones; retry, or name the primary.',
    )
  }
  if (/^(08|57P)/.test(sqlState)) {
    return error(
      'UNAVAILABLE',
      `PostgreSQL ended the connection: ${words}; retry. A write that was under way may or may not have been committed.`,
    )
  }
  if (passing.test(sqlState))
    return error('UNAVAILABLE', `PostgreSQL refused for the moment: ${words}; retry.`)
  if (sqlState === '40001') return error('SERIALIZATION_FAILURE', `${words}; retry.`)
  if (sqlState === '53100') {
    return error('STORE_FAILED', `The disk of PostgreSQL is full; nothing was written. Make room and retry.`)
  }
  if (sqlState.startsWith('28')) {
    return error(
      'CONFIG_INVALID',
      `PostgreSQL does not let this user in (SQLSTATE ${sqlState}); check user and password.`,
    )
  }
  if (sqlState === '3D000') return error('CONFIG_INVALID', 'The database does not exist; create it first.')
  if (sqlState === '42501') {
    return error(
      'CONFIG_INVALID',
      `The user lacks a right: ${words}. Grant it, or use the owner of the tables.`,
    )
  }
  return error('STORE_FAILED', `PostgreSQL failed: ${words}.`)
}

/** A copy for the operator's log: the driver hangs its settings on some errors. */
function withoutSecrets(thrown: unknown): Error {
  const source = thrown instanceof Error ? thrown : new Error(String(thrown))
  const { code, detail, hint, where, routine } = source as Error & { [field: string]: unknown }
  const copy = new Error(source.message)
  return Object.assign(copy, { code, detail, hint, where, routine })
}
