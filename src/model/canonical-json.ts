// Canonical JSON: one text per value, whatever order its keys were written in.

import type { JsonValue } from './context.ts'

/**
 * Object keys sorted by UTF-16 code unit, no white space, numbers and strings as JSON.stringify writes them
 * (the rules of RFC 8785). Keys whose value is undefined are left out. Unambiguous: different values, different texts.
 */
export function canonicalJson(value: JsonValue | undefined): string {
  if (value === undefined) return 'null'
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item as JsonValue)).join(',')}]`
  const object = value as { readonly [key: string]: JsonValue | undefined }
  const members = Object.keys(object)
    .filter((key) => object[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key])}`)
  return `{${members.join(',')}}`
}
