// Support: the rows on which the truth of a solved atom rests, and the facts that must stay untrue.

import type { Budget } from './budget.ts'
import { type Equation, eachAtom, evaluate, grants, type RowTerm, rowTruth } from './equation.ts'
import type { Work } from './paused-work.ts'
import type { MemberId } from './plans.ts'
import type { Solver } from './solver.ts'
import type { SupportRow } from './support-row.ts'
import { no, type Truth, yes } from './truth.ts'

export interface Support {
  readonly rows: readonly SupportRow[]
  /** Atoms that hold and are relied upon, from the asked one down. */
  readonly atoms: readonly number[]
  /** Atoms that do not hold, which exclusions rely on. */
  readonly absent: readonly number[]
}

/**
 * Extracts a support for an atom that is true. Derivations are ordered first (an atom rests only on atoms derived
 * before it), so that a cycle never supports itself.
 */
export function* supportOf(solver: Solver, root: number, budget: Budget): Work<Support> {
  const ranks = yield* derivationRanks(solver, budget)
  const extraction = new Extraction(solver, ranks)
  extraction.need(root)
  for (let more = extraction.step(); more; more = extraction.step()) {
    budget.steps += 1
    if (budget.spent) yield
  }
  return extraction
}

/** Rank of each atom that is true: the order in which truth arrives when it starts from the rows. */
function* derivationRanks(solver: Solver, budget: Budget): Work<Map<number, number>> {
  const { equations, conditions } = solver
  const dependents = new Map<number, number[]>()
  equations.forEach((equation, atom) => {
    eachAtom(equation, (other, negative) => {
      if (negative) return
      const known = dependents.get(other)
      if (known === undefined) dependents.set(other, [atom])
      else known.push(atom)
    })
  })
  const ranks = new Map<number, number>()
  const positive = (atom: number): Truth => (ranks.has(atom) ? yes : no)
  const negative = (atom: number): Truth => solver.truthOf(atom)
  const queue = equations.map((_, atom) => atom)
  for (let at = 0; at < queue.length; at += 1) {
    const atom = queue[at]!
    budget.steps += 1
    if (budget.spent) yield
    if (ranks.has(atom) || solver.truthOf(atom) !== yes) continue
    if (evaluate(equations[atom]!, positive, negative, conditions.truths) !== yes) continue
    ranks.set(atom, ranks.size)
    queue.push(...(dependents.get(atom) ?? []))
  }
  return ranks
}

class Extraction implements Support {
  readonly rows: SupportRow[] = []
  readonly atoms: number[] = []
  readonly absent: number[] = []
  readonly #solver: Solver
  readonly #ranks: ReadonlyMap<number, number>
  readonly #needed = new Set<number>()
  readonly #refuted = new Set<number>()
  readonly #absent = new Set<number>()
  readonly #rowKeys = new Set<string>()
  readonly #pending: { readonly atom: number; readonly refute: boolean }[] = []

  constructor(solver: Solver, ranks: ReadonlyMap<number, number>) {
    this.#solver = solver
    this.#ranks = ranks
  }

