// Suggestions for misspelt names.

function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, at) => at)
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= right.length; j += 1) {
      const substitution = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[right.length]!
}

/** The known name closest to `name` by edit distance, unless even that one is far off. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known.map((candidate) => ({ candidate, cost: distance(name.slice(0, 100), candidate) }))
  ranked.sort((left, right) => left.cost - right.cost)
  const best = ranked[0]
  return best !== undefined && best.cost <= Math.max(2, Math.floor(best.candidate.length / 3))
    ? best.candidate
    : undefined
}
