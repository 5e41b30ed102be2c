// The slow, obvious judge: membership by naive iteration over every node, straight from the rules of the language.

import type { JsonObject } from '../../src/model/context.ts'
import type { Permissionship } from '../../src/model/decision.ts'
import {
  formatObject,
  formatSubject,
  type ObjectRef,
  type SubjectRef,
  wildcardId,
} from '../../src/model/reference.ts'
import { isLive, type Relationship } from '../../src/model/relationship.ts'
import type { Expression, Schema } from '../../src/model/schema.ts'
import type { CaveatJudge, CaveatVerdict } from './caveat-verdict.ts'
import { nameSubtracted } from './name-subtracted.ts'
import { and, missing, no, not, or, sameTruth, type Truth, yes } from './truth.ts'

/** Behaviours of other implementations that Cardea deliberately does not share (docs/differences.md). */
export interface Dialect {
  /** A userset subject such as `group:a#member` matches a row of `group:*`. */
  readonly usersetsMatchWildcards?: boolean
  /** A row of `.all` whose subject's type lacks the target is skipped instead of failing. */
  readonly allSkipsTypesWithoutTarget?: boolean
  /** `self` holds for a subject of any type and relation with the object's id. */
  readonly selfIgnoresType?: boolean
  /** A caveated row of a plain object or wildcard is not seen where its type is also allowed with a relation. */
  readonly losesCaveatedRowsBesideUsersets?: boolean
  /** An expired row that names the subject itself counts where another relation of its type is allowed without expiry. */
  readonly seesExpiredRowsBesideOtherForms?: boolean
}

export interface ReferenceWorld {
  readonly schema: Schema
  /** Distinct identities. */
  readonly relationships: readonly Relationship[]
  /** Milliseconds since the Unix epoch; decides expiry. */
  readonly nowMs: number
  readonly judgeCaveat: CaveatJudge
  readonly dialect?: Dialect
}

/**
 * `decided`: the answer. `undecided`: the well-founded model leaves the node undefined (a cycle through an exclusion,
 * `because` cycle), or the answer hangs on a caveat that fails to evaluate; with failing caveats at hand, `either`.
 */
export type Verdict =
  | {
      readonly kind: 'decided'
      readonly permissionship: Permissionship
      readonly missing: readonly string[]
      /** Something else in the world is undecided, so that the names of what is missing may be more than these. */
      readonly besideUndecided?: true
    }
  | { readonly kind: 'undecided'; readonly because: 'cycle' | 'either' }

/** Subjects of one type and relation: an answer for each that is mentioned, and one for all that are not. */
export interface SubjectVerdicts {
  readonly mentioned: ReadonlyMap<string, Verdict>
  readonly everyoneElse: Verdict
}

/** An id that no object can have (the alphabet has no blanks): stands for everyone whom no row mentions. */
export const freshId = 'somebody else'

const permissionships: readonly Permissionship[] = ['no', 'conditional', 'has']

/** One unknown of the equations: is the asker's subject a member of `object#name`? */
interface Node {
  readonly key: string
  readonly object: ObjectRef
  readonly name: string
}

/** Values of nodes by {@link nodeKey}; a node that is not there is false. */
type Model = ReadonlyMap<string, Truth>

/** Everything that a node's equation reads. */
interface Equations {
  readonly subject: SubjectRef
  readonly value: Model
  /** Where the right sides of exclusions are read. */
  readonly subtracted: Model
  readonly caveat: (row: Relationship) => Truth
}

interface Solution {
  /** Least and greatest values that the well-founded model allows: equal where it decides. */
  readonly low: Model
  readonly high: Model
  readonly hasErrors: boolean
  readonly hasUndecided: boolean
}

/** `document:a#view` */
export function nodeKey(object: ObjectRef, name: string): string {
  return `${formatObject(object)}#${name}`
}

/** Answers questions about one world. Solutions are kept per subject and context; nothing else is clever. */
export class ReferenceEvaluator {
  readonly world: ReferenceWorld
  /** Every object that a live row mentions, on either side. */
  readonly objects: readonly ObjectRef[]
  private readonly schema: Schema
  private readonly rows: ReadonlyMap<string, readonly Relationship[]>
  /** Only for the dialect that sees them. */
  private readonly expired: readonly Relationship[]
  private readonly solutions = new Map<string, Solution>()
  private readonly failing = new Map<string, boolean>()

