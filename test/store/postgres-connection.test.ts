// How PostgreSQL is reached: timeouts and TLS, as the connection string asks for them; a standby is refused.

import { chownSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { clientConfig } from '../../src/store/postgres/connection.ts'
import { openPostgresStore, type PostgresStoreOptions } from '../../src/store/postgres/store.ts'
import { migratePostgres } from '../../src/store/postgres/tables.ts'
import type { Store } from '../../src/store/store.ts'
import { makeCertificate } from '../api/make-certificate.ts'
import { startPostgres } from './postgres-server.ts'
import { touch, until, write } from './support.ts'

describe('statement_timeout', () => {
  const url = 'postgres://me:hush@localhost/x'
  const config = (query: string, factor?: number) => clientConfig({ connectionString: url + query }, factor)

  test('is what the connection string says, else the default; long work has sixty times as long', () => {
    expect(config('')).toMatchObject({ statement_timeout: 10_000, query_timeout: 11_000 })
    const said = config('?statement_timeout=2500&options=-c%20search_path%3Da', 60)
    expect(said).toMatchObject({ statement_timeout: 150_000, query_timeout: 151_000 })
    expect(said.connectionString).toBe(`${url}?options=-c%20search_path%3Da`)
    const settings = { connectionString: `${url}?statement_timeout=2500`, statementTimeoutMs: 4_000 }
    expect(clientConfig(settings).statement_timeout).toBe(2_500)
  })

  test.each(['0', '-5', 'soon', '1.5', '', '99999999999'])('refuses %j', (value) => {
    expect(() => config(`?statement_timeout=${value}`)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.not.stringContaining('hush'),
      }),
    )
  })
})

const server = await startPostgres()
const embedded = typeof server === 'string' || server.directory === undefined ? undefined : server

if (typeof server === 'string' || embedded === undefined) {
  const why =
    typeof server === 'string' ? server : 'the server of CARDEA_TEST_POSTGRES_URL is not ours to change'
  console.warn(`Skipped: TLS and standbys of PostgreSQL: ${why}`)
  test.skip(`TLS and standbys of PostgreSQL (${why})`, () => {})
} else {
  const directory = embedded.directory!
  afterAll(() => embedded.stop())
  let connectionString: string
  const stores: Store[] = []
  beforeEach(async () => {
    connectionString = await embedded.newSchema()
    await migratePostgres({ connectionString })
  })
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close()
  })
  const open = async (options: Partial<PostgresStoreOptions> = {}) => {
    const store = await openPostgresStore({ connectionString, ...options })
    stores.push(store)
    return store
  }
  const withQuery = (parameters: Record<string, string>) => {
    const url = new URL(connectionString)
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    return url.href.replaceAll('+', '%20')
  }

  describe('TLS', () => {
    const authority = makeCertificate('Authority')
    const stranger = makeCertificate('Stranger')
    const ca = join(directory, 'ca.pem')
    const strange = join(directory, 'strange.pem')

    test('is not taken for granted: a server without it is refused where it is asked for', async () => {
      await expect(open({ tls: { ca: authority.cert } })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    })

    describe('of a server that has it', () => {
      beforeAll(async () => {
        const identity = makeCertificate('server', authority)
        writeFileSync(ca, authority.cert)
        writeFileSync(strange, stranger.cert)
        const { uid, gid } = statSync(join(directory, 'data'))
        for (const [name, text] of Object.entries({
          'server.crt': identity.cert,
          'server.key': identity.key,
        })) {
          const path = join(directory, 'data', name)
          writeFileSync(path, text, { mode: 0o600 })
          chownSync(path, uid, gid)
        }
        await embedded.query('ALTER SYSTEM SET ssl = on')
        await embedded.query('SELECT pg_reload_conf()')
        await until(async () => (await embedded.query('SHOW ssl')).rows[0].ssl === 'on')
      })

      const encrypted = async () =>
        (
          await embedded.query(
            `SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'cardea'`,
          )
        ).rows.map(({ ssl }) => ssl)

      test('by the connection string', async () => {
        connectionString = withQuery({ sslmode: 'verify-full', sslrootcert: ca })
        const store = await open()
        await write(store, touch('doc:a#viewer@user:ann'))
        const found = await encrypted()
        expect([found.length > 1, new Set(found)]).toEqual([true, new Set([true])])
      })

      test('by settings, which win over a string that asks for none', async () => {
        connectionString = withQuery({ sslmode: 'disable' })
        await write(await open({ tls: { ca: authority.cert } }), touch('doc:a#viewer@user:ann'))
        expect(new Set(await encrypted())).toEqual(new Set([true]))
      })

      test('a certificate of another authority is refused, and nothing is told', async () => {
        for (const options of [
          { connectionString: withQuery({ sslmode: 'verify-full', sslrootcert: strange }) },
          { tls: { ca: stranger.cert } },
          { tls: { ca: authority.cert, serverName: 'elsewhere.example' } },
        ]) {
          const error = await open(options).catch((thrown: Error) => thrown)
          expect(error).toMatchObject({ code: 'UNAVAILABLE' })
          expect(String((error as Error).message)).not.toMatch(/secret|postgres:\/\//)
        }
        expect(await encrypted()).toEqual([])
      })
    })
  })

  test('a standby is refused: it may not know what was acknowledged last', async () => {
    const store = await open()
    await write(store, touch('doc:a#viewer@user:ann'))
    await store.close()
    await embedded.crash!()
    const signal = join(directory, 'data', 'standby.signal')
    writeFileSync(signal, '')
    // It says that it is ready when it is promoted.
    const restarted = embedded.restart!()
    const answers = () =>
      embedded.query('SELECT 1').then(
        () => true,
        () => false,
      )
    await until(answers, 30_000)
    await expect(open()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('standby'),
    })
    await embedded.query('SELECT pg_promote()')
    await restarted
    const promoted = await open()
    expect((await write(promoted, touch('doc:b#viewer@user:ann'))).revision).toBe(2)
  })
}
