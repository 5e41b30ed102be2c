// Mutated requests: good ones of every method, and what becomes of them. The same in every run with the same seed.

import { create, type DescMethod, type MessageInitShape, toBinary, toJsonString } from '@bufbuild/protobuf'
import type { Route } from '../../../src/api/methods/route.ts'
import { allRoutes } from '../../../src/api/methods/routes.ts'
import type { Authorizer } from '../../../src/authorizer/authorizer.ts'

/** Relationships that the good requests are about; the schema is that of the behaviours. */
export const relationships = [
  'document:a#viewer@user:ann',
  'document:a#viewer@user:bob[on_day:{"allowed":"mon"}]',
]

/** A small generator with a seed (mulberry32): the same requests in every run. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const object = (objectType: string, objectId: string) => ({ objectType, objectId })
const ann = { object: object('user', 'ann') }
const context = { day: 'mon', deep: { list: [1, null, { a: true }] } }
const relationship = { resource: object('document', 'a'), relation: 'viewer', subject: ann }
const filter = {
  resourceType: 'document',
  optionalSubjectFilter: { subjectType: 'user', optionalRelation: {} },
}
const consistency = { requirement: { case: 'fullyConsistent', value: true } }
const question = { resource: object('document', 'a'), permission: 'view', subject: ann, context }

/**
 * A token and a cursor as a service gives them, so that the mutated ones are nearly good. Over the wire their bytes are
 * changed like all others.
 */
export function nearlyGood(token: string, cursor: string): void {
  requests.ReadRelationships = { ...requests.ReadRelationships, optionalCursor: { token: cursor } }
  requests.CheckPermission = {
    ...question,
    consistency: { requirement: { case: 'atExactSnapshot', value: { token } } },
  }
  requests.ReflectSchema = {
    ...requests.ReflectSchema,
    consistency: { requirement: { case: 'atLeastAsFresh', value: { token } } },
  }
}

/** A good request for each method that cannot change the schema. */
export const requests: Record<string, object> = {
  CheckPermission: { ...question, consistency },
  CheckBulkPermissions: { consistency, items: [question, question] },
  BulkCheckPermission: { consistency, items: [question] },
  ExpandPermissionTree: { consistency, resource: object('document', 'a'), permission: 'view' },
  LookupResources: {
    consistency,
    resourceObjectType: 'document',
    permission: 'view',
    subject: ann,
    context,
    optionalLimit: 5,
  },
  LookupSubjects: {
    consistency,
    resource: object('document', 'a'),
    permission: 'view',
    subjectObjectType: 'user',
    optionalConcreteLimit: 3,
  },
  ReadRelationships: { consistency, relationshipFilter: filter, optionalLimit: 3 },
  ExportBulkRelationships: { consistency, optionalLimit: 2, optionalRelationshipFilter: filter },
  WriteRelationships: {
    updates: [{ operation: 2, relationship }],
    optionalPreconditions: [{ operation: 2, filter }],
    optionalTransactionMetadata: context,
  },
  DeleteRelationships: { relationshipFilter: { ...filter, optionalResourceId: 'gone' }, optionalLimit: 3 },
  ImportBulkRelationships: { relationships: [relationship] },
  ReflectSchema: { consistency, optionalFilters: [{ optionalDefinitionNameFilter: 'doc' }] },
  DiffSchema: { consistency, comparisonSchema: 'definition user {}' },
  ComputablePermissions: { consistency, definitionName: 'document', relationName: 'viewer' },
  DependentRelations: { consistency, definitionName: 'document', permissionName: 'view' },
  Explain: { consistency, question },
  ExplainBulk: { consistency, questions: [question] },
  PlanSchema: { schema: 'definition user {}', withoutSample: true, questions: [question] },
  ExperimentalRegisterRelationshipCounter: { name: 'counter', relationshipFilter: filter },
  ExperimentalCountRelationships: { name: 'counter' },
  ExperimentalUnregisterRelationshipCounter: { name: 'counter' },
  Write: { updates: [{ operation: 2, relationship }], require: [question], dryRun: true },
}

export function routesOfInterest(authorizer: Authorizer): Route[] {
  return allRoutes(authorizer).filter(({ name }) => requests[name] !== undefined)
}

export const goodBytes = (method: DescMethod) =>
  Buffer.from(
    toBinary(
      method.input,
      create(method.input, requests[method.name] as MessageInitShape<typeof method.input>),
    ),
  )

/** One to four changes of single bytes, runs, lengths or the end. */
function mutated(bytes: Buffer, random: () => number): Buffer {
  let changed = Buffer.from(bytes)
  const changes = 1 + Math.floor(random() * 4)
  for (let change = 0; change < changes; change += 1) {
    const at = Math.floor(random() * (changed.length + 1))
    const kind = random()
    if (kind < 0.35 && at < changed.length) changed[at] = changed[at]! ^ (1 << Math.floor(random() * 8))
    else if (kind < 0.6 && at < changed.length) changed[at] = Math.floor(random() * 256)
    else if (kind < 0.7) changed = Buffer.from(changed.subarray(0, at))
    else if (kind < 0.85) {
      const run = Buffer.from(
        Array.from({ length: 1 + Math.floor(random() * 6) }, () => Math.floor(random() * 256)),
      )
      changed = Buffer.concat([changed.subarray(0, at), run, changed.subarray(at)])
    } else {
      const from = Math.floor(random() * changed.length)
      changed = Buffer.concat([changed, changed.subarray(from, from + 20)])
    }
  }
  return changed
}

const words = [
  '',
  'x',
  'user',
  'document',
  'folder',
  'view',
  'viewer',
  'banned',
  'ann',
  'a',
  '*',
  'é😀',
  'a'.repeat(1025),
]

/** The request with one of its values exchanged for another. */
function exchanged(value: unknown, random: () => number): unknown {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!
  if (typeof value === 'string') return pick(words)
  if (typeof value === 'number') return pick([0, 1, 2, 3, 5, 1000, 1001, 2_147_483_647])
  if (typeof value === 'boolean') return !value
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) {
    const kind = random()
    if (value.length === 0 || kind < 0.1) return []
    if (kind < 0.3) return [...value, ...value]
    const at = Math.floor(random() * value.length)
    return value.map((item, position) => (position === at ? exchanged(item, random) : item))
  }
  const members = Object.entries(value).filter(([name]) => name !== 'case')
  if (members.length === 0) return value
  const [name, member] = pick(members)
  if (random() < 0.05 && !('case' in value))
    return Object.fromEntries(members.filter(([other]) => other !== name))
  return { ...value, [name]: exchanged(member, random) }
}

/** Every other request has good framing and another value, the rest is broken as bytes. */
export function hostile(method: DescMethod, random: () => number): Buffer {
  if (random() < 0.5) return mutated(goodBytes(method), random)
  const request = exchanged(requests[method.name], random) as MessageInitShape<typeof method.input>
  return Buffer.from(toBinary(method.input, create(method.input, request)))
}

/** The same as JSON, as a body for the HTTP door. */
export function hostileJson({ name, input }: DescMethod, random: () => number): string {
  const request = random() < 0.5 ? exchanged(requests[name], random) : requests[name]
  const json = toJsonString(input, create(input, request as MessageInitShape<typeof input>))
  return random() < 0.5 ? json : mutated(Buffer.from(json), random).toString()
}
