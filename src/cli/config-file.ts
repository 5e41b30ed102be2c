// The configuration file: flags written down, one key per flag, nothing else.

import { readFileSync } from 'node:fs'
import { isScalar, LineCounter, parseDocument, type YAMLMap } from 'yaml'
import { CardeaError } from '../model/errors.ts'
import { nearestName } from '../schema/suggestion.ts'

/** Value of each flag that the file sets, by flag name without the dashes (`grpc-addr`). */
export type ConfigValues = ReadonlyMap<string, string | boolean | readonly string[]>

/**
 * Reads `path` (YAML or JSON). CONFIG_INVALID with line and column for an unknown key (with the nearest known one),
 * a duplicate key, or a value that is not text, number, boolean or a list of texts.
 */
export function readConfigFile(path: string, knownFlags: readonly string[]): ConfigValues {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `--config ${path} cannot be read: ${(cause as Error).message}`,
      {},
      { cause },
    )
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const fail = (offset: number | undefined, problem: string) => {
    const { line, col } = lines.linePos(offset ?? 0)
    return new CardeaError('CONFIG_INVALID', `${path}:${line}:${col}: ${problem}`)
  }
  const broken = document.errors[0]
  if (broken !== undefined) throw fail(broken.pos[0], broken.message.split('\n')[0]!)
  const values = new Map<string, string | boolean | readonly string[]>()
  if (document.contents === null) return values
  const map = document.contents as YAMLMap
  if (!Array.isArray(map.items)) throw fail(0, 'expected a mapping of flag names to values.')
  for (const { key, value } of map.items) {
    const offset = isScalar(key) ? key.range?.[0] : undefined
    const name = String(isScalar(key) ? key.value : key)
    if (!knownFlags.includes(name)) {
      const suggestion = nearestName(name, knownFlags)
      throw fail(
        offset,
        `unknown key ${JSON.stringify(name)}.${suggestion === undefined ? '' : ` Did you mean ${JSON.stringify(suggestion)}?`}`,
      )
    }
    const plain: unknown = (value as { toJSON?: () => unknown } | null)?.toJSON?.()
    if (Array.isArray(plain) && plain.every((item) => typeof item === 'string')) values.set(name, plain)
    else if (typeof plain === 'boolean') values.set(name, plain)
    else if (typeof plain === 'string' || typeof plain === 'number') values.set(name, String(plain))
    else
      throw fail(
        offset,
        `the value of ${JSON.stringify(name)} must be text, a number, true/false or a list of texts.`,
      )
  }
  return values
}
