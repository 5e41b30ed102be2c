// Equations: what the truth of one atom, a relation or permission on an object, depends on.

import type { NameId } from '../graph/snapshot.ts'
import { no, type Truth, type Truths } from './truth.ts'

/** The row itself grants. */
export const grants = -1
/** The row leads to an object whose type lacks what is asked of it. */
export const leadsNowhere = -2

/** One row of a relation: it contributes its own truth and that of the atom it leads to. */
export interface RowTerm {
  readonly truth: Truth
  /** Index of an atom, {@link grants} or {@link leadsNowhere}. */
  readonly atom: number
  readonly subject: number
  readonly subjectRelation: NameId
  readonly traits: number
}

export type Equation =
  | { readonly kind: 'constant'; readonly truth: Truth; readonly why: 'nil' | 'self' | 'identity' }
  | { readonly kind: 'atom'; readonly atom: number }
  /** `some`: any row will do. `every`: all rows must, and there must be one. `relation` is the member with the rows. */
  | { readonly kind: 'some' | 'every'; readonly relation: number; readonly rows: readonly RowTerm[] }
  | { readonly kind: 'union' | 'intersection'; readonly operands: readonly Equation[] }
  | { readonly kind: 'exclusion'; readonly base: Equation; readonly subtracted: Equation }

/** Truths of atoms by index. */
export type Valuation = (atom: number) => Truth

/** Truth of one row: its condition and what it leads to. */
export function rowTruth(row: RowTerm, of: Valuation, truths: Truths): Truth {
  if (row.atom === leadsNowhere) return no
  return row.atom === grants ? row.truth : truths.and(row.truth, of(row.atom))
}

/**
 * Truth of an equation. Atoms under an odd number of subtractions are looked up in `negative`, the others in
 * `positive`; recursion is over the schema's expression, never over data.
 */
export function evaluate(
  equation: Equation,
  positive: Valuation,
  negative: Valuation,
  truths: Truths,
): Truth {
  switch (equation.kind) {
    case 'constant':
      return equation.truth
    case 'atom':
      return positive(equation.atom)
    case 'some': {
      let truth: Truth = no
      for (const row of equation.rows) truth = truths.or(truth, rowTruth(row, positive, truths))
      return truth
    }
    case 'every': {
      if (equation.rows.length === 0) return no
      let truth: Truth = 1
      for (const row of equation.rows) truth = truths.and(truth, rowTruth(row, positive, truths))
      return truth
    }
    case 'union': {
      let truth: Truth = no
      for (const operand of equation.operands)
        truth = truths.or(truth, evaluate(operand, positive, negative, truths))
      return truth
    }
    case 'intersection': {
      let truth: Truth = 1
      for (const operand of equation.operands)
        truth = truths.and(truth, evaluate(operand, positive, negative, truths))
      return truth
    }
    case 'exclusion': {
      const base = evaluate(equation.base, positive, negative, truths)
      return base === no
        ? no
        : truths.and(base, truths.not(evaluate(equation.subtracted, negative, positive, truths)))
    }
  }
}

/** Calls `visit` for every atom that an equation mentions, and whether it is under an odd number of subtractions. */
export function eachAtom(
  equation: Equation,
  visit: (atom: number, negative: boolean) => void,
  negative = false,
): void {
  switch (equation.kind) {
    case 'constant':
      return
    case 'atom':
      visit(equation.atom, negative)
      return
    case 'some':
    case 'every':
      for (const row of equation.rows) if (row.atom >= 0) visit(row.atom, negative)
      return
    case 'union':
    case 'intersection':
      for (const operand of equation.operands) eachAtom(operand, visit, negative)
      return
    case 'exclusion':
      eachAtom(equation.base, visit, negative)
      eachAtom(equation.subtracted, visit, !negative)
  }
}
