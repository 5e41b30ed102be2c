// Makes a failing case small: drops rows, members, types, operands and context as long as it keeps failing.

import type { JsonObject } from '../../src/model/context.ts'
import type { Relationship } from '../../src/model/relationship.ts'
import type {
  AllowedType,
  Definition,
  Expression,
  Permission,
  Relation,
  Schema,
} from '../../src/model/schema.ts'
import type { Case } from './generate.ts'
import { printSchema } from './print-schema.ts'
import type { AnyQuestion } from './questions.ts'

/** A case and one question about it. */
export interface Asked<Question extends AnyQuestion = AnyQuestion> {
  readonly case: Case
  readonly question: Question
}

/**
 * The smallest case that still `fails`, by trying every single reduction over and over, at most `maxTries` times.
 * Each candidate's schema is valid and its rows are valid for it.
 */
export async function minimise<Question extends AnyQuestion>(
  asked: Asked<Question>,
  fails: (asked: Asked<Question>) => boolean | Promise<boolean>,
  maxTries = 3000,
): Promise<Asked<Question>> {
  let smallest = asked
  let tries = 0
  for (let again = true; again; ) {
    again = false
    for (const candidate of smaller(smallest)) {
      if (++tries > maxTries) return smallest
      if (!(await fails(candidate))) continue
      smallest = candidate
      again = true
      break
    }
  }
  return smallest
}

function* smaller<Question extends AnyQuestion>(asked: Asked<Question>): Generator<Asked<Question>> {
  const { case: each, question } = asked
  const withCase = (changes: Partial<Case>): Asked<Question> => ({ question, case: { ...each, ...changes } })
  if (each.contexts.length > 1 || each.subjects.length > 0) {
    const context = 'context' in question ? question.context : {}
    yield withCase({ contexts: [context], subjects: [] })
  }
  for (const relationships of without(each.relationships)) yield withCase({ relationships })
  const kept = keptMembers(each, question)
  const needed = onlyNeeded(each.schema, new Set([...kept, ...membersOf(each.relationships)]))
  if (needed.text.length < each.schema.text.length) yield withCase({ schema: needed })
  for (const schema of smallerSchemas(each.schema, kept)) {
    if (rowsFit(schema, each.relationships)) yield withCase({ schema })
  }
  for (const relationships of plainerRows(each.schema, each.relationships)) yield withCase({ relationships })
  if ('context' in question) {
    for (const context of withoutKeys(question.context)) {
      yield { question: { ...question, context }, case: { ...each, contexts: [context] } }
    }
  }
}

/** All ways to leave out a half, a quarter, ... one item. */
function* without<Item>(items: readonly Item[]): Generator<Item[]> {
  for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < items.length; start += size) {
      yield [...items.slice(0, start), ...items.slice(start + size)]
    }
  }
}

function* withoutKeys(context: JsonObject): Generator<JsonObject> {
  for (const key of Object.keys(context)) {
    const { [key]: _, ...rest } = context
    yield rest
  }
}

/** `type#name` of the members that the question names; they stay. */
function keptMembers(each: Case, question: AnyQuestion): Set<string> {
  const type = question.kind === 'lookup-resources' ? question.resourceType : question.resource.type
  const kept = new Set([`${type}#${question.permission}`, `${type}#`])
  const keep = (type: string, relation: string) => {
    kept.add(`${type}#${relation}`)
    kept.add(`${type}#`)
  }
  if (question.kind === 'check' || question.kind === 'lookup-resources') {
    keep(question.subject.type, question.subject.relation)
  }
  if (question.kind === 'lookup-subjects') keep(question.subjectType, question.subjectRelation)
  for (const { type, relation } of each.subjects) keep(type, relation)
  return kept
}

/** `type#name` of everything that rows name. */
function membersOf(rows: readonly Relationship[]): string[] {
  return rows.flatMap(({ resource, relation, subject }) => [
    `${resource.type}#${relation}`,
    `${resource.type}#`,
    `${subject.type}#${subject.relation}`,
    `${subject.type}#`,
  ])
}

/** The schema without what is not needed for the kept members: what only names itself goes too. */
function onlyNeeded(schema: Schema, kept: ReadonlySet<string>): Schema {
  const isKept = (definition: Definition, name: string) => kept.has(`${definition.name}#${name}`)
  const pruned = [...schema.definitions.values()]
    .filter((definition) => kept.has(`${definition.name}#`))
    .map((definition) =>
      definition.members
        .filter((name) => !isKept(definition, name))
        .reduce((rest, name) => withoutMember(rest, name), definition),
    )
  const definitions = new Map(pruned.map((definition) => [definition.name, definition]))
  const named = new Set([...kept, ...mentioned({ ...schema, definitions })])
  // Members that the kept ones name are needed as well, and so on.
  if (named.size > kept.size) return onlyNeeded(schema, named)
  return { ...schema, definitions, text: printSchema({ ...schema, definitions }) }
}

