// "Did you mean": the closest known name to a misspelt one.

const maxCandidates = 500

/** ` Did you mean \`name\`?` with a leading blank, or nothing when no name is within two edits. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  let best: string | undefined
  let bestDistance = Math.min(3, Math.ceil(name.length / 2))
  let looked = 0
  for (const candidate of candidates) {
    if (looked++ >= maxCandidates) break
    if (candidate.length > 128 || Math.abs(candidate.length - name.length) >= bestDistance) continue
    const distance = editDistance(name, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best === undefined ? '' : ` Did you mean \`${best}\`?`
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
