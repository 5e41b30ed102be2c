// Flags: each with an environment twin and, for `serve`, a key in the configuration file.

import { Option } from 'commander'

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
