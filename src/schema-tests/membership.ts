// Who has a permission with all caveats left undecided, and on which relations each of them is written.

import type { Authorizer } from '../authorizer/authorizer.ts'
import type { Permissionship } from '../model/decision.ts'
import {
  formatObject,
  formatSubject,
  type ObjectRef,
  type SubjectRef,
  wildcardId,
} from '../model/reference.ts'
import type { Relationship } from '../model/relationship.ts'
import type { Caveat, Expression, Schema } from '../model/schema.ts'
import type { SubjectEntry } from './subject-entry.ts'

/** The schema in which no caveat can be decided: expected relations show caveats, they do not evaluate them. */
export function withUndecidedCaveats(schema: Schema): Schema {
  const undecided = ({ name }: Caveat): Caveat => ({
    name,
    comments: [],
    parameters: new Map([['undecided', { name: 'bool', arguments: [] }]]),
    expression: 'undecided',
  })
  return {
    ...schema,
    caveats: new Map([...schema.caveats].map(([name, caveat]) => [name, undecided(caveat)])),
  }
}

/** The relationship with its caveat, but without the context that might decide it. */
export function withoutContext(relationship: Relationship): Relationship {
  const { caveat } = relationship
  return caveat === undefined ? relationship : { ...relationship, caveat: { name: caveat.name } }
}

/** Finds members by asking an authorizer that has the schema with undecided caveats. */
export class Membership {
  readonly #authorizer: Authorizer
  readonly #schema: Schema
  readonly #rows = new Map<string, Relationship[]>()
  /** Subject types and relations that occur, since a lookup asks for one of them at a time. */
  readonly #forms = new Map<string, { readonly type: string; readonly relation: string }>()
  readonly #answers = new Map<string, Promise<Permissionship>>()
  readonly #nobody: string

  /** `rows` are the live ones, with contexts removed. */
  constructor(authorizer: Authorizer, schema: Schema, rows: readonly Relationship[]) {
    this.#authorizer = authorizer
    this.#schema = schema
    const ids = new Set<string>()
    for (const row of rows) {
      const { resource, relation, subject } = row
      const key = `${formatObject(resource)}#${relation}`
      this.#rows.set(key, [...(this.#rows.get(key) ?? []), row])
      this.#forms.set(`${subject.type}#${subject.relation}`, subject)
      // `self` makes an object its own subject.
      this.#forms.set(`${resource.type}#`, { type: resource.type, relation: '' })
      ids.add(subject.id).add(resource.id)
    }
    let nobody = 'everybody_else'
    while (ids.has(nobody)) nobody += '_'
    this.#nobody = nobody
  }

  /** Every subject with the permission, usersets as they occur among them, in the order of their text. */
  async entriesOf(resource: ObjectRef, permission: string): Promise<SubjectEntry[]> {
    const entries: SubjectEntry[] = []
    for (const { type, relation } of this.#forms.values()) {
      const request = { resource, permission, subjectType: type, subjectRelation: relation }
      for await (const found of this.#authorizer.lookupSubjects(request)) {
        const subject = { type, id: found.subjectId, relation }
        const relations = await this.#relationsOf(subject, resource, permission)
        // A userset has itself, which nobody wrote.
        if (relations.length === 0 && relation !== '') continue
        entries.push({
          subject,
          caveated: found.permissionship === 'conditional',
          exclusions: found.excluded.map(({ subjectId, permissionship }) => ({
            subject: { type, id: subjectId, relation },
            caveated: permissionship === 'conditional',
          })),
          relations,
        })
      }
    }
    const text = ({ subject }: SubjectEntry) => formatSubject(subject)
    return entries.sort((left, right) => (text(left) < text(right) ? -1 : 1))
  }

  /** `type:id#relation` of the rows that name the subject and help to grant it the permission. */
  async #relationsOf(subject: SubjectRef, resource: ObjectRef, permission: string): Promise<string[]> {
    const search = new RelationSearch(this, subject)
    await search.visitMember(resource, permission)
    return [...search.relations].sort()
  }

  rowsOf(resource: ObjectRef, relation: string): readonly Relationship[] {
    return this.#rows.get(`${formatObject(resource)}#${relation}`) ?? []
  }

  /** The permission's expression; undefined for a relation. */
  expressionOf(type: string, member: string): Expression | undefined {
    return this.#schema.definitions.get(type)?.permissions.get(member)?.expression
  }

  has(type: string, member: string): boolean {
    const definition = this.#schema.definitions.get(type)
    return (
      definition !== undefined && (definition.relations.has(member) || definition.permissions.has(member))
    )
  }

  /** The answer for a subject; a wildcard is asked as somebody who is mentioned nowhere. */
  answer(resource: ObjectRef, permission: string, subject: SubjectRef): Promise<Permissionship> {
    const asked = subject.id === wildcardId ? { ...subject, id: this.#nobody } : subject
    const key = `${formatObject(resource)}#${permission}@${formatSubject(asked)}`
    let answer = this.#answers.get(key)
    if (answer === undefined) {
      answer = this.#authorizer
        .check({ resource, permission, subject: asked })
        .then(({ permissionship }) => permissionship)
      this.#answers.set(key, answer)
    }
    return answer
  }
}