function* smallerSchemas(schema: Schema, kept: ReadonlySet<string>): Generator<Schema> {
  const used = new Set([...kept, ...mentioned(schema)])
  const make = (changes: Partial<Schema>): Schema => {
    const changed = { ...schema, ...changes }
    return { ...changed, text: printSchema(changed) }
  }
  const withDefinition = (definition: Definition) =>
    make({ definitions: new Map([...schema.definitions, [definition.name, definition]]) })

  for (const definition of schema.definitions.values()) {
    const { name } = definition
    if (!used.has(`${name}#`)) {
      yield make({ definitions: new Map([...schema.definitions].filter(([each]) => each !== name)) })
    }
    for (const member of definition.members) {
      if (!used.has(`${name}#${member}`)) yield withDefinition(withoutMember(definition, member))
    }
    for (const relation of definition.relations.values()) {
      for (const types of smallerTypes(relation.types))
        yield withDefinition(withRelation(definition, { ...relation, types }))
    }
    for (const permission of definition.permissions.values()) {
      for (const expression of smallerExpressions(permission.expression)) {
        if (closesAliasRing(definition, permission.name, expression)) continue
        yield withDefinition(withPermission(definition, { ...permission, expression }))
      }
    }
  }
  for (const name of schema.caveats.keys()) {
    if (!used.has(`caveat ${name}`)) {
      yield make({ caveats: new Map([...schema.caveats].filter(([each]) => each !== name)) })
    }
  }
  for (const flag of schema.uses) {
    const token = flag === 'self' ? /\bself\b/ : /with .*\bexpiration\b/
    const body = schema.text.replaceAll(/^use .*$/gm, '')
    if (!token.test(body)) yield make({ uses: new Set([...schema.uses].filter((each) => each !== flag)) })
  }
}

/** Every member, definition and caveat that something in the schema names. Arrow targets may dangle: they are free. */
function mentioned(schema: Schema): Set<string> {
  const found = new Set<string>()
  for (const definition of schema.definitions.values()) {
    for (const { types } of definition.relations.values()) {
      for (const { type, relation, caveat } of types) {
        found.add(`${type}#`)
        if (relation !== '') found.add(`${type}#${relation}`)
        if (caveat !== undefined) found.add(`caveat ${caveat}`)
      }
    }
    for (const { expression } of definition.permissions.values()) {
      for (const name of namesIn(expression)) found.add(`${definition.name}#${name}`)
    }
  }
  return found
}

/** Members of the same definition that an expression names; of an arrow, its relation. */
export function namesIn(expression: Expression): string[] {
  switch (expression.kind) {
    case 'reference':
      return [expression.name]
    case 'arrow':
      return [expression.relation]
    case 'exclusion':
      return [...namesIn(expression.base), ...namesIn(expression.subtracted)]
    case 'union':
    case 'intersection':
      return expression.operands.flatMap(namesIn)
    default:
      return []
  }
}

function* smallerTypes(types: readonly AllowedType[]): Generator<AllowedType[]> {
  if (types.length > 1) for (const fewer of without(types)) if (fewer.length > 0) yield fewer
}

function* smallerExpressions(expression: Expression): Generator<Expression> {
  if (expression.kind === 'exclusion') {
    const { base, subtracted } = expression
    yield base
    yield subtracted
    for (const each of smallerExpressions(base)) yield { ...expression, base: each }
    for (const each of smallerExpressions(subtracted)) yield { ...expression, subtracted: each }
  }
  if (expression.kind === 'union' || expression.kind === 'intersection') {
    const { kind, operands } = expression
    yield* operands
    if (operands.length > 2)
      for (const fewer of without(operands)) if (fewer.length > 1) yield { kind, operands: fewer }
    for (const [at, operand] of operands.entries()) {
      for (const each of smallerExpressions(operand)) {
        const replaced = operands.map((old, index) => (index === at ? each : old))
        yield { kind, operands: replaced.flatMap((old) => (old.kind === kind ? old.operands : [old])) }
      }
    }
  }
}

function closesAliasRing(definition: Definition, name: string, expression: Expression): boolean {
  let step: Expression | undefined = expression
  for (let hops = 0; hops <= definition.members.length; hops++) {
    if (step?.kind !== 'reference') return false
    if (step.name === name) return true
    step = definition.permissions.get(step.name)?.expression
  }
  return true
}

function withoutMember(definition: Definition, name: string): Definition {
  return {
    ...definition,
    relations: new Map([...definition.relations].filter(([each]) => each !== name)),
    permissions: new Map([...definition.permissions].filter(([each]) => each !== name)),
    members: definition.members.filter((each) => each !== name),
  }
}

function withRelation(definition: Definition, relation: Relation): Definition {
  return { ...definition, relations: new Map([...definition.relations, [relation.name, relation]]) }
}

function withPermission(definition: Definition, permission: Permission): Definition {
  return { ...definition, permissions: new Map([...definition.permissions, [permission.name, permission]]) }
}

/** Rows that lose their caveat, a key of its context or their expiry, where the schema allows that form too. */
function* plainerRows(schema: Schema, rows: readonly Relationship[]): Generator<Relationship[]> {
  const plainer = rows.map((row) => {
    const { caveat, expiresAtMs, ...bare } = row
    const expiry = expiresAtMs === undefined ? {} : { expiresAtMs }
    const candidates: Relationship[] = []
    if (expiresAtMs !== undefined) candidates.push(caveat === undefined ? bare : { ...bare, caveat })
    if (caveat !== undefined) candidates.push({ ...bare, ...expiry })
    for (const context of caveat?.context === undefined ? [] : withoutKeys(caveat.context)) {
      candidates.push({ ...bare, ...expiry, caveat: { name: caveat!.name, context } })
    }
    return candidates.filter((each) => rowFits(schema, each))
  })
  for (const [at, candidates] of plainer.entries()) {
    for (const each of candidates) yield rows.map((row, index) => (index === at ? each : row))
  }
}

function rowsFit(schema: Schema, rows: readonly Relationship[]): boolean {
  return rows.every((row) => rowFits(schema, row))
}

function rowFits(
  schema: Schema,
  { resource, relation, subject, caveat, expiresAtMs }: Relationship,
): boolean {
  const types = schema.definitions.get(resource.type)?.relations.get(relation)?.types ?? []
  return types.some(
    (allowed) =>
      allowed.type === subject.type &&
      allowed.relation === subject.relation &&
      allowed.wildcard === (subject.id === '*') &&
      allowed.caveat === caveat?.name &&
      allowed.expiration === (expiresAtMs !== undefined),
  )
}
