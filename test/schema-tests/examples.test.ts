// Every example schema holds what its validation file says of it.

import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { validateFiles } from '../../src/schema-tests/validate-files.ts'

const folder = 'schema/examples'
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))

const readFile = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

it('has examples to check', () => {
  expect(files.length).toBeGreaterThan(5)
})

it.each(files)('%s', async (name) => {
  const { text, exitCode, reports } = await validateFiles([`${folder}/${name}`], { readFile })
  expect(exitCode, text).toBe(0)
  expect(reports[0]!.assertionCount).toBeGreaterThan(0)
})
