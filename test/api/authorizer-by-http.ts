// The JSON API as an Authorizer, so that one suite can ask it: written against the documented JSON, not our wire code.

import { createRegistry, fromJson, type JsonValue } from '@bufbuild/protobuf'
import type { Authorizer, CallOptions, Read } from '../../src/authorizer/authorizer.ts'
import type { JsonObject } from '../../src/model/context.ts'
import type { Permissionship, SubjectTree } from '../../src/model/decision.ts'
import { CardeaError } from '../../src/model/errors.ts'
import type { Precondition, RelationshipFilter } from '../../src/model/filter.ts'
import type { SubjectRef } from '../../src/model/reference.ts'
import type { Relationship } from '../../src/model/relationship.ts'
import type { Consistency } from '../../src/model/revision.ts'
import { ErrorInfoSchema, RetryInfoSchema, StatusSchema } from '../../src/wire/messages.ts'
import { errorFromStatus } from '../../src/wire/status.ts'

// biome-ignore lint/suspicious/noExplicitAny: JSON as it came.
type Json = any

const registry = createRegistry(ErrorInfoSchema, RetryInfoSchema)
const errorOf = (status: JsonValue) => errorFromStatus(fromJson(StatusSchema, status, { registry }))

const object = (ref: { type: string; id: string }) => ({ objectType: ref.type, objectId: ref.id })
const subject = (ref: SubjectRef) => ({ object: object(ref), optionalRelation: ref.relation })
const row = ({ resource, relation, subject: who, caveat, expiresAtMs }: Relationship) => ({
  resource: object(resource),
  relation,
  subject: subject(who),
  ...(caveat && { optionalCaveat: { caveatName: caveat.name, context: caveat.context } }),
  ...(expiresAtMs !== undefined && { optionalExpiresAt: new Date(expiresAtMs).toISOString() }),
})
const subjectOf = (json: Json): SubjectRef => ({
  type: json.object.objectType,
  id: json.object.objectId,
  relation: json.optionalRelation ?? '',
})
const rowOf = (json: Json): Relationship => ({
  resource: { type: json.resource.objectType, id: json.resource.objectId },
  relation: json.relation,
  subject: subjectOf(json.subject),
  ...(json.optionalCaveat && {
    caveat: {
      name: json.optionalCaveat.caveatName,
      ...(json.optionalCaveat.context && { context: json.optionalCaveat.context as JsonObject }),
    },
  }),
  ...(json.optionalExpiresAt && { expiresAtMs: Date.parse(json.optionalExpiresAt) }),
})
const filterJson = (filter: RelationshipFilter) => ({
  resourceType: filter.resourceType,
  optionalResourceId: filter.resourceId,
  optionalResourceIdPrefix: filter.resourceIdPrefix,
  optionalRelation: filter.relation,
  ...(filter.subject && {
    optionalSubjectFilter: {
      subjectType: filter.subject.type,
      optionalSubjectId: filter.subject.id,
      ...(filter.subject.relation !== undefined && {
        optionalRelation: { relation: filter.subject.relation },
      }),
    },
  }),
})
const preconditionJson = ({ operation, filter }: Precondition) => ({
  operation: `OPERATION_${operation.toUpperCase()}`,
  filter: filterJson(filter),
})
const consistencyJson = (consistency: Consistency | undefined) => {
  if (consistency === undefined) return undefined
  const name = consistency.kind.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return { [name]: 'token' in consistency ? { token: consistency.token } : true }
}
const permissionships: Record<string, Permissionship> = {
  PERMISSIONSHIP_NO_PERMISSION: 'no',
  PERMISSIONSHIP_HAS_PERMISSION: 'has',
  PERMISSIONSHIP_CONDITIONAL_PERMISSION: 'conditional',
  LOOKUP_PERMISSIONSHIP_HAS_PERMISSION: 'has',
  LOOKUP_PERMISSIONSHIP_CONDITIONAL_PERMISSION: 'conditional',
}
const answerOf = (json: Json) => ({
  permissionship: permissionships[json.permissionship]!,
  missing: [...(json.partialCaveatInfo?.missingRequiredContext ?? [])].sort(),
})
const treeOf = (json: Json): SubjectTree => {
  const at = {
    resource: { type: json.expandedObject.objectType, id: json.expandedObject.objectId },
    name: json.expandedRelation,
  }
  if (json.leaf) return { ...at, kind: 'leaf', subjects: json.leaf.subjects.map(subjectOf) }
  const kind = json.intermediate.operation.slice('OPERATION_'.length).toLowerCase()
  return { ...at, kind, children: json.intermediate.children.map(treeOf) }
}

/** The body as it comes; a reader who gave up sees that as every caller does. */
async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  try {
    yield* response.body as unknown as AsyncIterable<Uint8Array>
  } catch (error) {
    throw CardeaError.from(error)
  }
}

