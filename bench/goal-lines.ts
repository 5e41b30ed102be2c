// Reads the lines in which benches tell of their goals, and says of each goal whether it is met.

export interface Figure {
  readonly goal: string
  /** What stands before the colon, `P4 at 100,000`. */
  readonly what: string
  /** What stands behind it. */
  readonly said: string
  readonly met: boolean
}

export interface Verdict {
  readonly goal: string
  readonly verdict: 'met' | 'not met' | 'not run'
  readonly figures: readonly Figure[]
}

/** Where a line says `(goal 1.6)` only: these are the goals that want little. */
const wantLittle: ReadonlySet<string> = new Set(['P7', 'P8', 'P9'])
const number = (text: string) => Number(text.replaceAll(',', ''))

/** The figure of one line such as `P7: 1.4 x (goal <= 1.6), 3 µs per item (goal <= 5)`; undefined for other lines. */
export function figureOf(line: string): Figure | undefined {
  const [, what, goal, said] = /^((P[1-9])\b[^:]*): (.*\(goal .*)$/.exec(line) ?? []
  if (what === undefined || goal === undefined || said === undefined) return undefined
  const parts = [
    ...said.matchAll(/(-?[\d.,]*\d)[^\d(]*(?:\([^)g]*\)[^\d(]*)?\(goal (>=|<=|≥|≤)? ?([\d.,]*\d)\)/g),
  ]
  const met = parts.every(([, figure, compare, wanted]) => {
    const little = compare === undefined ? wantLittle.has(goal) : compare === '<=' || compare === '≤'
    return little ? number(figure!) <= number(wanted!) : number(figure!) >= number(wanted!)
  })
  return { goal, what, said, met: parts.length > 0 && met }
}

/** One verdict for each goal: met when every figure is, and when every bench that measures it came to its end. */
export function verdicts(
  figures: readonly Figure[],
  goals: readonly string[],
  unmeasured: ReadonlySet<string>,
): Verdict[] {
  return goals.map((goal) => {
    const own = figures.filter((figure) => figure.goal === goal)
    if (own.length === 0) return { goal, verdict: 'not run', figures: own }
    const met = own.every((figure) => figure.met) && !unmeasured.has(goal)
    return { goal, verdict: met ? 'met' : 'not met', figures: own }
  })
}
