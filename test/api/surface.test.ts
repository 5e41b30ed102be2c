// The whole surface: every method and every reason has a case here, and each case runs over gRPC and over HTTP.

import {
  createRegistry,
  type DescMessage,
  type DescMethod,
  fromJson,
  type JsonValue,
  type MessageInitShape,
  toJson,
} from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { httpPaths } from '../../src/api/http/http-paths.ts'
import { allRoutes } from '../../src/api/methods/routes.ts'
import { CardeaError } from '../../src/model/errors.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import type { Store } from '../../src/store/store.ts'
import { ErrorReasonSchema } from '../../src/wire/gen/authzed/api/v1/error_reason_pb.ts'
import { GrpcCode } from '../../src/wire/grpc-code.ts'
import { decode, encode } from '../../src/wire/message-codec.ts'
import { ErrorInfoSchema, RetryInfoSchema, type Status, StatusSchema } from '../../src/wire/messages.ts'
import { decodeStatus } from '../../src/wire/status.ts'
import { rawClient } from './grpc-harness.ts'
import { openService, type TestService } from './http-harness.ts'
import { scriptedAuthorizer } from './scripted-authorizer.ts'

const schema = `caveat ratio(over int, under int) {
  over / under == 1
}

definition user {}

/** a team */
definition team {
  relation member: user | team#member
}

definition document {
  relation owner: user
  relation viewer: user | team#member | user:* | user with ratio
  relation opposite: document
  permission view = viewer + owner
  permission puzzle = owner - opposite->puzzle
}`

const relationships = [
  'team:eng#member@user:ann',
  'document:plan#viewer@team:eng#member',
  'document:plan#owner@user:bob',
  'document:note#viewer@user:bob',
  'document:paradox#owner@user:ann',
  'document:paradox#opposite@document:paradox',
  'document:ratio#viewer@user:ann[ratio]',
]

// biome-ignore lint/suspicious/noExplicitAny: JSON as it came.
type Json = any

interface Door {
  readonly name: 'grpc' | 'http'
  /** All messages, or the first when `first`; a refusal is thrown as its status. */
  ask(method: DescMethod, request: object, first?: boolean): Promise<Json[]>
}

class Refused extends Error {
  readonly status: Status
  constructor(status: Status) {
    super(status.message)
    this.status = status
  }
}

