// Faults: small changes to the sources, each switched on alone, and what tells one from another when lines shift.

/** What identifies a fault in the list of explained survivors. */
export interface FaultKey {
  /** Path below `src/`. */
  readonly file: string
  /** The line on which the changed text begins, trimmed. */
  readonly line: string
  /** The changed text, blanks joined, cut at {@link maxTextLength}. */
  readonly text: string
  readonly replacement: string
  /** 0 for the first fault of the file with this line, text and replacement, 1 for the second. */
  readonly occurrence: number
}

export interface Fault extends FaultKey {
  /** Number in this run. */
  readonly id: string
  readonly mutator: string
  /** 1-based. */
  readonly lineNumber: number
}

const maxTextLength = 160

export function shorten(text: string): string {
  const joined = text.replaceAll(/\s+/g, ' ').trim()
  return joined.length <= maxTextLength ? joined : `${joined.slice(0, maxTextLength)}…`
}

export function keyText({ file, line, text, replacement, occurrence }: FaultKey): string {
  return JSON.stringify([file, line, text, replacement, occurrence])
}
