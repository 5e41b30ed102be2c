// The example schemas compile without a lint surprise, and what their files assert is what the reference evaluator says.

import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { compileCaveat } from '../../src/caveats/compiled-caveat.ts'
import { validateContext } from '../../src/caveats/validate-context.ts'
import type { JsonObject } from '../../src/model/context.ts'
import { CardeaError } from '../../src/model/errors.ts'
import { formatSubject, wildcardId } from '../../src/model/reference.ts'
import type { Relationship } from '../../src/model/relationship.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { formatAllowedType, type Schema } from '../../src/model/schema.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { formatSchema } from '../../src/schema/formatter.ts'
import { lintSchema } from '../../src/schema/lint.ts'
import { formatProblem } from '../../src/schema/problem.ts'
import type { CaveatVerdict } from '../reference/caveat-verdict.ts'
import { ReferenceEvaluator } from '../reference/evaluator.ts'
import { readFolder } from './schema-files.ts'

const schemas = readFolder('examples', '.zed')
const validations = readFolder('examples', '.yaml')

interface ValidationFile {
  readonly schemaFile: string
  readonly relationships: string
  readonly assertions: { readonly [kind: string]: readonly string[] }
}

const permissionshipOf = { assertTrue: 'has', assertCaveated: 'conditional', assertFalse: 'no' } as const

function compiled(text: string): Schema {
  const { schema, problems } = compileSchema(text)
  if (schema === undefined) throw new Error(problems.map((each) => formatProblem(each, text)).join('\n'))
  return schema
}

function relationshipLines(text: string): readonly Relationship[] {
  const lines = text.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '' && !line.startsWith('//')).map(parseRelationship)
}

/** The row's form, as the schema would have to list it. */
function formOf({ subject, caveat, expiresAtMs }: Relationship): string {
  const wildcard = subject.id === wildcardId
  return formatAllowedType({
    type: subject.type,
    relation: subject.relation,
    wildcard,
    ...(caveat === undefined ? {} : { caveat: caveat.name }),
    expiration: expiresAtMs !== undefined,
  })
}

function evaluatorOf(schema: Schema, relationships: readonly Relationship[]): ReferenceEvaluator {
  const caveats = new Map([...schema.caveats].map(([name, caveat]) => [name, compileCaveat(caveat)]))
  return new ReferenceEvaluator({
    schema,
    relationships,
    nowMs: Date.UTC(2026, 10, 21),
    judgeCaveat: ({ name, context }, request): CaveatVerdict => {
      try {
        const { result, missing } = caveats.get(name)!.evaluate(request, context)
        return result === 'missing' ? { kind: 'missing', names: missing } : { kind: result }
      } catch (error) {
        if (error instanceof CardeaError) return { kind: 'error' }
        throw error
      }
    },
  })
}

test('every schema has a validation file that names it', () => {
  const named = [...validations.values()].map((text) => (parse(text) as ValidationFile).schemaFile)
  expect(named.sort()).toEqual([...schemas.keys()].map((name) => `./${name}`))
})

describe.each([...schemas])('%s', (name, text) => {
  test('compiles', () => {
    compiled(text)
  })

  test('is formatted', () => {
    if (name === 'odd-but-valid.zed') return
    expect(formatSchema(text).text).toBe(text)
  })

  test('has no lint warnings', () => {
    expect(lintSchema(text).map((warning) => formatProblem(warning, text))).toEqual([])
  })
})

test.each([...readFolder('.', '.zed'), ...readFolder('policies', '.zed')])(
  '%s has no lint warnings',
  (_name, text) => {
    expect(lintSchema(text).map((warning) => formatProblem(warning, text))).toEqual([])
  },
)

describe.each([...validations])('%s', (_name, yaml) => {
  const file = parse(yaml) as ValidationFile
  const schema = compiled(schemas.get(file.schemaFile.slice(2)) ?? '')
  const relationships = relationshipLines(file.relationships)

  test('relationships fit the schema', () => {
    for (const relationship of relationships) {
      const relation = schema.definitions
        .get(relationship.resource.type)
        ?.relations.get(relationship.relation)
      expect(relation?.types.map(formatAllowedType), formatSubject(relationship.subject)).toContain(
        formOf(relationship),
      )
      const caveat = schema.caveats.get(relationship.caveat?.name ?? '')
      if (caveat !== undefined) validateContext(caveat, relationship.caveat?.context ?? {})
    }
    const identities = relationships.map(({ resource, relation, subject }) =>
      JSON.stringify([resource, relation, subject]),
    )
    expect(identities).toHaveLength(new Set(identities).size)
  })

  const evaluator = evaluatorOf(schema, relationships)
  const assertions = Object.entries(permissionshipOf).flatMap(([kind, expected]) =>
    (file.assertions[kind] ?? []).map((assertion) => [assertion, expected] as const),
  )
  test.each(assertions)('%s: %s', (assertion, expected) => {
    const [question = '', context = '{}'] = assertion.split(' with ')
    const { resource, relation, subject } = parseRelationship(question)
    const verdict = evaluator.check(resource, relation, subject, JSON.parse(context) as JsonObject)
    expect(verdict).toMatchObject({ kind: 'decided', permissionship: expected })
    const definition = schema.definitions.get(resource.type)
    expect(definition?.members).toContain(relation)
  })
})