  constructor(world: ReferenceWorld) {
    this.world = world
    this.schema = nameSubtracted(world.schema)
    const objects = new Map<string, ObjectRef>()
    const rows = new Map<string, Relationship[]>()
    for (const row of world.relationships) {
      if (!isLive(row, world.nowMs)) continue
      const { type, id } = row.subject
      objects.set(formatObject(row.resource), row.resource)
      if (id !== wildcardId) objects.set(formatObject({ type, id }), { type, id })
      const key = nodeKey(row.resource, row.relation)
      rows.set(key, [...(rows.get(key) ?? []), row])
    }
    this.expired = world.dialect?.seesExpiredRowsBesideOtherForms
      ? world.relationships.filter((row) => !isLive(row, world.nowMs))
      : []
    this.objects = [...objects.values()]
    this.rows = rows
  }

  /** Is `subject` a member of `resource#name`? */
  check(resource: ObjectRef, name: string, subject: SubjectRef, context: JsonObject = {}): Verdict {
    const { low, high, hasErrors, hasUndecided } = this.solve(subject, context, resource)
    const key = nodeKey(resource, name)
    const { level, names } = low.get(key) ?? no
    if (level !== (high.get(key) ?? no).level) {
      return { kind: 'undecided', because: hasErrors ? 'either' : 'cycle' }
    }
    const decided = {
      kind: 'decided',
      permissionship: permissionships[level]!,
      missing: [...names].sort(),
    } as const
    return hasUndecided && level === 1 ? { ...decided, besideUndecided: true } : decided
  }

  /** Every object of the type for which the check is not `no`. */
  lookupResources(
    type: string,
    name: string,
    subject: SubjectRef,
    context: JsonObject = {},
  ): Map<string, Verdict> {
    const found = new Map<string, Verdict>()
    for (const id of this.idsOf(type, subject)) {
      const verdict = this.check({ type, id }, name, subject, context)
      if (verdict.kind === 'undecided' || verdict.permissionship !== 'no') found.set(id, verdict)
    }
    return found
  }

  /** The check for every subject of a type and relation, and for one that nothing mentions. */
  lookupSubjects(
    resource: ObjectRef,
    name: string,
    type: string,
    relation: string,
    context: JsonObject = {},
  ): SubjectVerdicts {
    const ask = (id: string) => this.check(resource, name, { type, id, relation }, context)
    const mentioned = new Map([...this.idsOf(type, resource)].map((id) => [id, ask(id)]))
    return { mentioned, everyoneElse: ask(freshId) }
  }

  /** Whether some live row's caveat fails under this context: then a question that meets it may fail too. */
  hasFailingCaveats(context: JsonObject): boolean {
    const key = JSON.stringify(context)
    const known = this.failing.get(key)
    if (known !== undefined) return known
    const fails = [...this.rows.values()].flat().some((row) => this.judge(row, context).kind === 'error')
    this.failing.set(key, fails)
    return fails
  }

  private idsOf(type: string, extra: ObjectRef): Set<string> {
    const every = this.world.dialect?.selfIgnoresType === true
    return new Set([...this.objects, extra].filter((each) => every || each.type === type).map(({ id }) => id))
  }

