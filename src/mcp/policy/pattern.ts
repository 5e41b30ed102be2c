// Regular expressions of a policy: whole values or whole lines, in linear time (RE2), whatever the text.

import { RE2JS } from 're2js'

/** A compiled expression that must match a text from its first to its last character. */
export interface Pattern {
  readonly text: string
  /** Names of its groups, in order. */
  readonly groups: readonly string[]
  /** The named groups that took part, or undefined if `text` does not match as a whole. */
  match(text: string): { readonly [group: string]: string } | undefined
}

/** Compiles an RE2 expression. Returns a sentence when it is none. `.` never matches a newline. */
export function compilePattern(text: string): Pattern | string {
  let compiled: RE2JS
  try {
    // Anchored here and not by the engine's own whole-match mode, which would let a trailing newline pass as `$` does.
    compiled = RE2JS.compile(`\\A(?:${text})\\z`)
    RE2JS.compile(text)
  } catch (error) {
    return `${JSON.stringify(text)} is no RE2 expression (${(error as Error).message}); look-around and back-references do not exist there`
  }
  const groups = Object.keys(compiled.namedGroups())
  if (groups.length === 0)
    return { text, groups, match: (value: string) => (compiled.testExact(value) ? noGroups : undefined) }
  return {
    text,
    groups,
    match(value: string) {
      const matcher = compiled.matcher(value)
      if (!matcher.matches()) return undefined
      const found: Record<string, string> = {}
      for (const name of groups) {
        const group = matcher.group(name)
        if (group !== null) found[name] = group
      }
      return found
    },
  }
}

const noGroups = Object.freeze({})

/** Whether `pattern` matches somewhere in `text`, or all of it; for JSONPath filters. Malformed: false (RFC 9535, 2.4.6). */
export function searchPattern(pattern: string, text: string, whole: boolean): boolean {
  try {
    const compiled = RE2JS.compile(pattern)
    return whole ? compiled.testExact(text) : compiled.test(text)
  } catch {
    return false
  }
}
