// "Did you mean": the closest known name to a misspelt one.

const maxCandidates = 500
const maxLength = 128

/** The known name that is closest, unless that is three edits away or more (half the name, for short ones). */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let bestDistance = Math.min(3, Math.ceil(name.length / 2))
  let looked = 0
  for (const candidate of candidates) {
    if (looked++ >= maxCandidates) break
    if (candidate.length > maxLength || Math.abs(candidate.length - name.length) >= bestDistance) continue
    const distance = editDistance(name, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** ` Did you mean \`name\`?` with a leading blank, or nothing when no name is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const nearest = nearestName(name, candidates)
  return nearest === undefined ? '' : ` Did you mean \`${nearest}\`?`
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours between two names (Damerau, "A technique for computer
 * detection and correction of spelling errors", 1964, in its restricted form).
 */
function editDistance(left: string, right: string): number {
  let earlier: number[] = []
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1]
      let cost = Math.min(row[j - 1]! + (same ? 0 : 1), row[j]! + 1, next[j - 1]! + 1)
      const swapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]
      if (swapped) cost = Math.min(cost, earlier[j - 2]! + 1)
      next.push(cost)
    }
    earlier = row
    row = next
  }
  return row[right.length]!
}