const registry = createRegistry(ErrorInfoSchema, RetryInfoSchema)
const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`
const json = (desc: DescMessage, bytes: Uint8Array) => toJson(desc, decode(desc, bytes), { registry })

function overGrpc(service: TestService): Door {
  const client = rawClient(service.grpc.address)
  return {
    name: 'grpc',
    ask: (method, request, first = false) =>
      new Promise((resolve, reject) => {
        const refuse = (error: { metadata: { get(name: string): unknown[] } }) => {
          const [details] = error.metadata.get('grpc-status-details-bin')
          reject(new Refused(decodeStatus(details as Buffer)))
        }
        const bytes = Buffer.from(encode(method.input, request as MessageInitShape<DescMessage>))
        if (method.methodKind === 'client_streaming') {
          const upload = client.upload(pathOf(method), (error, reply) =>
            error ? refuse(error) : resolve([json(method.output, reply!)]),
          )
          upload.write(bytes)
          upload.end()
          return
        }
        if (method.methodKind === 'unary') {
          client
            .unary(pathOf(method), bytes)
            .then((reply) => resolve([json(method.output, reply.bytes)]), refuse)
          return
        }
        const messages: Json[] = []
        const stream = client.stream(pathOf(method), bytes)
        stream.on('data', (reply: Buffer) => {
          messages.push(json(method.output, reply))
          if (!first) return
          stream.removeAllListeners('error').on('error', () => {})
          stream.cancel()
          resolve(messages)
        })
        stream.on('end', () => resolve(messages))
        stream.on('error', refuse)
      }),
  }
}

function overHttp(service: TestService): Door {
  const statusOf = (body: JsonValue) => new Refused(fromJson(StatusSchema, body, { registry }))
  return {
    name: 'http',
    async ask(method, request, first = false) {
      const body = json(method.input, encode(method.input, request as MessageInitShape<DescMessage>))
      const response = await service.post(httpPaths[pathOf(method)]!, body)
      if (method.methodKind !== 'server_streaming') {
        const answer = (await response.json()) as JsonValue
        if (!response.ok) throw statusOf(answer)
        return [toJson(method.output, fromJson(method.output, answer, { registry }), { registry })]
      }
      const messages: Json[] = []
      let rest = ''
      for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + text).split('\n')
        rest = lines.pop()!
        for (const line of lines) {
          const { result, error } = JSON.parse(line)
          if (error) throw statusOf(error)
          messages.push(toJson(method.output, fromJson(method.output, result)))
        }
        if (first && messages.length > 0) return messages.slice(0, 1)
      }
      if (rest !== '') throw statusOf(JSON.parse(rest).error)
      return messages
    },
  }
}

let service: TestService
/** The same authorizer on a store whose writes fail in ways that no test can bring about otherwise. */
let failing: { service: TestService; failure: CardeaError | undefined }
let doors: { service: Door; failing: Door }[]

beforeAll(async () => {
  service = await openService({ schema, relationships })
  const broken: { failure: CardeaError | undefined } = { failure: undefined }
  const store = new Proxy(memoryStore(), {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (name === 'write' && broken.failure !== undefined) return () => Promise.reject(broken.failure)
      return typeof value === 'function' ? value.bind(target) : value
    },
  }) as Store
  failing = Object.assign(broken, { service: await openService({ store, schema, relationships }) })
  doors = [overGrpc, overHttp].map((open) => ({ service: open(service), failing: open(failing.service) }))
})
afterAll(async () => {
  await service.close()
  await failing.service.close()
})

const methods = allRoutes(scriptedAuthorizer({})).map(({ method }) => method)
const methodOf = (name: string) => methods.find((method) => method.name === name)!

const object = (objectType: string, objectId: string) => ({ objectType, objectId })
const subject = (type: string, id: string, optionalRelation = '') => ({
  object: object(type, id),
  optionalRelation,
})
const row = (id: string, relation: string, who: object, more: object = {}) => ({
  resource: object('document', id),
  relation,
  subject: who,
  ...more,
})
const touch = (relationship: object) => ({ operation: 2, relationship })
const consistency = { requirement: { case: 'fullyConsistent', value: true } }
const ann = subject('user', 'ann')
const question = { resource: object('document', 'plan'), permission: 'view', subject: ann }
const filter = { resourceType: 'document', optionalResourceId: 'plan' }
const has = 'PERMISSIONSHIP_HAS_PERMISSION'

interface Case {
  /** `door` keeps the ids of two doors apart where one would be in the other's way. */
  request(door: string): object
  /** What the messages must be like. */
  answer: Json[]
  /** Asked before, so that the call has something to find. */
  before?(door: Door): Promise<unknown>
  /** The stream does not end by itself. */
  endless?: true
}

const same = (request: object) => () => request
const bulkCheck: Case = {
  request: same({ consistency, items: [question, { ...question, permission: 'fly' }] }),
  answer: [
    {
      pairs: [
        { item: { permissionship: has } },
        { error: { code: GrpcCode.FAILED_PRECONDITION, message: expect.stringContaining('fly') } },
      ],
    },
  ],
}
const upload = (prefix: string): Case => ({
  request: (door) => ({ relationships: [row(`${prefix}-${door}`, 'owner', ann)] }),
  answer: [{ numLoaded: '1' }],
})
const exported: Case = {
  request: same({ consistency, optionalRelationshipFilter: filter, optionalLimit: 1 }),
  answer: [
    { relationships: [{ relation: expect.any(String) }], afterResultCursor: expect.anything() },
    { relationships: [{ relation: expect.any(String) }], afterResultCursor: expect.anything() },
  ],
}
const reflected: Case = {
  request: same({ consistency, optionalFilters: [{ optionalDefinitionNameFilter: 'team' }] }),
  answer: [{ definitions: [{ name: 'team', comment: '/** a team */' }] }],
}
const differs: Case = {
  request: same({ consistency, comparisonSchema: schema.replace('definition user {}', '') }),
  answer: [{ diffs: [{ definitionRemoved: { name: 'user' } }] }],
}
const computable: Case = {
  request: same({ consistency, definitionName: 'team', relationName: 'member' }),
  answer: [
    {
      permissions: expect.arrayContaining([
        { definitionName: 'document', relationName: 'view', isPermission: true },
      ]),
    },
  ],
}
const dependent: Case = {
  request: same({ consistency, definitionName: 'document', permissionName: 'view' }),
  answer: [{ relations: expect.arrayContaining([{ definitionName: 'document', relationName: 'viewer' }]) }],
}

const cases: Record<string, Case> = {
  CheckPermission: { request: same({ ...question, consistency }), answer: [{ permissionship: has }] },
  CheckBulkPermissions: bulkCheck,
  BulkCheckPermission: bulkCheck,
  ExpandPermissionTree: {
    request: same({ consistency, resource: object('document', 'plan'), permission: 'view' }),
    answer: [{ treeRoot: { intermediate: { operation: 'OPERATION_UNION' }, expandedRelation: 'view' } }],
  },
  LookupResources: {
    request: same({
      consistency,
      resourceObjectType: 'document',
      permission: 'view',
      subject: subject('user', 'bob'),
    }),
    answer: ['plan', 'note'].map((resourceObjectId) => ({
      resourceObjectId,
      permissionship: `LOOKUP_${has}`,
    })),
  },
  LookupSubjects: {
    request: same({
      consistency,
      resource: object('document', 'plan'),
      permission: 'view',
      subjectObjectType: 'user',
    }),
    answer: ['ann', 'bob'].map((subjectObjectId) => ({
      subjectObjectId,
      subject: { subjectObjectId, permissionship: `LOOKUP_${has}` },
    })),
  },
  ReadRelationships: {
    request: same({ consistency, relationshipFilter: filter }),
    answer: [{ relationship: { relation: 'owner' } }, { relationship: { relation: 'viewer' } }],
  },
  WriteRelationships: {
    request: (door) => ({ updates: [touch(row(`written-${door}`, 'owner', ann))] }),
    answer: [{ writtenAt: { token: expect.any(String) } }],
  },
  DeleteRelationships: {
    before: (door) =>
      door.ask(methodOf('WriteRelationships'), { updates: [touch(row(`gone-${door.name}`, 'owner', ann))] }),
    request: (door) => ({ relationshipFilter: { ...filter, optionalResourceId: `gone-${door}` } }),
    answer: [{ relationshipsDeletedCount: '1', deletionProgress: 'DELETION_PROGRESS_COMPLETE' }],
  },
  ImportBulkRelationships: upload('imported'),
  BulkImportRelationships: upload('bulk'),
  ExportBulkRelationships: exported,
  BulkExportRelationships: exported,
  ReadSchema: { request: same({}), answer: [{ schemaText: expect.stringContaining('definition team') }] },
  WriteSchema: { request: same({ schema }), answer: [{ writtenAt: expect.anything() }] },
  ReflectSchema: reflected,
  ExperimentalReflectSchema: reflected,
  DiffSchema: differs,
  ExperimentalDiffSchema: differs,
  ComputablePermissions: computable,
  ExperimentalComputablePermissions: computable,
  DependentRelations: dependent,
  ExperimentalDependentRelations: dependent,
  Watch: {
    request: same({ optionalUpdateKinds: [3] }),
    answer: [{ isCheckpoint: true, changesThrough: expect.anything() }],
    endless: true,
  },
  ExperimentalRegisterRelationshipCounter: {
    request: (door) => ({ name: `made_by_${door}`, relationshipFilter: filter }),
    answer: [{}],
  },
  ExperimentalCountRelationships: {
    before: (door) =>
      door.ask(methodOf('ExperimentalRegisterRelationshipCounter'), {
        name: `counted_by_${door.name}`,
        relationshipFilter: filter,
      }),
    request: (door) => ({ name: `counted_by_${door}` }),
    answer: [{ readCounterValue: { relationshipCount: '2', readAt: expect.anything() } }],
  },
  ExperimentalUnregisterRelationshipCounter: {
    before: (door) =>
      door.ask(methodOf('ExperimentalRegisterRelationshipCounter'), {
        name: `lost_by_${door.name}`,
        relationshipFilter: filter,
      }),
    request: (door) => ({ name: `lost_by_${door}` }),
    answer: [{}],
  },
  Explain: {
    request: same({ consistency, question }),
    answer: [{ explanation: { permissionship: expect.any(String), proof: expect.any(Array) } }],
  },
  ExplainBulk: {
    request: same({ consistency, questions: [question] }),
    answer: [{ results: [{ explanation: expect.anything() }] }],
  },
  PlanSchema: {
    request: same({
      schema: schema.replace('viewer + owner', 'viewer'),
      withoutSample: true,
      questions: [question],
    }),
    answer: [{ diffs: [{ permissionExprChanged: { name: 'view' } }], asked: 1 }],
  },
  Write: {
    request: (door) => ({ updates: [touch(row(`asked-${door}`, 'owner', ann))], require: [question] }),
    answer: [{ writtenAt: { token: expect.any(String) } }],
  },
}

describe('every method', () => {
  test('of every service in the files of a served one is served, and has a case', () => {
    const files = [...new Set(methods.map(({ parent }) => parent.file))]
    const declared = files.flatMap((file) => file.services.flatMap((declaredIn) => declaredIn.methods))
    expect(declared.map(pathOf).sort()).toEqual(methods.map(pathOf).sort())
    expect(declared.map(({ name }) => name).sort()).toEqual(Object.keys(cases).sort())
  })

  test.each(Object.keys(cases))('%s', async (name) => {
    const { request, answer, before, endless } = cases[name]!
    for (const { service: door } of doors) {
      await before?.(door)
      const messages = await door.ask(methodOf(name), request(door.name), endless)
      expect(messages.length, door.name).toBe(answer.length)
      expect(sorted(messages), door.name).toMatchObject(sorted(answer))
    }
  })
})

/** Lookups and reads have an order of their own, which is no part of the contract. */
function sorted(messages: Json[]): Json[] {
  const text = (message: Json) =>
    String(message.resourceObjectId ?? message.subjectObjectId ?? message.relationship?.relation ?? '')
  return [...messages].sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0))
}

interface Refusal {
  readonly method: string
  readonly request: object
  readonly code: keyof typeof GrpcCode
  /** Metadata by the names that clients branch on. */
  readonly metadata: Record<string, unknown>
  /** For what the datastore alone decides. */
  readonly failure?: CardeaError
}

const anyText = expect.stringMatching(/./)
const number = expect.stringMatching(/^\d+$/)
const write = (...updates: object[]) => ({ method: 'WriteRelationships', request: { updates } })
const check = (changes: object) => ({
  method: 'CheckPermission',
  request: { ...question, consistency, ...changes },
})
const struct = (caveatName: string, context?: object) => ({
  optionalCaveat: { caveatName, ...(context && { context }) },
})

/** By reason, without its prefix: how to be refused for it, and what comes with the refusal. */
const refusals: Record<string, Refusal> = {
  SCHEMA_PARSE_ERROR: {
    method: 'WriteSchema',
    request: { schema: 'definition user {' },
    code: 'INVALID_ARGUMENT',
    metadata: {
      start_line_number: number,
      start_column_position: number,
      end_line_number: number,
      end_column_position: number,
      source_code: expect.any(String),
    },
  },
  SCHEMA_TYPE_ERROR: {
    method: 'WriteSchema',
    request: { schema: 'definition user {}\ndefinition document {\n  permission view = gone\n}' },
    code: 'FAILED_PRECONDITION',
    metadata: { definition_name: 'document' },
  },
  UNKNOWN_DEFINITION: {
    ...check({ resource: object('nothing', 'a') }),
    code: 'FAILED_PRECONDITION',
    metadata: { definition_name: 'nothing' },
  },
  UNKNOWN_RELATION_OR_PERMISSION: {
    ...check({ permission: 'fly' }),
    code: 'FAILED_PRECONDITION',
    metadata: { definition_name: 'document', relation_or_permission_name: 'fly' },
  },
  TOO_MANY_UPDATES_IN_REQUEST: {
    ...write(...Array.from({ length: 1001 }, (_, at) => touch(row(`a${at}`, 'owner', ann)))),
    code: 'INVALID_ARGUMENT',
    metadata: { update_count: '1001', maximum_updates_allowed: '1000' },
  },
  TOO_MANY_PRECONDITIONS_IN_REQUEST: {
    method: 'WriteRelationships',
    request: { optionalPreconditions: Array.from({ length: 1001 }, () => ({ operation: 2, filter })) },
    code: 'INVALID_ARGUMENT',
    metadata: { precondition_count: '1001', maximum_updates_allowed: '1000' },
  },
  WRITE_OR_DELETE_PRECONDITION_FAILURE: {
    method: 'WriteRelationships',
    request: { optionalPreconditions: [{ operation: 1, filter }] },
    code: 'FAILED_PRECONDITION',
    metadata: {
      precondition_operation: 'OPERATION_MUST_NOT_MATCH',
      precondition_resource_type: 'document',
      precondition_resource_id: 'plan',
    },
  },
  SERVICE_READ_ONLY: {
    ...write(touch(row('a', 'owner', ann))),
    failure: new CardeaError('READ_ONLY', 'The datastore takes no writes.'),
    code: 'UNAVAILABLE',
    metadata: {},
  },
  UNKNOWN_CAVEAT: {
    ...write(touch(row('a', 'viewer', ann, struct('no_caveat')))),
    code: 'FAILED_PRECONDITION',
    metadata: { caveat_name: 'no_caveat' },
  },
  INVALID_SUBJECT_TYPE: {
    ...write(touch(row('a', 'owner', subject('user', '*')))),
    code: 'INVALID_ARGUMENT',
    metadata: { definition_name: 'document', relation_name: 'owner', subject_type: 'user:*' },
  },
  CAVEAT_PARAMETER_TYPE_ERROR: {
    ...check({ resource: object('document', 'ratio'), context: { over: 'much', under: 1 } }),
    code: 'INVALID_ARGUMENT',
    metadata: { caveat_name: 'ratio', parameter_name: 'over' },
  },
  UPDATES_ON_SAME_RELATIONSHIP: {
    ...write(touch(row('a', 'owner', ann)), { operation: 3, relationship: row('a', 'owner', ann) }),
    code: 'INVALID_ARGUMENT',
    metadata: { definition_name: 'document', relationship: expect.stringContaining('document:a#owner') },
  },
  CANNOT_UPDATE_PERMISSION: {
    ...write(touch(row('a', 'view', ann))),
    code: 'INVALID_ARGUMENT',
    metadata: { definition_name: 'document', permission_name: 'view' },
  },
  CAVEAT_EVALUATION_ERROR: {
    ...check({ resource: object('document', 'ratio'), context: { over: 1, under: 0 } }),
    code: 'INVALID_ARGUMENT',
    metadata: { caveat_name: 'ratio' },
  },
  INVALID_CURSOR: {
    method: 'ReadRelationships',
    request: { relationshipFilter: filter, optionalCursor: { token: 'made-up' } },
    code: 'INVALID_ARGUMENT',
    metadata: {},
  },
  TOO_MANY_RELATIONSHIPS_FOR_TRANSACTIONAL_DELETE: {
    method: 'DeleteRelationships',
    request: { relationshipFilter: filter, optionalLimit: 1 },
    code: 'INVALID_ARGUMENT',
    metadata: { limit: '1', filter_resource_type: 'document', filter_resource_id: 'plan' },
  },
  MAX_RELATIONSHIP_CONTEXT_SIZE: {
    ...write(touch(row('a', 'viewer', ann, struct('ratio', { over: 'x'.repeat(26_000) })))),
    code: 'INVALID_ARGUMENT',
    metadata: { relationship: anyText, max_allowed_size: '25000', context_size: number },
  },
  ATTEMPT_TO_RECREATE_RELATIONSHIP: {
    ...write({ operation: 1, relationship: row('plan', 'owner', subject('user', 'bob')) }),
    code: 'ALREADY_EXISTS',
    metadata: {
      relationship: anyText,
      resource_type: 'document',
      resource_object_id: 'plan',
      resource_relation: 'owner',
      subject_type: 'user',
      subject_object_id: 'bob',
      subject_relation: expect.any(String),
    },
  },
  MAXIMUM_DEPTH_EXCEEDED: {
    ...check({ resource: object('document', 'paradox'), permission: 'puzzle' }),
    code: 'FAILED_PRECONDITION',
    metadata: {},
  },
  SERIALIZATION_FAILURE: {
    ...write(touch(row('a', 'owner', ann))),
    failure: new CardeaError('SERIALIZATION_FAILURE', 'Another transaction was first.'),
    code: 'ABORTED',
    metadata: {},
  },
  TOO_MANY_CHECKS_IN_REQUEST: {
    method: 'CheckBulkPermissions',
    request: { items: Array.from({ length: 10_001 }, () => question) },
    code: 'INVALID_ARGUMENT',
    metadata: { check_count: '10001', maximum_checks_allowed: '10000' },
  },
  EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT: {
    method: 'ReadRelationships',
    request: { relationshipFilter: filter, optionalLimit: 1001 },
    code: 'INVALID_ARGUMENT',
    metadata: { limit_provided: '1001', maximum_limit_allowed: '1000' },
  },
  INVALID_FILTER: {
    method: 'ReadRelationships',
    request: { relationshipFilter: {} },
    code: 'INVALID_ARGUMENT',
    metadata: { filter: anyText },
  },
  EMPTY_PRECONDITION: {
    method: 'WriteRelationships',
    request: { optionalPreconditions: [{ operation: 2, filter: {} }] },
    code: 'INVALID_ARGUMENT',
    metadata: {},
  },
  COUNTER_ALREADY_REGISTERED: {
    method: 'ExperimentalRegisterRelationshipCounter',
    request: { name: 'made_by_grpc', relationshipFilter: filter },
    code: 'FAILED_PRECONDITION',
    metadata: { counter_name: 'made_by_grpc' },
  },
  COUNTER_NOT_REGISTERED: {
    method: 'ExperimentalCountRelationships',
    request: { name: 'never_made' },
    code: 'FAILED_PRECONDITION',
    metadata: { counter_name: 'never_made' },
  },
  WILDCARD_NOT_ALLOWED: {
    ...check({ subject: subject('user', '*') }),
    code: 'INVALID_ARGUMENT',
    metadata: { field: 'subject.object_id' },
  },
  TRANSACTION_METADATA_TOO_LARGE: {
    method: 'WriteRelationships',
    request: { optionalTransactionMetadata: { text: 'x'.repeat(66_000) } },
    code: 'INVALID_ARGUMENT',
    metadata: { metadata_byte_size: number, maximum_allowed_metadata_byte_size: '65000' },
  },
}

/** Reasons that Cardea never gives, each with why. */
const neverGiven: Record<string, string> = {
  UNSPECIFIED: 'No reason at all: every refusal has one, in our own domain where clients know none.',
  INMEMORY_TOO_MANY_CONCURRENT_UPDATES: 'The memory store takes writes one after the other and refuses none.',
  DATASTORE_NOT_MIGRATED: 'cardea serve does not start on such a datastore; it names cardea migrate instead.',
}

describe('every reason', () => {
  test('has a case, or a word on why it is never given', () => {
    const known = ErrorReasonSchema.values.map(({ name }) => name.replace(/^ERROR_REASON_/, ''))
    expect(known.length).toBeGreaterThan(30)
    expect([...Object.keys(refusals), ...Object.keys(neverGiven)].sort()).toEqual([...known].sort())
  })

  test.each(Object.keys(refusals))('%s', async (reason) => {
    const { method, request, code, metadata, failure } = refusals[reason]!
    for (const { service: whole, failing: broken } of doors) {
      failing.failure = failure
      const door = failure === undefined ? whole : broken
      const refused = await door.ask(methodOf(method), request).then(
        (answer) => {
          throw new Error(`${door.name} answered ${JSON.stringify(answer)}`)
        },
        (thrown) => thrown,
      )
      failing.failure = undefined
      if (!(refused instanceof Refused)) throw refused
      expect(GrpcCode[code], door.name).toBe(refused.status.code)
      const [info] = refused.status.details
      expect(decode(ErrorInfoSchema, info!.value), door.name).toMatchObject({
        reason: `ERROR_REASON_${reason}`,
        domain: 'authzed.com',
        metadata,
      })
    }
  })

  test('a relation instead of a permission has its own code', async () => {
    for (const { service: door } of doors) {
      const refused: Refused = await door
        .ask(methodOf('DependentRelations'), { definitionName: 'document', permissionName: 'viewer' })
        .catch((thrown) => thrown)
      expect(refused.status.code).toBe(GrpcCode.INVALID_ARGUMENT)
      expect(decode(ErrorInfoSchema, refused.status.details[0]!.value)).toMatchObject({
        reason: 'ERROR_REASON_UNKNOWN_RELATION_OR_PERMISSION',
        metadata: { relationName: 'viewer' },
      })
    }
  })
})

describe('pages of an export', () => {
  test.each([1, 6, 7, 8])(
    'of %d relationships, resumed after any page, give everything once',
    async (pageSize) => {
      const method = methodOf('ExportBulkRelationships')
      const selection = { optionalRelationshipFilter: { resourceType: 'team' }, consistency }
      await doors[0]!.service.ask(methodOf('WriteRelationships'), {
        updates: Array.from({ length: 7 }, (_, at) =>
          touch({ resource: object('team', at === 0 ? 'eng' : `t${at}`), relation: 'member', subject: ann }),
        ),
      })
      for (const { service: door } of doors) {
        const pages = await door.ask(method, { ...selection, optionalLimit: pageSize })
        const ids = (of: Json[]) =>
          of.flatMap(({ relationships }) => relationships.map((found: Json) => found.resource.objectId))
        expect(pages.map(({ relationships }) => relationships.length)).toEqual(
          pageSize === 1 ? Array(7).fill(1) : pageSize === 6 ? [6, 1] : [7],
        )
        expect(new Set(ids(pages)).size).toBe(7)
        const again: Json[] = []
        for (let cursor: Json; ; ) {
          const resumed = { ...selection, optionalLimit: pageSize, ...(cursor && { optionalCursor: cursor }) }
          const [next] = await door.ask(method, resumed)
          if (next === undefined) break
          again.push(next)
          cursor = next.afterResultCursor
        }
        expect(ids(again)).toEqual(ids(pages))
      }
    },
  )
})
