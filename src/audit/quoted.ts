// Quoted texts: strings as JSON writes them, without asking JSON for those that need no escape.

/** What JSON.stringify would escape in a text: whatever has none of it stands between quotes as it is. */
const needsEscape = /["\\]|[^ -\ud7ff\ue000-\uffff]/

/** The text as it stands between the quotes of a JSON string. */
export function escaped(text: string): string {
  return needsEscape.test(text) ? JSON.stringify(text).slice(1, -1) : text
}

/** The text as a JSON string. */
export function quote(text: string): string {
  return `"${escaped(text)}"`
}

/** The texts as a JSON list. */
export function quoteAll(texts: readonly string[]): string {
  return `[${texts.map(quote).join(',')}]`
}
