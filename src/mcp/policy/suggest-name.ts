// Suggestions: the known name that was probably meant.

/** The closest of `known` to `name`, if it is close enough to be a slip of the finger. */
export function suggestName(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** `; did you mean "x"?`, or what there is to choose from, or nothing. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const names = [...known]
  const suggestion = suggestName(name, names)
  if (suggestion !== undefined) return `; did you mean ${JSON.stringify(suggestion)}?`
  if (names.length === 0) return ''
  return `; there ${names.length === 1 ? 'is' : 'are'} ${names.slice(0, 20).sort().join(', ')}`
}

/** Levenshtein's distance, with a swap of neighbours as one step. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1)
      row.push(cost)
    }
    before = previous
    previous = row
  }
  return previous[b.length]!
}
