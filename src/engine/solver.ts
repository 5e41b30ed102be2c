// The solver: the general answer to any check, as a system of equations solved component by component.

import { allRows, usersetRows } from '../graph/snapshot.ts'
import { CardeaError } from '../model/errors.ts'
import { AtomTable } from './atom-table.ts'
import { type Binding, bindingOf } from './binding.ts'
import type { Budget } from './budget.ts'
import { type Conditions, invisible } from './conditions.ts'
import {
  type Equation,
  eachAtom,
  evaluate,
  grants,
  leadsNowhere,
  type RowTerm,
  type Valuation,
} from './equation.ts'
import type { Work } from './paused-work.ts'
import type { ArrowNode, MemberId, PlanNode, Plans } from './plans.ts'
import { type Subject, targetOf } from './subject.ts'
import { no, type Truth, truthClass, yes } from './truth.ts'
import type { ForwardCursor, ForwardSnapshot, ForwardWorld } from './world.ts'

const unsolved = -1

/** How an explanation asks "what if": with exclusions taken out. */
export interface SolverOptions {
  readonly ignoreExclusions?: boolean
}

/**
 * Finds the truth of atoms for one subject. Every atom that the asked one depends on gets an equation; strongly
 * connected components are solved from the leaves up (Tarjan 1972): a single atom by evaluation, a cycle by its least
 * fixpoint, a cycle through an exclusion by the alternating fixpoint of the well-founded semantics (Van Gelder, Ross
 * and Schlipf 1991), here over three truth values. The result does not depend on the order of rows. What was solved
 * stays, so that many questions about one subject share it.
 */
export class Solver {
  readonly atoms = new AtomTable()
  readonly equations: Equation[] = []
  readonly conditions: Conditions
  readonly #snapshot: ForwardSnapshot
  readonly #plans: Plans
  readonly #binding: Binding
  readonly #subject: Subject
  readonly #budget: Budget
  readonly #options: SolverOptions
  /** Least truth that the well-founded model allows for an atom; the only one, unless {@link #upper} has another. */
  readonly #truths: Truth[] = []
  /** Greatest truths of the atoms that a cycle through an exclusion leaves open. */
  readonly #upper = new Map<number, Truth>()
  readonly #dependencies: number[][] = []
  readonly #cursor: ForwardCursor
  #held = 0

  constructor(
    world: ForwardWorld,
    subject: Subject,
    conditions: Conditions,
    budget: Budget,
    options: SolverOptions = {},
  ) {
    this.#snapshot = world.snapshot
    this.#plans = world.plans
    this.#binding = bindingOf(world.plans, world.snapshot)
    this.#subject = subject
    this.conditions = conditions
    this.#budget = budget
    this.#options = options
    this.#cursor = world.snapshot.cursor()
  }

  /** Truth of a solved atom; one that a cycle leaves open is an error to whoever depends on it. */
  truthOf(atom: number): Truth {
    if (this.#upper.size === 0 || !this.#upper.has(atom)) return this.#truths[atom]!
    return this.conditions.truths.error(this.#undefined(atom))
  }

  readonly #low: Valuation = (atom) => this.#truths[atom]!
  readonly #high: Valuation = (atom) => this.#upper.get(atom) ?? this.#truths[atom]!

  /** Index of a known atom. */
  atomOf(node: number, member: MemberId): number {
    return this.atoms.find(node, member)
  }

  /** Whether an atom stands for a part of an expression. */
  isPart(atom: number): boolean {
    return this.#plans.members[this.atoms.members[atom]!]!.isPart
  }

  /** Solves one atom and everything it depends on. */
  *solve(node: number, member: MemberId): Work<Truth> {
    const root = this.#atom(node, member)
    if (this.#truths[root] === unsolved) {
      yield* this.#discover()
      yield* this.#solveComponents(root)
    }
    return this.truthOf(root)
  }

  #atom(node: number, member: MemberId): number {
    const added = this.atoms.add(node, member)
    if (added < 0) return this.atoms.find(node, member)
    this.#truths.push(unsolved)
    return added
  }

  /** Gives an equation to every atom that has none yet. */
  *#discover(): Work<void> {
    while (this.equations.length < this.atoms.size) {
      const atom = this.equations.length
      const equation = this.#equationOf(this.atoms.nodes[atom]!, this.atoms.members[atom]!)
      const dependencies: number[] = []
      eachAtom(equation, (other) => dependencies.push(other))
      this.equations.push(equation)
      this.#dependencies.push(dependencies)
      this.#held += 1 + dependencies.length
      this.#budget.hold(this.#held)
      // An equation costs some ten times what following a row does.
      this.#budget.steps += 8
      if (this.#budget.spent) yield
    }
  }

  #equationOf(node: number, member: MemberId): Equation {
    if (member === this.#subject.member && node === this.#subject.node) {
      return { kind: 'constant', truth: yes, why: 'identity' }
    }
    const { expression } = this.#plans.members[member]!
    return expression === undefined
      ? this.#relationEquation(node, member)
      : this.#expressionEquation(node, expression)
  }

