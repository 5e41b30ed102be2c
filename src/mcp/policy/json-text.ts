// JSON in text blocks: read, and written back the way it came.

import { isDeepStrictEqual } from 'node:util'
import type { JsonValue } from '../../model/context.ts'

/** The JSON value of a text, or undefined when it is none. */
export function parseJsonText(text: string): { readonly value: JsonValue } | undefined {
  try {
    return { value: JSON.parse(text) as JsonValue }
  } catch {
    return undefined
  }
}

/**
 * Writes what is left of `original` in the style of `text`, which should be the same JSON. If nothing fell, that is
 * `text` itself; but only if it says nothing that `original` does not, such as a key that stands twice.
 */
export function rewriteJsonText(text: string, original: JsonValue, left: JsonValue): string {
  const after = JSON.stringify(left)
  if (text === after) return text
  const indent = /^[[{]\r?\n([ \t]{1,8})/.exec(text)?.[1]
  if (indent !== undefined && text === JSON.stringify(original, null, indent))
    return JSON.stringify(left, null, indent)
  // Looked at first: where something fell, that is soon found out.
  return isDeepStrictEqual(original, left) && withoutSpace(text) === after ? text : after
}

function withoutSpace(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (piece) => (piece.startsWith('"') ? piece : ''))
}
