// How the benches measure and tell: contenders in turn, the best or the median of rounds, one line for each goal.

export const best = (values: readonly number[]) => Math.min(...values)

export const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!

/** The value below which `share` (0 to 1) of the values lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

/** Milliseconds of each round of each contender. They take turns, so that a busy machine is busy for all of them. */
export async function inTurn<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, () => unknown>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[]
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) {
      const before = performance.now()
      const work = contenders[name]()
      if (work instanceof Promise) await work
      times[name].push(performance.now() - before)
    }
  }
  return times
}

/** The median over the rounds of one contender's time in another's. */
export const ratioOf = (of: readonly number[], to: readonly number[]) =>
  median(of.map((ms, round) => ms / to[round]!))

/**
 * The line that tells of a goal, as run.ts reads it: `P4 first batch: 0.62 x (goal >= 0.5)`. `what` begins with the goal's
 * name; a goal may have several lines and is met when all of them are.
 */
export function tellGoal(what: string, figure: number, unit: string, compare: '>=' | '<=', goal: number) {
  let digits = figure >= 100 || Number.isInteger(figure) ? 0 : figure >= 10 ? 1 : 2
  // A figure is not rounded to the other side of its goal.
  while (digits < 9 && figure >= goal !== Number(figure.toFixed(digits)) >= goal) digits += 1
  const shown = figure.toFixed(digits)
  console.log(`${what}: ${shown}${unit === '' ? '' : ` ${unit}`} (goal ${compare} ${goal})`)
}

/** Lines with columns that stand below each other: the first to the left, the rest to the right. */
export function tellTable(rows: readonly (readonly (string | number)[])[]): void {
  const cells = rows.map((row) => row.map(String))
  const widths = cells.reduce<number[]>(
    (wide, row) => row.map((cell, at) => Math.max(wide[at] ?? 0, cell.length)),
    [],
  )
  for (const row of cells) {
    console.log(
      row
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
        .join('   ')
        .trimEnd(),
    )
  }
}

export const grouped = (value: number) => Math.round(value).toLocaleString('en')

/** Whether this is the short run: smaller data, fewer rounds. */
export const quick = process.argv.includes('--quick')

/** The numbers on the command line, or `otherwise`. */
export function numbersGiven(otherwise: readonly number[]): readonly number[] {
  const given = process.argv.slice(2).filter((word) => /^[\d_]+$/.test(word))
  return given.length > 0 ? given.map((word) => Number(word.replaceAll('_', ''))) : otherwise
}
