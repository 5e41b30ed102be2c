// What authzed-node sees beyond the common behaviours: fields, traces, trailers, earlier names, and reasons.

import { v1 } from '@authzed/authzed-node'
import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authzedClient, failureOf } from './grpc-harness.ts'
import { openService, type TestService } from './http-harness.ts'

const schema = `caveat on_day(day string, allowed string) {
  day == allowed
}

definition user {}

definition group {
  relation member: user
}

definition document {
  relation viewer: user | user:* | group#member | user with on_day
  relation banned: user
  permission view = viewer - banned
}`

let service: TestService
let client: ReturnType<typeof authzedClient>
beforeAll(async () => {
  service = await openService({
    schema,
    relationships: [
      'document:a#viewer@group:staff#member',
      'group:staff#member@user:ann',
      'document:a#viewer@user:bob[on_day:{"allowed":"mon"}]',
      'document:pub#viewer@user:*',
      'document:pub#banned@user:eve',
    ],
  })
  client = authzedClient(service.grpc.address)
})
afterAll(async () => {
  client.close()
  await service.close()
})

const object = (objectType: string, objectId: string) => v1.ObjectReference.create({ objectType, objectId })
const user = (id: string) => v1.SubjectReference.create({ object: object('user', id) })
const fully = v1.Consistency.create({ requirement: { oneofKind: 'fullyConsistent', fullyConsistent: true } })
const checkRequest = (id: string, who: string, more: Partial<v1.CheckPermissionRequest> = {}) =>
  v1.CheckPermissionRequest.create({
    consistency: fully,
    resource: object('document', id),
    permission: 'view',
    subject: user(who),
    ...more,
  })

/** authzed-node does not export the names of its trace messages. */
type Trace = NonNullable<v1.CheckPermissionResponse['debugTrace']>['check'] & object
const permissionType = { RELATION: 1, PERMISSION: 2 }
const traceResult = { UNSPECIFIED: 0, HAS_PERMISSION: 2 }

describe('traces', () => {
  test('with_tracing tells the steps and the schema', async () => {
    const { debugTrace } = await client.promises.checkPermission(
      checkRequest('a', 'ann', { withTracing: true }),
    )
    expect(debugTrace!.schemaUsed).toBe(schema)
    const root = debugTrace!.check!
    expect(root).toMatchObject({
      resource: { objectType: 'document', objectId: 'a' },
      permission: 'view',
      permissionType: permissionType.PERMISSION,
      result: traceResult.HAS_PERMISSION,
    })
    const walk = (trace: Trace): Trace[] => [
      trace,
      ...(trace.resolution.oneofKind === 'subProblems'
        ? trace.resolution.subProblems.traces.flatMap(walk)
        : []),
    ]
    const steps = walk(root)
    expect(steps.map(({ permission }) => permission)).toEqual(
      expect.arrayContaining(['view', 'viewer', 'member']),
    )
    for (const step of steps) {
      expect(step.subject).toMatchObject({ object: { objectType: 'user', objectId: 'ann' } })
      expect(step.result).not.toBe(traceResult.UNSPECIFIED)
      expect(step.resolution.oneofKind).toBeDefined()
      expect(step.source).toMatch(/^[a-z]+:.+/)
    }
  })

  test('a caveat shows its expression, its context and what was missing', async () => {
    const { debugTrace } = await client.promises.checkPermission(
      checkRequest('a', 'bob', { withTracing: true }),
    )
    const text = JSON.stringify(debugTrace)
    expect(text).toContain('day == allowed')
    expect(text).toContain('on_day')
    expect(text).toContain('mon')
  })

  test('without it there is none', async () => {
    expect((await client.promises.checkPermission(checkRequest('a', 'ann'))).debugTrace).toBeUndefined()
  })

  test('each item of a bulk check has its own', async () => {
    const items = ['ann', 'bob'].map((who) => {
      const { resource, permission, subject } = checkRequest('a', who)
      return v1.CheckBulkPermissionsRequestItem.create({ resource, permission, subject })
    })
    const { pairs } = await client.promises.checkBulkPermissions(
      v1.CheckBulkPermissionsRequest.create({ consistency: fully, items, withTracing: true }),
    )
    for (const [at, pair] of pairs.entries()) {
      expect(pair.request).toEqual(items[at])
      expect(pair.response.oneofKind === 'item' && pair.response.item.debugTrace?.check?.permission).toBe(
        'view',
      )
    }
  })
})

