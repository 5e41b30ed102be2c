// google.protobuf.Timestamp ↔ milliseconds since the Unix epoch.

import { InvalidField } from './invalid-field.ts'

/** The range of a protobuf Timestamp: years 1 to 9999. */
const minSeconds = -62_135_596_800n
const maxSeconds = 253_402_300_799n

/** Milliseconds; a finer fraction is cut. */
export function instantFromWire(instant: { seconds: bigint; nanos: number }, path: string): number {
  const { seconds, nanos } = instant
  if (seconds < minSeconds || seconds > maxSeconds || nanos < 0 || nanos > 999_999_999)
    throw new InvalidField(path, 'is not an instant between the years 1 and 9999')
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000)
}

export function instantToWire(ms: number): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(ms / 1000)
  return { seconds: BigInt(seconds), nanos: Math.round(ms - seconds * 1000) * 1_000_000 }
}
