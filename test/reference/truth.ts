// Three truth values in a chain, false < missing < true, with Kleene's connectives, and the names behind each "missing".

/** 0 is false, 1 is "missing" (it depends on caveat context that nobody gave), 2 is true. */
export type Level = 0 | 1 | 2

export interface Truth {
  readonly level: Level
  /** Caveat parameters whose values would decide; empty unless the level is 1. */
  readonly names: ReadonlySet<string>
}

const none: ReadonlySet<string> = new Set()

export const no: Truth = { level: 0, names: none }
export const yes: Truth = { level: 2, names: none }

export function missing(names: Iterable<string>): Truth {
  return { level: 1, names: new Set(names) }
}

/** The smaller of the two; of two missing values the names are joined. */
export function and(left: Truth, right: Truth): Truth {
  if (left.level !== right.level) return left.level < right.level ? left : right
  return left.level === 1 ? missing([...left.names, ...right.names]) : left
}

/** The greater of the two; of two missing values the names are joined. */
export function or(left: Truth, right: Truth): Truth {
  if (left.level !== right.level) return left.level > right.level ? left : right
  return left.level === 1 ? missing([...left.names, ...right.names]) : left
}

export function not(value: Truth): Truth {
  return { level: (2 - value.level) as Level, names: value.names }
}

export function sameTruth(left: Truth, right: Truth): boolean {
  return left.level === right.level && left.names.size === right.names.size
}