export function authorizerByHttp(url: string, key: string): Authorizer {
  async function send(path: string, body: unknown, call: CallOptions = {}): Promise<Response> {
    const timeoutMs = call.deadlineMs === undefined ? undefined : Math.max(0, call.deadlineMs - Date.now())
    return fetch(`${url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        ...(timeoutMs !== undefined && { 'grpc-timeout': `${Math.round(timeoutMs)}m` }),
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      signal: call.signal,
    }).catch((error) => {
      throw CardeaError.from(error)
    })
  }
  async function ask(path: string, body: unknown, call?: CallOptions): Promise<Json> {
    const response = await send(path, body, call)
    const answer = await response.json()
    if (!response.ok) throw errorOf(answer as JsonValue)
    return answer
  }
  async function* stream(path: string, body: unknown, call?: CallOptions): AsyncGenerator<Json> {
    const response = await send(path, body, call)
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of chunksOf(response)) {
      rest += decoder.decode(chunk, { stream: true })
      const lines = rest.split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        const { result, error } = JSON.parse(line)
        if (error) throw errorOf(error)
        yield result
      }
    }
    if (rest !== '') throw errorOf(JSON.parse(rest).error)
  }
  const read = (options: Read | undefined) => ({ consistency: consistencyJson(options?.consistency) })
  const cursor = (token: string | undefined) => (token === undefined ? {} : { optionalCursor: { token } })

  return {
    async check(question, options) {
      const body = {
        ...read(options),
        resource: object(question.resource),
        permission: question.permission,
        subject: subject(question.subject),
        context: question.context,
      }
      const json = await ask('/v1/permissions/check', body, options)
      return { ...answerOf(json), token: json.checkedAt.token }
    },
    async checkBulk(questions, options) {
      const items = questions.map((question) => ({
        resource: object(question.resource),
        permission: question.permission,
        subject: subject(question.subject),
        context: question.context,
      }))
      const response = await send('/v1/permissions/checkbulk', { ...read(options), items }, options)
      const json = (await response.json()) as Json
      if (!response.ok) throw errorOf(json)
      return {
        token: json.checkedAt.token,
        evaluatedAtMs: Number(response.headers.get('cardea-evaluated-at-ms')),
        answers: json.pairs.map((pair: Json) =>
          pair.error ? { error: errorOf(pair.error) } : answerOf(pair.item),
        ),
      }
    },
    async expand({ resource, permission }, options) {
      const body = { ...read(options), resource: object(resource), permission }
      const json = await ask('/v1/permissions/expand', body, options)
      return { token: json.expandedAt.token, tree: treeOf(json.treeRoot) }
    },
    async *lookupResources(request) {
      const body = {
        ...read(request),
        resourceObjectType: request.resourceType,
        permission: request.permission,
        subject: subject(request.subject),
        context: request.context,
        optionalLimit: request.limit,
        ...cursor(request.cursor),
      }
      for await (const json of stream('/v1/permissions/resources', body, request))
        yield {
          ...(answerOf(json) as { permissionship: 'has'; missing: string[] }),
          resourceId: json.resourceObjectId,
          token: json.lookedUpAt.token,
          cursor: json.afterResultCursor.token,
        }
    },
    async *lookupSubjects(request) {
      const body = {
        ...read(request),
        resource: object(request.resource),
        permission: request.permission,
        subjectObjectType: request.subjectType,
        optionalSubjectRelation: request.subjectRelation,
        context: request.context,
        optionalConcreteLimit: request.limit,
        wildcardOption: request.wildcards && `WILDCARD_OPTION_${request.wildcards.toUpperCase()}_WILDCARDS`,
        ...cursor(request.cursor),
      }
      for await (const json of stream('/v1/permissions/subjects', body, request)) {
        const found = (from: Json) => ({ ...answerOf(from), subjectId: from.subjectObjectId })
        yield {
          ...found(json.subject),
          excluded: json.excludedSubjects.map(found),
          token: json.lookedUpAt.token,
          cursor: json.afterResultCursor.token,
        }
      }
    },
    async *readRelationships(request) {
      const body = {
        ...read(request),
        relationshipFilter: filterJson(request.filter),
        optionalLimit: request.limit,
        ...cursor(request.cursor),
      }
      for await (const json of stream('/v1/relationships/read', body, request))
        yield {
          relationship: rowOf(json.relationship),
          token: json.readAt.token,
          cursor: json.afterResultCursor.token,
        }
    },
    async *exportRelationships(request = {}) {
      const body = {
        ...read(request),
        ...(request.filter && { optionalRelationshipFilter: filterJson(request.filter) }),
        ...cursor(request.cursor),
      }
      for await (const json of stream('/v1/relationships/exportbulk', body, request))
        for (const relationship of json.relationships)
          yield { relationship: rowOf(relationship), token: '', cursor: json.afterResultCursor.token }
    },
    async writeRelationships(request) {
      const { require = [], dryRun } = request
      const updates = request.updates.map(({ operation, relationship }) => ({
        operation: `OPERATION_${operation.toUpperCase()}`,
        relationship: row(relationship),
      }))
      const preconditions = request.preconditions?.map(preconditionJson)
      if (require.length > 0 || dryRun) {
        const questions = require.map((question) => ({
          resource: object(question.resource),
          permission: question.permission,
          subject: subject(question.subject),
          context: question.context,
        }))
        const body = {
          updates,
          preconditions,
          require: questions,
          dryRun,
          transactionMetadata: request.metadata,
        }
        return { token: (await ask('/cardea/v1/write', body, request)).writtenAt.token }
      }
      const body = {
        updates,
        optionalPreconditions: preconditions,
        optionalTransactionMetadata: request.metadata,
      }
      return { token: (await ask('/v1/relationships/write', body, request)).writtenAt.token }
    },
    async deleteRelationships(request) {
      const body = {
        relationshipFilter: filterJson(request.filter),
        optionalPreconditions: request.preconditions?.map(preconditionJson),
        optionalLimit: request.limit,
        optionalAllowPartialDeletions: request.allowPartial,
        optionalTransactionMetadata: request.metadata,
      }
      const json = await ask('/v1/relationships/delete', body, request)
      return {
        token: json.deletedAt.token,
        deletedCount: Number(json.relationshipsDeletedCount),
        progress: json.deletionProgress === 'DELETION_PROGRESS_COMPLETE' ? 'complete' : 'partial',
      }
    },
    async importRelationships(rows, call) {
      let body = ''
      for await (const batch of rows) body += `${JSON.stringify({ relationships: batch.map(row) })}\n`
      const response = await send('/v1/relationships/importbulk', body, call)
      const json = (await response.json()) as Json
      if (!response.ok) throw errorOf(json)
      return { token: response.headers.get('cardea-written-at')!, count: Number(json.numLoaded) }
    },
    async registerCounter(name, filter, call) {
      const body = { name, relationshipFilter: filterJson(filter) }
      await ask('/v1/experimental/registerrelationshipcounter', body, call)
    },
    async countRelationships(name, call) {
      const json = await ask('/v1/experimental/countrelationships', { name }, call)
      const { relationshipCount, readAt } = json.readCounterValue
      return { count: Number(relationshipCount), token: readAt.token }
    },
    async unregisterCounter(name, call) {
      await ask('/v1/experimental/unregisterrelationshipcounter', { name }, call)
    },
    async *watch(request) {
      const body = {
        optionalObjectTypes: request.resourceTypes,
        optionalRelationshipFilters: request.filters?.map(filterJson),
        ...(request.after !== undefined && { optionalStartCursor: { token: request.after } }),
        optionalUpdateKinds: [
          ...(request.schema ? ['WATCH_KIND_INCLUDE_SCHEMA_UPDATES'] : []),
          ...(request.checkpoints ? ['WATCH_KIND_INCLUDE_CHECKPOINTS'] : []),
        ],
      }
      for await (const json of stream('/v1/watch', body, request))
        yield {
          token: json.changesThrough.token,
          kind: json.isCheckpoint ? 'checkpoint' : json.schemaUpdated ? 'schema' : 'changes',
          changes: json.updates.map((update: Json) => ({
            operation: update.operation === 'OPERATION_DELETE' ? 'delete' : 'touch',
            relationship: rowOf(update.relationship),
          })),
          ...(json.optionalTransactionMetadata && { metadata: json.optionalTransactionMetadata }),
        }
    },
    async readSchema(options) {
      const json = await ask('/v1/schema/read', {}, options)
      return { text: json.schemaText, token: json.readAt.token }
    },
    async writeSchema(text, call) {
      return { token: (await ask('/v1/schema/write', { schema: text }, call)).writtenAt.token }
    },
    async reflectSchema(filters = [], options) {
      const optionalFilters = filters.map((filter) => ({
        optionalDefinitionNameFilter: filter.definitionName,
        optionalCaveatNameFilter: filter.caveatName,
        optionalRelationNameFilter: filter.relationName,
        optionalPermissionNameFilter: filter.permissionName,
      }))
      const json = await ask('/v1/schema/reflectschema', { ...read(options), optionalFilters }, options)
      return { token: json.readAt.token, definitions: json.definitions, caveats: json.caveats }
    },
    async diffSchema(text, options) {
      const json = await ask('/v1/schema/diffschema', { ...read(options), comparisonSchema: text }, options)
      const kindOf = (diff: Json) =>
        Object.keys(diff)[0]!.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
      return {
        token: json.readAt.token,
        differences: json.diffs.map((diff: Json) => ({ kind: kindOf(diff) })),
      }
    },
    async computablePermissions(member, options) {
      const body = {
        ...read(options),
        definitionName: member.definitionName,
        relationName: member.relationName,
        optionalDefinitionNameFilter: member.definitionPrefix,
      }
      const json = await ask('/v1/schema/permissions/computable', body, options)
      return { token: json.readAt.token, references: json.permissions }
    },
    async dependentRelations(member, options) {
      const json = await ask('/v1/schema/permissions/dependent', { ...read(options), ...member }, options)
      return { token: json.readAt.token, references: json.relations }
    },
    planSchema: () => {
      throw new Error('asked over the client alone')
    },
    async close() {},
  }
}
