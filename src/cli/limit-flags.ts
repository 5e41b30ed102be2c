// Flags of limits, so that every name that an error about a limit mentions is a flag, a variable and a key.

import type { Option } from 'commander'
import { defaultServerLimits, type ServerLimits } from '../api/server-limits.ts'
import { type AuthorizerLimits, defaultLimits } from '../authorizer/limits.ts'
import { flag, wholeNumber } from './flags.ts'

interface LimitText {
  readonly unit: 'bytes' | 'ms' | 'count'
  readonly description: string
}

/** Limits of the doors. */
const serverTexts: { readonly [Name in keyof ServerLimits]: LimitText } = {
  maxMessageBytes: { unit: 'bytes', description: 'largest request message or body' },
  maxConcurrentCalls: { unit: 'count', description: 'calls in progress at one door, Watch streams apart' },
  maxConcurrentStreamsPerKey: {
    unit: 'count',
    description: 'lookups, reads, exports and imports in progress for one key',
  },
  maxWatchesPerKey: { unit: 'count', description: 'Watch streams of one key' },
  maxStreamStallMs: { unit: 'ms', description: 'how long a stream waits for a reader that takes nothing' },
  slowCallMs: { unit: 'ms', description: 'calls that take longer are logged' },
}

/** Limits of requests. The window of garbage collection has a flag of its own. */
const requestTexts: { readonly [Name in Exclude<keyof AuthorizerLimits, 'gcWindowMs'>]: LimitText } = {
  maxSteps: { unit: 'count', description: 'elementary steps of one question' },
  maxEntries: { unit: 'count', description: 'entries that one question holds in memory at once' },
  maxUpdatesPerWrite: { unit: 'count', description: 'updates of one write' },
  maxPreconditionsPerWrite: { unit: 'count', description: 'preconditions of one write or delete' },
  maxReadLimit: { unit: 'count', description: 'largest limit of a read; one without a limit is not bounded' },
  maxDeleteLimit: {
    unit: 'count',
    description: 'largest limit of a delete; one without a limit is not bounded',
  },
  maxLookupLimit: {
    unit: 'count',
    description: 'largest limit of a lookup; one without a limit is not bounded',
  },
  maxBulkChecks: { unit: 'count', description: 'questions of one bulk check' },
  maxMetadataBytes: { unit: 'bytes', description: 'transaction metadata, as JSON' },
  maxRequestContextBytes: { unit: 'bytes', description: 'caveat context of a request' },
  maxRelationshipContextBytes: { unit: 'bytes', description: 'caveat context stored with a relationship' },
  maxSchemaBytes: { unit: 'bytes', description: 'schema text' },
  maxSnapshotChanges: {
    unit: 'count',
    description: 'changes undone at most for a read at an older revision',
  },
  maxWatchBacklog: {
    unit: 'count',
    description: 'changes that wait for a slow watcher before it is ended',
  },
  maxStalenessMs: { unit: 'ms', description: 'how long reads go on without a word from the datastore' },
}

/** `maxReadLimit` → `--max-read-limit`. `--max-staleness` is the name that its errors mention. */
function flagName(limit: string): string {
  if (limit === 'maxStalenessMs') return '--max-staleness'
  return `--${limit.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

function optionsOf(texts: object, defaults: object): Option[] {
  return Object.entries(texts as Record<string, LimitText>).map(([name, { unit, description }]) => {
    const value = (defaults as Record<string, number>)[name]
    return flag(`${flagName(name)} <${unit}>`, `${description} (default: ${value})`)
  })
}

/** One option per limit, without a default: what is not said stays what the limit's owner says. */
export function limitOptions(): Option[] {
  return [...optionsOf(serverTexts, defaultServerLimits), ...optionsOf(requestTexts, defaultLimits)]
}

function valuesOf<Limits extends object>(
  texts: { readonly [Name in keyof Limits]?: LimitText },
  given: object,
): Partial<Limits> {
  const values: Record<string, number> = {}
  for (const name of Object.keys(texts)) {
    const flag = flagName(name)
    const attribute = flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
    const text = (given as Record<string, unknown>)[attribute]
    if (text !== undefined) values[name] = wholeNumber(String(text), flag)
  }
  return values as Partial<Limits>
}

/** The limits that flags set; CONFIG_INVALID names the flag of one that is not a positive whole number. */
export function limitsOf(given: object): {
  readonly server: Partial<ServerLimits>
  readonly requests: Partial<AuthorizerLimits>
} {
  return {
    server: valuesOf<ServerLimits>(serverTexts, given),
    requests: valuesOf<AuthorizerLimits>(requestTexts, given),
  }
}