describe('fields', () => {
  test('subjects come in the new fields and in the old ones', async () => {
    const found = await client.promises.lookupSubjects(
      v1.LookupSubjectsRequest.create({
        consistency: fully,
        resource: object('document', 'pub'),
        permission: 'view',
        subjectObjectType: 'user',
      }),
    )
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({
      subjectObjectId: '*',
      excludedSubjectIds: ['eve'],
      permissionship: v1.LookupPermissionship.HAS_PERMISSION,
      subject: { subjectObjectId: '*', permissionship: v1.LookupPermissionship.HAS_PERMISSION },
      excludedSubjects: [{ subjectObjectId: 'eve' }],
      lookedUpAt: { token: expect.any(String) },
      afterResultCursor: { token: expect.any(String) },
    })
  })

  test('an error of a bulk item is a status with its reason', async () => {
    const items = [
      v1.CheckBulkPermissionsRequestItem.create({
        resource: object('document', 'a'),
        permission: 'fly',
        subject: user('ann'),
      }),
    ]
    const { pairs } = await client.promises.checkBulkPermissions(
      v1.CheckBulkPermissionsRequest.create({ items }),
    )
    const { response } = pairs[0]!
    expect(response.oneofKind === 'error' && response.error).toMatchObject({
      code: status.FAILED_PRECONDITION,
      message: expect.stringContaining('fly'),
      details: [{ typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo' }],
    })
  })

  test('a Watch response carries the metadata in both fields', async () => {
    const start = await client.promises.writeRelationships(
      v1.WriteRelationshipsRequest.create({ updates: [] }),
    )
    const stream = client.watch(v1.WatchRequest.create({ optionalStartCursor: start.writtenAt }))
    stream.on('error', () => {})
    const event = new Promise<v1.WatchResponse>((resolve) => stream.once('data', resolve))
    await client.promises.writeRelationships(
      v1.WriteRelationshipsRequest.create({
        updates: [
          v1.RelationshipUpdate.create({
            operation: v1.RelationshipUpdate_Operation.CREATE,
            relationship: v1.Relationship.create({
              resource: object('document', 'w'),
              relation: 'banned',
              subject: user('w'),
            }),
          }),
        ],
        optionalTransactionMetadata: v1.createStructFromObject({ by: 'test' }),
      }),
    )
    const { updates, optionalTransactionMetadata, fullRevisionMetadata } = await event
    stream.cancel()
    expect(updates[0]!.operation).toBe(v1.RelationshipUpdate_Operation.TOUCH)
    expect(v1.PbStruct.toJson(optionalTransactionMetadata!)).toEqual({ by: 'test' })
    expect(fullRevisionMetadata.map((metadata) => v1.PbStruct.toJson(metadata))).toEqual([{ by: 'test' }])
  })
})

describe('earlier names', () => {
  test('bulk check, export and import', async () => {
    const { resource, permission, subject } = checkRequest('a', 'ann')
    const bulk = await client.promises.bulkCheckPermission(
      v1.BulkCheckPermissionRequest.create({
        consistency: fully,
        items: [v1.BulkCheckPermissionRequestItem.create({ resource, permission, subject })],
      }),
    )
    const answer = bulk.pairs[0]!.response
    expect(answer.oneofKind === 'item' && answer.item.permissionship).toBe(
      v1.CheckPermissionResponse_Permissionship.HAS_PERMISSION,
    )
    const pages = await client.promises.bulkExportRelationships(
      v1.BulkExportRelationshipsRequest.create({ consistency: fully, optionalLimit: 2 }),
    )
    expect(pages.map(({ relationships }) => relationships.length).slice(0, 2)).toEqual([2, 2])
    const loaded = await new Promise<v1.BulkImportRelationshipsResponse>((resolve, reject) => {
      const upload = client.bulkImportRelationships((error, response) =>
        error ? reject(error) : resolve(response!),
      )
      const relationship = v1.Relationship.create({
        resource: object('document', 'imported'),
        relation: 'banned',
        subject: user('i'),
      })
      upload.write(v1.BulkImportRelationshipsRequest.create({ relationships: [relationship] }))
      upload.end()
    })
    expect(loaded.numLoaded).toBe('1')
  })

  test('reflection', async () => {
    const reflected = await client.promises.experimentalReflectSchema(
      v1.ExperimentalReflectSchemaRequest.create({ consistency: fully }),
    )
    const reflectedNow = await client.promises.reflectSchema(
      v1.ReflectSchemaRequest.create({ consistency: fully }),
    )
    expect(reflected.definitions).toEqual(reflectedNow.definitions)
    const viewer = reflected.definitions.find(({ name }) => name === 'document')!.relations[0]!
    expect(viewer.subjectTypes.map(({ typeref }) => typeref.oneofKind)).toEqual([
      'isTerminalSubject',
      'isPublicWildcard',
      'optionalRelationName',
      'isTerminalSubject',
    ])
    expect(viewer.subjectTypes[3]!.optionalCaveatName).toBe('on_day')
    const differences = await client.promises.experimentalDiffSchema(
      v1.ExperimentalDiffSchemaRequest.create({
        consistency: fully,
        comparisonSchema: `${schema}\ndefinition extra {}`,
      }),
    )
    expect(differences.diffs.map(({ diff }) => diff.oneofKind)).toEqual(['definitionAdded'])
    const dependent = await client.promises.experimentalDependentRelations(
      v1.ExperimentalDependentRelationsRequest.create({
        consistency: fully,
        definitionName: 'document',
        permissionName: 'view',
      }),
    )
    expect(dependent.relations.map(({ relationName }) => relationName)).toEqual([
      'banned',
      'viewer',
      'member',
    ])
    const computable = await client.promises.experimentalComputablePermissions(
      v1.ExperimentalComputablePermissionsRequest.create({
        consistency: fully,
        definitionName: 'document',
        relationName: 'banned',
      }),
    )
    expect(computable.permissions).toEqual([
      { definitionName: 'document', relationName: 'view', isPermission: true },
    ])
  })
})

describe('failures', () => {
  test('a wrong key is PERMISSION_DENIED', async () => {
    const stranger = authzedClient(service.grpc.address, 'another-key')
    const failure = await failureOf(stranger.promises.checkPermission(checkRequest('a', 'ann')))
    expect(failure.code).toBe(status.PERMISSION_DENIED)
    stranger.close()
  })

  test('unread fields of old clients do no harm; the reason can be branched on', async () => {
    const request = checkRequest('a', 'ann', { resource: object('folder', 'a') })
    const error = await client.promises.checkPermission(request).then(
      () => undefined,
      (thrown: ServiceError) => thrown,
    )
    expect(error!.code).toBe(status.FAILED_PRECONDITION)
    expect(error!.metadata.get('grpc-status-details-bin')[0]!.toString()).toContain(
      `ERROR_REASON_${v1.ErrorReason[v1.ErrorReason.UNKNOWN_DEFINITION]}`,
    )
  })

  test('the deadline of the caller counts', async () => {
    const failure = await failureOf(
      new Promise((resolve, reject) =>
        client.checkPermission(
          checkRequest('a', 'ann'),
          new Metadata(),
          { deadline: Date.now() - 1 },
          (error, value) => (error ? reject(error) : resolve(value)),
        ),
      ),
    )
    expect(failure.code).toBe(status.DEADLINE_EXCEEDED)
  })
})
