// Durations as the policy writes them: `90s`, `15m`, `1h`, `1d`.

import { CardeaError } from '../../model/errors.ts'

const unitMs: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * Reads a duration: a positive whole number and one unit of `ms`, `s`, `m`, `h`, `d`. Returns milliseconds.
 * Throws CONFIG_INVALID; `where` names the setting in the message.
 */
export function parseDuration(text: string, where: string): number {
  const match = typeof text === 'string' ? /^([1-9]\d{0,8})(ms|s|m|h|d)$/.exec(text) : null
  if (!match) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `${where}: ${JSON.stringify(text)} is no duration; write a whole number and a unit, such as 90s, 15m or 1h.`,
      { path: where },
    )
  }
  return Number(match[1]) * unitMs[match[2]!]!
}
