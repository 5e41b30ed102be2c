// Connections: how this room reaches the server, and what each of them is set to.

import pg from 'pg'
import { CardeaError } from '../../model/errors.ts'
import { storeError } from './driver-errors.ts'

export interface PostgresTls {
  /** PEM of the authorities that the server's certificate must come from. Default: those of Node. */
  readonly ca?: string
  /** PEM of this client's certificate and key, where the server asks for them. */
  readonly cert?: string
  readonly key?: string
  /** Name that the certificate must bear, when it is not the host's. */
  readonly serverName?: string
}

export interface PostgresConnection {
  /**
   * `postgres://user:password@host:port/database`. In its query: `options=-c%20search_path%3Dname` for a schema other
   * than public; `sslmode=verify-full` with `sslrootcert=FILE` (and `sslcert`, `sslkey`) for TLS;
   * `statement_timeout=MS` for {@link PostgresConnection.statementTimeoutMs}, which it overrides.
   */
  readonly connectionString: string
  /** Set: the server must speak TLS with a certificate that holds. */
  readonly tls?: PostgresTls
  /** After how many milliseconds a statement, or an attempt to connect, is given up. Default 10,000. */
  readonly statementTimeoutMs?: number
}

const defaultStatementTimeoutMs = 10_000
const maxStatementTimeoutMs = 3_600_000

/** bigint columns are revisions, counts and milliseconds: all of them safe integers. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) as never,
}

/** CONFIG_INVALID for a text that is no URL of PostgreSQL, without repeating it. */
function urlOf(connectionString: string): URL {
  // The error of URL holds the text, so it ends here.
  const url = URL.canParse(connectionString) ? new URL(connectionString) : undefined
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new CardeaError(
      'CONFIG_INVALID',
      'The connection string is not a URL like postgres://user:password@host:5432/database; special characters in the password are written as %XX.',
    )
  }
  return url
}

/** How long a statement may take, in milliseconds: what the URL says, else the setting, else the default. */
function statementTimeoutOf({ connectionString, statementTimeoutMs }: PostgresConnection): number {
  const text = urlOf(connectionString).searchParams.get('statement_timeout')
  if (text === null) return statementTimeoutMs ?? defaultStatementTimeoutMs
  const timeoutMs = Number(text)
  if (/^\d+$/.test(text) && timeoutMs > 0 && timeoutMs <= maxStatementTimeoutMs) return timeoutMs
  throw new CardeaError(
    'CONFIG_INVALID',
    `statement_timeout=${text} in the connection string is no whole number of milliseconds from 1 to ${maxStatementTimeoutMs}.`,
  )
}

/** The driver's settings. CONFIG_INVALID for a text that is no URL of PostgreSQL, without repeating it. */
export function clientConfig(connection: PostgresConnection, timeoutFactor = 1): pg.ClientConfig {
  const { connectionString, tls } = connection
  const url = urlOf(connectionString)
  const statementTimeoutMs = statementTimeoutOf(connection)
  // The driver would prefer them to what is asked for here, sslmode=disable included.
  const taken = ['statement_timeout']
  if (tls !== undefined) taken.push('ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey')
  const untouched = taken.every((name) => !url.searchParams.has(name))
  for (const name of taken) url.searchParams.delete(name)
  // The driver does not read + as a space.
  url.search = url.search.replaceAll('+', '%20')
  return {
    connectionString: untouched ? connectionString : url.href,
    application_name: 'cardea',
    statement_timeout: statementTimeoutMs * timeoutFactor,
    // The server's own timeout comes first, when it is there to keep it.
    query_timeout: statementTimeoutMs * timeoutFactor + 1_000,
    connectionTimeoutMillis: Math.min(statementTimeoutMs, defaultStatementTimeoutMs),
    keepAlive: true,
    types,
    ...(tls === undefined
      ? {}
      : {
          ssl: {
            rejectUnauthorized: true,
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.cert === undefined ? {} : { cert: tls.cert }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
            ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
          },
        }),
  }
}

/**
 * What the statements of this room rely on, whatever the defaults are; their joins are written in a good order. A
 * standby is refused: it may lag behind what was acknowledged, so nothing that it says is the newest.
 */
const sessionSettings = `DO $$ BEGIN
  IF pg_is_in_recovery() THEN RAISE EXCEPTION 'standby' USING ERRCODE = '25006'; END IF;
END $$;
SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
SET jit = off; SET join_collapse_limit = 1; SET client_encoding = 'UTF8'`

/**
 * Short statements go by index: their plans are kept while tables grow, where a hash over a whole one would be the end.
 */
const shortSettings = `; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off`

/** Connections for short statements. A connection that fails is replaced; what it was doing fails. */
export function openPool(connection: PostgresConnection, poolSize: number): pg.Pool {
  const pool = new pg.Pool({
    ...clientConfig(connection),
    max: poolSize,
    idleTimeoutMillis: 60_000,
    // Returns a promise, which the pool waits for.
    onConnect: (client) => client.query(sessionSettings + shortSettings) as unknown as undefined,
  })
  // An idle connection was lost: whoever needs one next opens it, or says that it cannot.
  pool.on('error', () => {})
  return pool
}

/** How much longer than a statement of a request one may take that works on everything: loads, imports, migrations. */
const longFactor = 60

/**
 * A connection of one's own; whoever asks for it ends it. `onLost` is called once, when it was there and is lost by
 * itself.
 */
export async function openClient(
  connection: PostgresConnection,
  onLost: () => void = () => {},
  timeoutFactor = 1,
): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(connection, timeoutFactor))
  let open = false
  const lost = () => {
    if (!open) return
    open = false
    onLost()
  }
  client.on('error', lost)
  client.on('end', lost)
  try {
    await client.connect()
    await client.query(sessionSettings)
    open = true
    return client
  } catch (error) {
    void client.end().catch(() => {})
    throw storeError(error)
  }
}

/** {@link openClient} for long work. */
export function openLongClient(connection: PostgresConnection): Promise<pg.Client> {
  return openClient(connection, () => {}, longFactor)
}

/** Runs long `work` on a connection of its own. What is open when it throws is rolled back. */
export async function connect<Value>(
  connection: PostgresConnection,
  work: (client: pg.Client) => Promise<Value>,
): Promise<Value> {
  const client = await openLongClient(connection)
  try {
    return await work(client)
  } catch (error) {
    throw storeError(error)
  } finally {
    await client.end().catch(() => {})
  }
}
