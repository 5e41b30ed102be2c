// The examples of writing without a dual write run as they stand, and say what they are there to say.

import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { startPostgres } from '../store/postgres-server.ts'
import { emptyFolder } from './run-cardea.ts'

const folder = emptyFolder()
const server = await startPostgres()
afterAll(async () => {
  if (typeof server !== 'string') await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

function run(name: string, words: readonly string[], env: Record<string, string> = {}) {
  const options = { env: { ...process.env, ...env } }
  return new Promise<{ stdout: string; stderr: string; failed: boolean }>((done) => {
    execFile(
      process.execPath,
      [`examples/in-transaction/${name}`, ...words],
      options,
      (error, stdout, stderr) => done({ stdout, stderr, failed: error !== null }),
    )
  })
}

/** The first document and its grant are there; of the second, refused one, neither is. */
const expected = {
  failed: false,
  stderr: '',
  stdout: `documents: plan; ann sees: plan
refused: Definition "document" has no relation "reader".
documents: plan; ann sees: plan
`,
}

test('with better-sqlite3', async () => {
  expect(await run('sqlite.mjs', [join(folder, 'app.db')])).toEqual(expected)
})

test.skipIf(typeof server === 'string')(
  `with pg${typeof server === 'string' ? ` (${server})` : ''}`,
  async () => {
    const url = typeof server === 'string' ? '' : await server.newSchema()
    expect(await run('postgres.mjs', [], { DATABASE_URL: url })).toEqual(expected)
  },
)

test('with pg, but no database: says what to set', async () => {
  const { DATABASE_URL: _, ...env } = process.env
  const outcome = await new Promise((done) => {
    execFile(process.execPath, ['examples/in-transaction/postgres.mjs'], { env }, (error, stdout, stderr) =>
      done({ code: error?.code, stdout, stderr }),
    )
  })
  expect(outcome).toMatchObject({ code: 2, stderr: expect.stringContaining('DATABASE_URL') })
})
