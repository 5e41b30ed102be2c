// Explain: the proof of a yes, the reason of a no, and the tree behind either.

import type { Absence, DenialReason, Evidence, Explanation, Question } from '../model/decision.ts'
import type { ObjectRef } from '../model/reference.ts'
import type { Relationship } from '../model/relationship.ts'
import { Budget } from './budget.ts'
import { answerOf, memberOf } from './check.ts'
import { Conditions, type Leniency } from './conditions.ts'
import type { EngineLimits, Evaluation, ExplainOptions } from './engine.ts'
import { type Equation, evaluate, rowTruth } from './equation.ts'
import { evaluationOf, type Work } from './paused-work.ts'
import { objectOf } from './read-rows.ts'
import { rowsSnapshot } from './rows-snapshot.ts'
import { Solver, type SolverOptions } from './solver.ts'
import { resolve, type Subject } from './subject.ts'
import { suggestGrant } from './suggest-grant.ts'
import { type Support, supportOf } from './support.ts'
import { relationshipOf, type SupportRow } from './support-row.ts'
import { type TraceNames, traceOf } from './trace.ts'
import { no, type Truth, yes } from './truth.ts'
import type { World } from './world.ts'

/** Proofs up to this many rows are minimised by leaving out each row in turn. */
const maxMinimised = 400
/** Steps of a search between two pauses. */
const searchSliceSteps = 16_384
/** Rows shown of the path that came closest. */
const maxVia = 50

export function explain(
  world: World,
  question: Question,
  nowMs: number,
  limits: EngineLimits,
  { suggest = false }: ExplainOptions,
): Evaluation<Explanation> {
  const budget = new Budget(limits)
  const work = new Explaining(world, question, nowMs, budget).work()
  return evaluationOf(budget, suggest ? withSuggestion(work, world, question, nowMs, limits, budget) : work)
}

/** Adds to a no what would turn it into a yes. */
function* withSuggestion(
  work: Work<Explanation>,
  world: World,
  question: Question,
  nowMs: number,
  limits: EngineLimits,
  budget: Budget,
): Work<Explanation> {
  const explanation = yield* work
  const { permissionship, reason } = explanation
  if (permissionship !== 'no' || reason === undefined) return explanation
  const search = suggestGrant(world, question, reason, nowMs, limits)
  for (;;) {
    const suggestion = search.run(searchSliceSteps)
    if (suggestion !== undefined) return { ...explanation, suggestion }
    // The search has its own bound; here it only gives way to others.
    yield
    budget.steps += 1
  }
}

export class Explaining {
  readonly #world: World
  readonly #question: Question
  readonly #nowMs: number
  readonly #budget: Budget
  readonly #node: number
  readonly #subject: Subject
  readonly #member: number
  readonly #names: TraceNames

