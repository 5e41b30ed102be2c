// Canonical JSON: one text for one value, whatever the order of its keys (RFC 8785 for the values that occur here).

import type { JsonValue } from '../../model/context.ts'

/** Keys sorted by UTF-16 code units, no white space. Members whose value is undefined are left out. */
export function canonicalJson(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}