  #relationEquation(node: number, member: MemberId): Equation {
    const rows: RowTerm[] = []
    if (node <= 0) return { kind: 'some', relation: member, rows }
    const relation = this.#binding.memberNames[member]!
    const { node: subject, relation: subjectRelation, wildcard } = this.#subject
    const granting = (key: number) => {
      const traits =
        key > 0 && relation >= 0 && subjectRelation >= 0
          ? this.#snapshot.row(node, relation, key, subjectRelation)
          : -1
      if (traits < 0) return
      const truth = this.conditions.of(traits)
      if (truth !== invisible) rows.push({ truth, atom: grants, subject: key, subjectRelation, traits })
    }
    granting(subject)
    granting(wildcard)
    // A row that grants for certain makes the others irrelevant, whichever they are.
    if (rows.some((row) => row.truth === yes) || !this.#plans.members[member]!.hasUsersets || relation < 0) {
      return { kind: 'some', relation: member, rows }
    }
    const cursor = this.#cursor
    this.#snapshot.openForward(cursor, node, relation, usersetRows)
    const before = this.#budget.steps
    while (cursor.next()) {
      this.#budget.steps += 1
      const { node: other, subjectRelation: otherRelation, traits } = cursor
      if (other === subject && otherRelation === subjectRelation) continue
      const truth = this.conditions.of(traits)
      if (truth === invisible || truth === no) continue
      const otherMember = this.#binding.member(this.#snapshot.nodeType(other), otherRelation)
      if (otherMember < 0) continue
      rows.push({
        truth,
        atom: this.#atom(other, otherMember),
        subject: other,
        subjectRelation: otherRelation,
        traits,
      })
    }
    this.#budget.walked(this.#budget.steps - before, this.#snapshot, node, relation)
    return { kind: 'some', relation: member, rows }
  }

  #expressionEquation(node: number, expression: PlanNode): Equation {
    switch (expression.kind) {
      case 'nil':
        return { kind: 'constant', truth: no, why: 'nil' }
      case 'self': {
        const itself = this.#subject.member < 0 && this.#subject.relation === 0 && node === this.#subject.node
        return { kind: 'constant', truth: itself ? yes : no, why: 'self' }
      }
      case 'member':
        return { kind: 'atom', atom: this.#atom(node, expression.member) }
      case 'arrow':
        return this.#arrowEquation(node, expression)
      case 'union':
      case 'intersection': {
        const operands = expression.operands.map((operand) => this.#expressionEquation(node, operand))
        return { kind: expression.kind, operands }
      }
      case 'exclusion': {
        const base = this.#expressionEquation(node, expression.base)
        if (this.#options.ignoreExclusions) return base
        return { kind: 'exclusion', base, subtracted: this.#expressionEquation(node, expression.subtracted) }
      }
    }
  }

  #arrowEquation(node: number, arrow: ArrowNode): Equation {
    const rows: RowTerm[] = []
    const relation = this.#binding.memberNames[arrow.relation]!
    const equation: Equation = { kind: arrow.all ? 'every' : 'some', relation: arrow.relation, rows }
    if (node <= 0 || relation < 0) return equation
    const cursor = this.#cursor
    this.#snapshot.openForward(cursor, node, relation, allRows)
    const before = this.#budget.steps
    while (cursor.next()) {
      this.#budget.steps += 1
      const { node: other, subjectRelation, traits } = cursor
      const truth = this.conditions.of(traits)
      if (truth === invisible || (truth === no && !arrow.all)) continue
      const target = targetOf(this.#snapshot, this.#binding, other, arrow.target)
      const atom = target < 0 ? leadsNowhere : this.#atom(other, target)
      rows.push({ truth, atom, subject: other, subjectRelation, traits })
    }
    this.#budget.walked(this.#budget.steps - before, this.#snapshot, node, relation)
    return equation
  }

  /** Tarjan's algorithm with an explicit stack; components come out leaves first. */
  *#solveComponents(root: number): Work<void> {
    const order = new Map<number, number>()
    const low = new Map<number, number>()
    const open: number[] = []
    const isOpen = new Set<number>()
    const calls: { atom: number; next: number }[] = []
    const enter = (atom: number) => {
      order.set(atom, order.size)
      low.set(atom, order.size - 1)
      open.push(atom)
      isOpen.add(atom)
      calls.push({ atom, next: 0 })
    }
    enter(root)
    while (calls.length > 0) {
      this.#budget.steps += 1
      if (this.#budget.spent) yield
      const call = calls[calls.length - 1]!
      const { atom } = call
      const dependencies = this.#dependencies[atom]!
      if (call.next < dependencies.length) {
        const other = dependencies[call.next]!
        call.next += 1
        if (this.#truths[other] !== unsolved) continue
        if (!order.has(other)) enter(other)
        else if (isOpen.has(other)) low.set(atom, Math.min(low.get(atom)!, order.get(other)!))
        continue
      }
      calls.pop()
      const caller = calls[calls.length - 1]
      if (caller !== undefined) low.set(caller.atom, Math.min(low.get(caller.atom)!, low.get(atom)!))
      if (low.get(atom) !== order.get(atom)) continue
      const component = open.splice(open.lastIndexOf(atom))
      for (const member of component) isOpen.delete(member)
      yield* this.#solveComponent(component)
    }
  }

  *#solveComponent(component: readonly number[]): Work<void> {
    const { truths } = this.conditions
    const first = component[0]!
    if (component.length === 1 && !this.#dependencies[first]!.includes(first)) {
      this.#budget.steps += this.#dependencies[first]!.length
      const equation = this.equations[first]!
      const upper = evaluate(equation, this.#high, this.#low, truths)
      // What an open atom below leaves open here, a condition or another operand may close again: both bounds are needed.
      this.#settle(
        first,
        this.#upper.size === 0 ? upper : evaluate(equation, this.#low, this.#high, truths),
        upper,
      )
      return
    }
    const inside = new Set(component)
    let throughExclusion = this.#upper.size > 0
    for (const atom of component) {
      eachAtom(this.equations[atom]!, (other, negative) => {
        throughExclusion ||= negative && inside.has(other)
      })
    }
    const greatest = (fixed: Valuation) =>
      this.#leastFixpoint(component, inside, fixed, this.#high, this.#low)
    const least = (fixed: Valuation) => this.#leastFixpoint(component, inside, fixed, this.#low, this.#high)
    let over = yield* greatest(() => no)
    if (!throughExclusion) {
      for (const atom of component) this.#settle(atom, over.get(atom)!, over.get(atom)!)
      return
    }
    // `under` grows and `over` shrinks towards each other; where they do not meet, the cycle has no answer.
    let under = yield* least((atom) => over.get(atom)!)
    for (;;) {
      const lower = under
      over = yield* greatest((atom) => lower.get(atom)!)
      const upper = over
      under = yield* least((atom) => upper.get(atom)!)
      if (component.every((atom) => truthClass(under.get(atom)!) === truthClass(lower.get(atom)!))) break
    }
    for (const atom of component) this.#settle(atom, under.get(atom)!, over.get(atom)!)
  }

  /** Notes the bounds of an atom. Where both are unknown, the reasons are those of the upper one. */
  #settle(atom: number, lower: Truth, upper: Truth): void {
    const met = truthClass(lower) === truthClass(upper)
    this.#truths[atom] = met ? upper : lower
    if (!met) this.#upper.set(atom, upper)
  }

  /**
   * Least truths of a component's atoms when those of its own under subtractions are taken as `fixed` says. `positive`
   * and `negative` are the truths of atoms outside, as they stand and under subtractions.
   */
  *#leastFixpoint(
    component: readonly number[],
    inside: ReadonlySet<number>,
    fixed: Valuation,
    positive: Valuation,
    negative: Valuation,
  ): Work<Map<number, Truth>> {
    const values = new Map<number, Truth>()
    const dependents = new Map<number, number[]>()
    for (const atom of component) {
      values.set(atom, no)
      for (const other of this.#dependencies[atom]!) {
        if (!inside.has(other)) continue
        const known = dependents.get(other)
        if (known === undefined) dependents.set(other, [atom])
        else known.push(atom)
      }
    }
    const current: Valuation = (atom) => values.get(atom) ?? positive(atom)
    const given: Valuation = (atom) => (inside.has(atom) ? fixed(atom) : negative(atom))
    const queue = [...component]
    const queued = new Set(component)
    for (let at = 0; at < queue.length; at += 1) {
      const atom = queue[at]!
      queued.delete(atom)
      this.#budget.steps += 1 + this.#dependencies[atom]!.length
      if (this.#budget.spent) yield
      const truth = evaluate(this.equations[atom]!, current, given, this.conditions.truths)
      if (truth === values.get(atom)) continue
      values.set(atom, truth)
      for (const dependent of dependents.get(atom) ?? []) {
        if (queued.has(dependent)) continue
        queued.add(dependent)
        queue.push(dependent)
      }
    }
    return values
  }

  #undefined(atom: number): CardeaError {
    const node = this.atoms.nodes[atom]!
    const { type, name } = this.#plans.members[this.atoms.members[atom]!]!
    const place = `${type}:${node > 0 ? this.#snapshot.nodeId(node) : '?'}#${name}`
    return new CardeaError(
      'UNDEFINED_BY_CYCLE',
      `The answer depends on ${place}, which excludes itself through a cycle of relationships, so it is neither true nor false. Break the cycle.`,
      { at: place },
    )
  }
}