  /**
   * The well-founded model by alternating fixpoints (Van Gelder, "The alternating fixpoint of logic programs with
   * negation", 1989) over the chain false < missing < true: starting from "everything subtracted is false", over- and
   * underestimates take turns until nothing moves. A caveat that fails counts as anything between false and true.
   */
  private solve(subject: SubjectRef, context: JsonObject, resource: ObjectRef): Solution {
    const mentioned = this.objects.some(({ type, id }) => type === resource.type && id === resource.id)
    const question = JSON.stringify([subject, context, mentioned ? null : resource])
    const known = this.solutions.get(question)
    if (known !== undefined) return known

    const nodes = this.nodesOf([...this.objects, resource, subject])
    const verdicts = new Map<Relationship, CaveatVerdict>()
    for (const row of [...[...this.rows.values()].flat(), ...this.expired]) {
      verdicts.set(row, this.judge(row, context))
    }
    const estimate = (subtracted: Model, bound: 'low' | 'high') =>
      this.leastModel(nodes, subject, subtracted, (row) => truthOf(verdicts.get(row)!, bound))

    let low: Model = new Map()
    let high: Model = estimate(low, 'high')
    for (;;) {
      const next = estimate(high, 'low')
      const settled = nodes.every(({ key }) => next.get(key)!.level === (low.get(key) ?? no).level)
      low = next
      if (settled) break
      high = estimate(low, 'high')
    }
    const named = this.withNames(nodes, subject, low, (row) => truthOf(verdicts.get(row)!, 'low'))
    const hasErrors = [...verdicts.values()].some(({ kind }) => kind === 'error')
    const hasUndecided = nodes.some(({ key }) => low.get(key)!.level !== high.get(key)!.level)
    const solution = { low: named, high, hasErrors, hasUndecided }
    this.solutions.set(question, solution)
    return solution
  }

  /** Objects of later definitions first: rows mostly point to them, so that values settle in few rounds. */
  private nodesOf(objects: readonly ObjectRef[]): readonly Node[] {
    const nodes = new Map<string, Node>()
    const order = [...this.schema.definitions.keys()]
    const backwards = [...objects].sort(
      (left, right) => order.indexOf(right.type) - order.indexOf(left.type) || (left.id < right.id ? 1 : -1),
    )
    for (const object of backwards) {
      const definition = this.schema.definitions.get(object.type)
      for (const name of [
        ...(definition?.relations.keys() ?? []),
        ...(definition?.permissions.keys() ?? []),
      ]) {
        const key = nodeKey(object, name)
        nodes.set(key, { key, object, name })
      }
    }
    return [...nodes.values()]
  }

  private judge(row: Relationship, context: JsonObject): CaveatVerdict {
    return row.caveat === undefined ? { kind: 'true' } : this.world.judgeCaveat(row.caveat, context)
  }

  /** Least values that satisfy every node's equation, with subtracted nodes fixed. */
  private leastModel(
    nodes: readonly Node[],
    subject: SubjectRef,
    subtracted: Model,
    caveat: (row: Relationship) => Truth,
  ): Model {
    const value = new Map<string, Truth>(nodes.map(({ key }) => [key, no]))
    for (let changed = true; changed; ) {
      changed = false
      for (const node of nodes) {
        const { level } = this.evaluate(node, { subject, value, subtracted, caveat })
        if (level === value.get(node.key)!.level) continue
        value.set(node.key, level === 1 ? missing([]) : level === 2 ? yes : no)
        changed = true
      }
    }
    return value
  }

  /** The same levels with the least sets of names that satisfy the equations. */
  private withNames(
    nodes: readonly Node[],
    subject: SubjectRef,
    levels: Model,
    caveat: (row: Relationship) => Truth,
  ): Model {
    const value = new Map(levels)
    for (let changed = true; changed; ) {
      changed = false
      for (const node of nodes) {
        const before = value.get(node.key)!
        const after = this.evaluate(node, { subject, value, subtracted: value, caveat })
        if (before.level !== 1 || after.level !== 1 || sameTruth(before, after)) continue
        value.set(node.key, after)
        changed = true
      }
    }
    return value
  }

  private evaluate({ object, name }: Node, equations: Equations): Truth {
    const { subject } = equations
    // Identity: a userset is a member of itself, whatever its expression says.
    if (subject.relation === name && subject.type === object.type && subject.id === object.id) return yes
    const permission = this.schema.definitions.get(object.type)?.permissions.get(name)
    return permission === undefined
      ? this.relation(object, name, equations)
      : this.expression(permission.expression, object, equations)
  }

  /** Rows that name the subject, rows that name everyone of its type, and usersets it is a member of. */
  private relation(object: ObjectRef, name: string, { subject, value, caveat }: Equations): Truth {
    let result = no
    for (const row of this.rows.get(nodeKey(object, name)) ?? []) {
      const target = row.subject
      if (this.isLost(row)) continue
      const direct =
        target.type === subject.type && target.id === subject.id && target.relation === subject.relation
      const nested = target.relation === '' ? no : (value.get(nodeKey(target, target.relation)) ?? no)
      const reached = direct || this.matchesWildcard(target, subject) ? yes : nested
      result = or(result, and(caveat(row), reached))
    }
    for (const row of this.expired) {
      if (nodeKey(row.resource, row.relation) !== nodeKey(object, name)) continue
      const isNamed = formatSubject(row.subject) === formatSubject(subject)
      if ((isNamed || this.matchesWildcard(row.subject, subject)) && this.hasOtherForm(row, subject)) {
        result = or(result, caveat(row))
      }
    }
    return result
  }

