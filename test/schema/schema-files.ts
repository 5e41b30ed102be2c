// The corpora under schema/: read for the tests that run them.

import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'

const schemaFolder = new URL('../../schema/', import.meta.url)

/** Contents of the files with an ending in a folder of schema/, by file name. */
export function readFolder(folder: string, ending: string): ReadonlyMap<string, string> {
  const base = new URL(`${folder}/`, schemaFolder)
  const names = readdirSync(base).filter((name) => name.endsWith(ending))
  return new Map(names.sort().map((name) => [name, readFileSync(new URL(name, base), 'utf8')]))
}

export interface ExpectedProblem {
  readonly source?: string
  readonly at: string
  readonly stage: string
  readonly code: string
  readonly message: string
}

export interface InvalidCase {
  readonly name: string
  readonly schema: string
  readonly options?: { readonly schemaPrefixesRequired?: boolean; readonly expirationAllowed?: boolean }
  readonly imports?: { readonly [path: string]: string }
  readonly problems: readonly ExpectedProblem[]
}

/** The cases of schema/invalid, by file name. */
export function invalidCases(): ReadonlyMap<string, readonly InvalidCase[]> {
  return new Map(
    [...readFolder('invalid', '.yaml')].map(([name, text]) => [name, parse(text) as InvalidCase[]]),
  )
}