  constructor(world: World, question: Question, nowMs: number, budget: Budget) {
    this.#world = world
    this.#question = question
    this.#nowMs = nowMs
    this.#budget = budget
    const { node, subject } = resolve(world.snapshot, world.plans, question.resource, question.subject)
    this.#node = node
    this.#subject = subject
    this.#member = memberOf(world.plans, question.resource.type, question.permission).id
    this.#names = {
      plans: world.plans,
      object: (at) => this.#object(at),
      relationship: (row) => this.#relationship(row),
    }
  }

  *work(): Work<Explanation> {
    const solver = this.#solver()
    const { evidence, holding } = yield* this.#evidence(solver)
    const root = solver.atomOf(this.#node, this.#member)
    const tree = yield* traceOf(solver, root, new Set(holding), this.#names, this.#budget)
    return { ...evidence, tree }
  }

  *evidence(): Work<Evidence> {
    const { evidence } = yield* this.#evidence(this.#solver())
    return evidence
  }

  /** With the atoms that a yes relies on. */
  *#evidence(solver: Solver): Work<{ readonly evidence: Evidence; readonly holding: readonly number[] }> {
    const truth = yield* solver.solve(this.#node, this.#member)
    const answer = answerOf(truth, solver.conditions.truths)
    if (truth !== yes) {
      const reason = yield* this.#reason(solver, truth, answer.missing)
      return { evidence: { ...answer, proof: [], absences: [], reason }, holding: [] }
    }
    const support = yield* supportOf(solver, solver.atomOf(this.#node, this.#member), this.#budget)
    const rows = yield* this.#minimised(support.rows)
    const proof = rows.map((row) => this.#relationship(row))
    return {
      evidence: { ...answer, proof, absences: this.#absences(solver, support) },
      holding: support.atoms,
    }
  }

  #solver(leniency: Leniency = 'none', options: SolverOptions = {}): Solver {
    const { snapshot, plans } = this.#world
    const conditions = new Conditions(snapshot, plans, this.#question.context, this.#nowMs, leniency)
    return new Solver(this.#world, this.#subject, conditions, this.#budget, options)
  }

  /** Leaves out every row without which the others alone still say yes. */
  *#minimised(rows: readonly SupportRow[]): Work<readonly SupportRow[]> {
    if (rows.length > maxMinimised || !(yield* this.#suffices(rows))) return rows
    let kept = [...rows]
    for (const row of [...rows].reverse()) {
      const without = kept.filter((other) => other !== row)
      if (yield* this.#suffices(without)) kept = without
    }
    return kept
  }

  *#suffices(rows: readonly SupportRow[]): Work<boolean> {
    const { snapshot, plans } = this.#world
    const world = { plans, snapshot: rowsSnapshot(snapshot, plans, rows) }
    const conditions = new Conditions(snapshot, plans, this.#question.context, this.#nowMs)
    const solver = new Solver(world, this.#subject, conditions, this.#budget)
    return (yield* solver.solve(this.#node, this.#member)) === yes
  }

  #absences(solver: Solver, { absent }: Support): Absence[] {
    return absent.map((atom) => {
      const { name } = this.#world.plans.members[solver.atoms.members[atom]!]!
      return {
        resource: this.#object(solver.atoms.nodes[atom]!),
        permission: name,
        subject: this.#question.subject,
      }
    })
  }

  /** Asks what would have to be different: the context, the conditions, or the exclusions. */
  *#reason(solver: Solver, truth: Truth, missing: readonly string[]): Work<DenialReason> {
    // Whoever lacks context can supply it, but not turn a condition that is false.
    const lenient = this.#solver(truth === no ? 'every caveat' : 'what is missing')
    if ((yield* lenient.solve(this.#node, this.#member)) === yes) {
      const support = yield* supportOf(lenient, lenient.atomOf(this.#node, this.#member), this.#budget)
      const decisive = support.rows.find(({ traits }) => {
        const condition = solver.conditions.of(traits)
        return truth === no ? condition === no : condition > yes
      })
      return this.#reasonAt(truth === no ? 'condition_false' : 'context_missing', decisive, support, missing)
    }
    if (truth !== no) return this.#reasonAt('context_missing', undefined, undefined, missing)
    for (const leniency of ['none', 'every caveat'] as const) {
      const open = this.#solver(leniency, { ignoreExclusions: true })
      if ((yield* open.solve(this.#node, this.#member)) !== yes) continue
      const root = open.atomOf(this.#node, this.#member)
      const support = yield* supportOf(open, root, this.#budget)
      const atom = this.#blockedAt(solver, open, support)
      const via = atom === undefined ? [] : yield* this.#blocking(solver, atom)
      const blocked = atom === undefined ? undefined : this.#world.plans.members[solver.atoms.members[atom]!]!
      return {
        kind: 'blocked_by_exclusion',
        resource: blocked === undefined ? this.#question.resource : this.#object(solver.atoms.nodes[atom!]!),
        name: blocked?.name ?? this.#question.permission,
        via: via.slice(0, maxVia).map((row) => this.#relationship(row)),
        missing: [],
      }
    }
    return {
      kind: 'no_path',
      resource: this.#question.resource,
      name: this.#question.permission,
      via: [],
      missing: [],
    }
  }

  #reasonAt(
    kind: DenialReason['kind'],
    row: SupportRow | undefined,
    support: Support | undefined,
    missing: readonly string[],
  ): DenialReason {
    const { plans } = this.#world
    return {
      kind,
      resource: row === undefined ? this.#question.resource : this.#object(row.resource),
      name: row === undefined ? this.#question.permission : plans.members[row.relation]!.name,
      via: (support?.rows ?? []).slice(0, maxVia).map((each) => this.#relationship(each)),
      missing,
    }
  }

  /** The permission farthest down the path that holds only when exclusions are taken out, as an atom of the real solver. */
  #blockedAt(real: Solver, open: Solver, support: Support): number | undefined {
    for (const atom of [...support.atoms].reverse()) {
      const member = open.atoms.members[atom]!
      const known = real.atomOf(open.atoms.nodes[atom]!, member)
      if (known < 0 || this.#world.plans.members[member]!.isRelation || real.truthOf(known) === yes) continue
      return known
    }
    return undefined
  }

  /** The rows that make true what an exclusion of the atom subtracts. */
  *#blocking(solver: Solver, atom: number): Work<readonly SupportRow[]> {
    const rows: SupportRow[] = []
    const holding: number[] = []
    const { truths } = solver.conditions
    const solved = (other: number): Truth => solver.truthOf(other)
    const visit = (equation: Equation, subtracted: boolean): void => {
      // What does not hold takes nothing away.
      if (subtracted && evaluate(equation, solved, solved, truths) !== yes) return
      if (equation.kind === 'union' || equation.kind === 'intersection') {
        for (const operand of equation.operands) visit(operand, subtracted)
      } else if (equation.kind === 'exclusion') {
        visit(equation.base, subtracted)
        visit(equation.subtracted, true)
      } else if (subtracted && equation.kind === 'atom') {
        holding.push(equation.atom)
      } else if (subtracted && (equation.kind === 'some' || equation.kind === 'every')) {
        const row = equation.rows.find((each) => rowTruth(each, solved, truths) === yes)!
        rows.push({ resource: solver.atoms.nodes[atom]!, relation: equation.relation, ...row })
        holding.push(row.atom)
      }
    }
    visit(solver.equations[atom]!, false)
    if (holding[0] !== undefined) rows.push(...(yield* supportOf(solver, holding[0], this.#budget)).rows)
    return rows
  }

  /** The graph may not know the resource; everything else on the way is in a row. */
  #object(node: number): ObjectRef {
    return node > 0 ? objectOf(this.#world.snapshot, node) : this.#question.resource
  }

  #relationship(row: SupportRow): Relationship {
    return relationshipOf(this.#world, row, this.#object(row.resource))
  }
}