  /** A form without expiry, of another relation than the row's, or any where the subject's own relation is another. */
  private hasOtherForm({ resource, relation, subject: written }: Relationship, subject: SubjectRef): boolean {
    const { types } = this.schema.definitions.get(resource.type)!.relations.get(relation)!
    return types.some(
      (form) =>
        form.type === written.type &&
        !form.expiration &&
        (form.relation !== written.relation || subject.relation !== written.relation),
    )
  }

  private matchesWildcard(target: SubjectRef, subject: SubjectRef): boolean {
    if (target.id !== wildcardId || target.type !== subject.type) return false
    return subject.relation === '' || this.world.dialect?.usersetsMatchWildcards === true
  }

  private isLost({ resource, relation, subject, caveat }: Relationship): boolean {
    if (!this.world.dialect?.losesCaveatedRowsBesideUsersets) return false
    if (caveat === undefined || subject.relation !== '') return false
    const { types } = this.schema.definitions.get(resource.type)!.relations.get(relation)!
    return types.some((allowed) => allowed.type === subject.type && allowed.relation !== '')
  }

  private expression(expression: Expression, object: ObjectRef, equations: Equations): Truth {
    const { subject, value, subtracted } = equations
    switch (expression.kind) {
      case 'nil':
        return no
      case 'self':
        return this.isSelf(object, subject) ? yes : no
      case 'reference':
        return value.get(nodeKey(object, expression.name)) ?? no
      case 'arrow':
        return this.arrow(expression, object, equations)
      case 'union':
        return expression.operands.map((each) => this.expression(each, object, equations)).reduce(or, no)
      case 'intersection':
        return expression.operands.map((each) => this.expression(each, object, equations)).reduce(and, yes)
      case 'exclusion': {
        if (expression.subtracted.kind !== 'reference')
          throw new Error('Subtracted expressions have names here.')
        const removed = subtracted.get(nodeKey(object, expression.subtracted.name)) ?? no
        return and(this.expression(expression.base, object, equations), not(removed))
      }
    }
  }

  private isSelf(object: ObjectRef, subject: SubjectRef): boolean {
    if (subject.id !== object.id) return false
    const sameKind = subject.type === object.type && subject.relation === ''
    return sameKind || this.world.dialect?.selfIgnoresType === true
  }

  /** For every row the subject's object, whatever its relation, must have the target: for some row, or for all of them. */
  private arrow(
    { relation, target, quantifier }: Extract<Expression, { kind: 'arrow' }>,
    object: ObjectRef,
    { value, caveat }: Equations,
  ): Truth {
    const rows = this.rows.get(nodeKey(object, relation)) ?? []
    const steps = rows.map((row) => and(caveat(row), value.get(nodeKey(row.subject, target)) ?? no))
    if (quantifier === 'any') return steps.reduce(or, no)
    if (!this.world.dialect?.allSkipsTypesWithoutTarget)
      return steps.length === 0 ? no : steps.reduce(and, yes)
    // Skipped rows still demand their caveat, but somebody must have the target.
    const kept = steps.filter((_, at) => this.has(rows[at]!.subject, target))
    return kept.length === 0 ? no : [...kept, ...rows.map(caveat)].reduce(and, yes)
  }

  private has({ type }: ObjectRef, name: string): boolean {
    const definition = this.schema.definitions.get(type)
    return definition?.relations.has(name) === true || definition?.permissions.has(name) === true
  }
}

function truthOf(verdict: CaveatVerdict, bound: 'low' | 'high'): Truth {
  switch (verdict.kind) {
    case 'true':
      return yes
    case 'false':
      return no
    case 'missing':
      return missing(verdict.names)
    case 'error':
      return bound === 'low' ? no : yes
  }
}
