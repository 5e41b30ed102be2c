// The walls of the house: which room may import which, and what no room but one may name.

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const mayImport: Record<string, readonly string[]> = {
  model: [],
  caveats: ['model'],
  schema: ['model', 'caveats', 'store'],
  store: ['model'],
  graph: ['model', 'store'],
  engine: ['model', 'caveats', 'store', 'graph'],
  authorizer: ['model', 'caveats', 'schema', 'store', 'graph', 'engine'],
  'schema-tests': ['model', 'caveats', 'schema', 'store', 'graph', 'engine', 'authorizer'],
  audit: ['model'],
  wire: ['model', 'authorizer'],
  api: ['model', 'authorizer', 'wire', 'schema', 'store'],
  client: ['model', 'authorizer', 'wire'],
  mcp: ['model', 'authorizer', 'audit', 'schema'],
  playground: ['model', 'schema', 'store', 'authorizer'],
  cli: ['*'],
  'index.ts': ['model', 'authorizer', 'store'],
  'mcp.ts': ['model', 'mcp', 'audit'],
  'postgres.ts': ['store', 'authorizer'],
  'sqlite.ts': ['model', 'store', 'authorizer'],
}

/** Rooms and files that must run in a browser, so import nothing of Node. */
const browserSafe =
  /^(model|caveats|schema|graph|engine|authorizer|schema-tests)\/|^store\/(memory\/|[^/]+$)|^index\.ts$/

const drivers = ['better-sqlite3', 'pg']

const files = (readdirSync('src', { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts') && !file.includes('/gen/'))
  .sort()

function importsOf(file: string): string[] {
  const text = readFileSync(`src/${file}`, 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1]!)
}

/** The room that a relative import reaches, seen from the importing file. */
function roomOf(file: string, imported: string): string {
  const path = new URL(imported, `file:///src/${file}`).pathname.slice('/src/'.length)
  return path.split('/')[0]!
}

describe('the rooms of src/', () => {
  test.each(files)('%s imports only rooms it may', (file) => {
    const room = file.split('/')[0]!
    const allowed = mayImport[room] ?? []
    const reached = importsOf(file)
      .filter((imported) => imported.startsWith('.'))
      .map((imported) => roomOf(file, imported))
      .filter((other) => other !== room && !allowed.includes('*') && !allowed.includes(other))
    expect(reached).toEqual([])
  })

  test('only wire reaches the generated code', () => {
    const others = files.filter((file) => !file.startsWith('wire/'))
    expect(others.filter((file) => importsOf(file).some((imported) => imported.includes('/gen/')))).toEqual(
      [],
    )
  })

  test('only a store names a database driver', () => {
    const named = files.filter((file) => importsOf(file).some((imported) => drivers.includes(imported)))
    expect(named.filter((file) => !/^store\/(sqlite|postgres)\//.test(file))).toEqual([])
  })

  test('only the command line reads the process', () => {
    const readers = files.filter((file) =>
      /\bprocess\.(env|argv|cwd|exit)/.test(readFileSync(`src/${file}`, 'utf8')),
    )
    expect(readers.filter((file) => !file.startsWith('cli/'))).toEqual([])
  })

  test('browser-safe rooms import nothing of Node', () => {
    const unsafe = files.filter(
      (file) => browserSafe.test(file) && importsOf(file).some((imported) => imported.startsWith('node:')),
    )
    expect(unsafe).toEqual([])
  })

  test('every file says at its top what it is for', () => {
    const silent = files.filter((file) => !/^(#!.*\n)?\/\/ \S/.test(readFileSync(`src/${file}`, 'utf8')))
    expect(silent).toEqual([])
  })
})
