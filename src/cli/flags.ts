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