  need(atom: number): void {
    if (this.#needed.has(atom)) return
    this.#needed.add(atom)
    this.atoms.push(atom)
    this.#pending.push({ atom, refute: false })
  }

  #refuteAtom(atom: number, told: boolean): void {
    if (told && this.#solver.isPart(atom)) {
      // A part of an expression has no name by which its absence could be told: what it consists of has.
      this.#refute(atom, this.#solver.equations[atom]!, told)
      return
    }
    if (told && !this.#absent.has(atom)) {
      this.#absent.add(atom)
      this.absent.push(atom)
    }
    if (this.#refuted.has(atom)) return
    this.#refuted.add(atom)
    this.#pending.push({ atom, refute: true })
  }

  /** Follows one atom; false when there is nothing left. */
  step(): boolean {
    const next = this.#pending.pop()
    if (next === undefined) return false
    const equation = this.#solver.equations[next.atom]!
    if (next.refute) this.#refute(next.atom, equation, false)
    else this.#prove(next.atom, equation, this.#ranks.get(next.atom) ?? Number.POSITIVE_INFINITY)
    return true
  }

  /** Takes what makes an equation true, from atoms that were derived before `rank`. */
  #prove(atom: number, equation: Equation, rank: number): void {
    switch (equation.kind) {
      case 'constant':
        return
      case 'atom':
        this.need(equation.atom)
        return
      case 'some': {
        const row = this.#earliest(equation.rows, rank)
        if (row !== undefined) this.#take(atom, equation.relation, row)
        return
      }
      case 'every':
        for (const row of equation.rows) this.#take(atom, equation.relation, row)
        return
      case 'union': {
        const ranked = equation.operands
          .filter((operand) => this.#holdsBefore(operand, rank))
          .map((operand) => ({ operand, cost: this.#latestRank(operand) }))
        ranked.sort((left, right) => left.cost - right.cost)
        if (ranked[0] !== undefined) this.#prove(atom, ranked[0].operand, rank)
        return
      }
      case 'intersection':
        for (const operand of equation.operands) this.#prove(atom, operand, rank)
        return
      case 'exclusion':
        this.#prove(atom, equation.base, rank)
        this.#refute(atom, equation.subtracted, true)
    }
  }

  /** Takes what keeps an equation from being true: rows matter only where an exclusion inside it is made true. */
  #refute(atom: number, equation: Equation, told: boolean): void {
    switch (equation.kind) {
      case 'constant':
        return
      case 'atom':
        this.#refuteAtom(equation.atom, told)
        return
      case 'some':
        for (const row of equation.rows) if (row.atom >= 0) this.#refuteAtom(row.atom, told)
        return
      case 'every': {
        const failing = equation.rows.find((row) => this.#rowTruth(row) === no)
        if (failing === undefined) return
        // The row itself refutes: without it, all the others might do.
        this.#keep(atom, equation.relation, failing)
        // Where its own condition keeps the row away, what it leads to may hold.
        if (failing.truth !== no && failing.atom >= 0) this.#refuteAtom(failing.atom, told)
        return
      }
      case 'union':
        for (const operand of equation.operands) this.#refute(atom, operand, told)
        return
      case 'intersection': {
        const failing = equation.operands.find((operand) => this.#truth(operand) === no)
        if (failing !== undefined) this.#refute(atom, failing, told)
        return
      }
      case 'exclusion':
        if (this.#truth(equation.base) === no) this.#refute(atom, equation.base, told)
        else this.#prove(atom, equation.subtracted, Number.POSITIVE_INFINITY)
    }
  }

  #take(atom: number, relation: MemberId, row: RowTerm): void {
    this.#keep(atom, relation, row)
    if (row.atom >= 0) this.need(row.atom)
  }

  #keep(atom: number, relation: MemberId, { subject, subjectRelation, traits }: RowTerm): void {
    const resource = this.#solver.atoms.nodes[atom]!
    const key = `${resource},${relation},${subject},${subjectRelation}`
    if (!this.#rowKeys.has(key)) {
      this.#rowKeys.add(key)
      this.rows.push({ resource, relation, subject, subjectRelation, traits })
    }
  }

  #earliest(rows: readonly RowTerm[], rank: number): RowTerm | undefined {
    let best: RowTerm | undefined
    let bestRank = Number.POSITIVE_INFINITY
    for (const row of rows) {
      if (row.truth !== yes) continue
      const rowRank = row.atom === grants ? -1 : (this.#ranks.get(row.atom) ?? Number.POSITIVE_INFINITY)
      if (rowRank < rank && rowRank < bestRank) {
        best = row
        bestRank = rowRank
      }
    }
    return best
  }

  #holdsBefore(equation: Equation, rank: number): boolean {
    const { conditions } = this.#solver
    const positive = (atom: number): Truth =>
      (this.#ranks.get(atom) ?? Number.POSITIVE_INFINITY) < rank ? yes : no
    return evaluate(equation, positive, (atom) => this.#solver.truthOf(atom), conditions.truths) === yes
  }

  /** How late the parts of an equation were derived: the shorter proof is usually the earlier one. */
  #latestRank(equation: Equation): number {
    if (equation.kind === 'some') {
      const row = this.#earliest(equation.rows, Number.POSITIVE_INFINITY)
      return row === undefined
        ? Number.POSITIVE_INFINITY
        : row.atom === grants
          ? -1
          : this.#ranks.get(row.atom)!
    }
    let latest = -1
    eachAtom(equation, (atom, negative) => {
      if (!negative) latest = Math.max(latest, this.#ranks.get(atom) ?? -1)
    })
    return latest
  }

  #rowTruth(row: RowTerm): Truth {
    return rowTruth(row, (atom) => this.#solver.truthOf(atom), this.#solver.conditions.truths)
  }

  #truth(equation: Equation): Truth {
    const solved = (atom: number): Truth => this.#solver.truthOf(atom)
    return evaluate(equation, solved, solved, this.#solver.conditions.truths)
  }
}