const rank: { readonly [permissionship in Permissionship]: number } = { no: 0, conditional: 1, has: 2 }
const byRank: readonly Permissionship[] = ['no', 'conditional', 'has']

/** Walks the parts that grant, and only those in which the subject really is. */
class RelationSearch {
  readonly relations = new Set<string>()
  readonly #membership: Membership
  readonly #subject: SubjectRef
  readonly #visited = new Set<string>()

  constructor(membership: Membership, subject: SubjectRef) {
    this.#membership = membership
    this.#subject = subject
  }

  async visitMember(resource: ObjectRef, member: string): Promise<void> {
    const key = `${formatObject(resource)}#${member}`
    if (this.#visited.has(key)) return
    this.#visited.add(key)
    if ((await this.#membership.answer(resource, member, this.#subject)) === 'no') return
    const expression = this.#membership.expressionOf(resource.type, member)
    if (expression !== undefined) return this.#visitExpression(resource, member, expression)
    for (const { subject } of this.#membership.rowsOf(resource, member)) {
      if (formatSubject(subject) === formatSubject(this.#subject)) this.relations.add(key)
      if (subject.relation !== '') await this.visitMember(subject, subject.relation)
    }
  }

  async #visitExpression(resource: ObjectRef, permission: string, expression: Expression): Promise<void> {
    if ((await this.#truthOf(resource, expression)) === 'no') return
    switch (expression.kind) {
      case 'nil':
        return
      case 'self':
        this.relations.add(`${formatObject(resource)}#${permission}`)
        return
      case 'reference':
        return this.visitMember(resource, expression.name)
      case 'arrow':
        for (const { subject } of this.#membership.rowsOf(resource, expression.relation)) {
          if (this.#membership.has(subject.type, expression.target))
            await this.visitMember(subject, expression.target)
        }
        return
      case 'exclusion':
        return this.#visitExpression(resource, permission, expression.base)
      default:
        for (const operand of expression.operands) await this.#visitExpression(resource, permission, operand)
    }
  }

  /** Three-valued truth of a part of an expression for the subject; its named members are asked of the authorizer. */
  async #truthOf(resource: ObjectRef, expression: Expression): Promise<Permissionship> {
    switch (expression.kind) {
      case 'nil':
        return 'no'
      case 'self':
        return formatObject(resource) === formatSubject(this.#subject) ? 'has' : 'no'
      case 'reference':
        return this.#membership.answer(resource, expression.name, this.#subject)
      case 'arrow': {
        const truths: Permissionship[] = []
        for (const { subject, caveat } of this.#membership.rowsOf(resource, expression.relation)) {
          const reached = this.#membership.has(subject.type, expression.target)
            ? await this.#membership.answer(
                { type: subject.type, id: subject.id },
                expression.target,
                this.#subject,
              )
            : 'no'
          truths.push(least([reached, caveat === undefined ? 'has' : 'conditional']))
        }
        if (expression.quantifier === 'any') return most(truths)
        return truths.length === 0 ? 'no' : least(truths)
      }
      case 'exclusion': {
        const base = await this.#truthOf(resource, expression.base)
        const subtracted = await this.#truthOf(resource, expression.subtracted)
        return least([base, byRank[2 - rank[subtracted]]!])
      }
      default: {
        const truths: Permissionship[] = []
        for (const operand of expression.operands) truths.push(await this.#truthOf(resource, operand))
        return expression.kind === 'union' ? most(truths) : least(truths)
      }
    }
  }
}

const least = (truths: readonly Permissionship[]) =>
  byRank[Math.min(2, ...truths.map((truth) => rank[truth]))]!
const most = (truths: readonly Permissionship[]) =>
  byRank[Math.max(0, ...truths.map((truth) => rank[truth]))]!
