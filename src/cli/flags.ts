// Flags: each with an environment twin and, for `serve`, a key in the configuration file.

import { Option } from 'commander'
import { CardeaError } from '../model/errors.ts'

/** `--preshared-key` ↔ `CARDEA_PRESHARED_KEY`. */
export function environmentName(flag: string): string {
  return `CARDEA_${flag.replace(/^--/, '').replaceAll('-', '_').toUpperCase()}`
}

/** An option with its environment twin named in the help. `flags` is commander's form, `--grpc-addr <address>`. */
export function flag(flags: string, description: string, fallback?: string | number | boolean): Option {
  const name = /--[a-z][a-z-]*/.exec(flags)![0]
  const option = new Option(flags, description).env(environmentName(name))
  return fallback === undefined ? option : option.default(fallback)
}

/** A positive whole number, or CONFIG_INVALID that names the flag. */
export function wholeNumber(text: string, flagName: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(value) && value > 0) return value
  throw new CardeaError(
    'CONFIG_INVALID',
    `${flagName} ${JSON.stringify(text)} is not a positive whole number.`,
  )
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `90s`, `5m`, `24h` or `7d`; CONFIG_INVALID that names the flag. */
export function durationMs(text: string, flagName: string): number {
  const match = /^([1-9]\d{0,8})(ms|s|m|h|d)$/.exec(text)
  if (match !== null) return Number(match[1]) * unitMs[match[2]!]!
  throw new CardeaError(
    'CONFIG_INVALID',
    `${flagName} ${JSON.stringify(text)} is no duration; write a whole number and a unit, such as 90s, 5m or 24h.`,
  )
}
