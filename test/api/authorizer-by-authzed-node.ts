// The unmodified authzed-node client as an Authorizer, so that one suite can ask it.

import { v1 } from '@authzed/authzed-node'
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js'
import type { Authorizer, CallOptions, Read } from '../../src/authorizer/authorizer.ts'
import type { JsonObject } from '../../src/model/context.ts'
import type { Permissionship, SubjectTree } from '../../src/model/decision.ts'
import type { CardeaError } from '../../src/model/errors.ts'
import type { Precondition, RelationshipFilter } from '../../src/model/filter.ts'
import type { SubjectRef } from '../../src/model/reference.ts'
import type { Relationship } from '../../src/model/relationship.ts'
import type { Consistency } from '../../src/model/revision.ts'
import { decodeStatus, errorFromStatus } from '../../src/wire/status.ts'

const errorOf = (error: ServiceError): CardeaError => {
  const [details] = error.metadata?.get('grpc-status-details-bin') ?? []
  return errorFromStatus(
    details === undefined ? { code: error.code, message: error.details } : decodeStatus(details as Buffer),
  )
}
const object = (ref: { type: string; id: string }) =>
  v1.ObjectReference.create({ objectType: ref.type, objectId: ref.id })
const subject = (ref: SubjectRef) =>
  v1.SubjectReference.create({ object: object(ref), optionalRelation: ref.relation })
const struct = (context: JsonObject | undefined) => context && v1.PbStruct.fromJson(context as never)
const json = (message: v1.PbStruct) => v1.PbStruct.toJson(message) as JsonObject
const row = ({ resource, relation, subject: who, caveat, expiresAtMs }: Relationship) =>
  v1.Relationship.create({
    resource: object(resource),
    relation,
    subject: subject(who),
    ...(caveat && {
      optionalCaveat: v1.ContextualizedCaveat.create({
        caveatName: caveat.name,
        context: struct(caveat.context),
      }),
    }),
    ...(expiresAtMs !== undefined && {
      optionalExpiresAt: {
        seconds: String(Math.floor(expiresAtMs / 1000)),
        nanos: (expiresAtMs - Math.floor(expiresAtMs / 1000) * 1000) * 1e6,
      },
    }),
  })
const subjectOf = (message: v1.SubjectReference): SubjectRef => ({
  type: message.object!.objectType,
  id: message.object!.objectId,
  relation: message.optionalRelation,
})
const rowOf = ({
  resource,
  relation,
  subject: who,
  optionalCaveat,
  optionalExpiresAt,
}: v1.Relationship): Relationship => ({
  resource: { type: resource!.objectType, id: resource!.objectId },
  relation,
  subject: subjectOf(who!),
  ...(optionalCaveat && {
    caveat: {
      name: optionalCaveat.caveatName,
      ...(optionalCaveat.context && { context: json(optionalCaveat.context) }),
    },
  }),
  ...(optionalExpiresAt && {
    expiresAtMs: Number(optionalExpiresAt.seconds) * 1000 + optionalExpiresAt.nanos / 1e6,
  }),
})
const filterMessage = (filter: RelationshipFilter) =>
  v1.RelationshipFilter.create({
    resourceType: filter.resourceType ?? '',
    optionalResourceId: filter.resourceId ?? '',
    optionalResourceIdPrefix: filter.resourceIdPrefix ?? '',
    optionalRelation: filter.relation ?? '',
    ...(filter.subject && {
      optionalSubjectFilter: v1.SubjectFilter.create({
        subjectType: filter.subject.type,
        optionalSubjectId: filter.subject.id ?? '',
        ...(filter.subject.relation !== undefined && {
          optionalRelation: v1.SubjectFilter_RelationFilter.create({ relation: filter.subject.relation }),
        }),
      }),
    }),
  })
const preconditionMessage = ({ operation, filter }: Precondition) =>
  v1.Precondition.create({
    operation:
      operation === 'must_match'
        ? v1.Precondition_Operation.MUST_MATCH
        : v1.Precondition_Operation.MUST_NOT_MATCH,
    filter: filterMessage(filter),
  })
const consistencyMessage = (consistency: Consistency | undefined): v1.Consistency | undefined => {
  switch (consistency?.kind) {
    case undefined:
      return undefined
    case 'minimize_latency':
      return v1.Consistency.create({ requirement: { oneofKind: 'minimizeLatency', minimizeLatency: true } })
    case 'fully_consistent':
      return v1.Consistency.create({ requirement: { oneofKind: 'fullyConsistent', fullyConsistent: true } })
    case 'at_least_as_fresh':
      return v1.Consistency.create({
        requirement: { oneofKind: 'atLeastAsFresh', atLeastAsFresh: { token: consistency.token } },
      })
    case 'at_exact_snapshot':
      return v1.Consistency.create({
        requirement: { oneofKind: 'atExactSnapshot', atExactSnapshot: { token: consistency.token } },
      })
  }
}
const permissionships: readonly Permissionship[] = ['no', 'no', 'has', 'conditional']
const lookupPermissionships: readonly Permissionship[] = ['no', 'has', 'conditional']
const missingOf = (info: v1.PartialCaveatInfo | undefined) => [...(info?.missingRequiredContext ?? [])].sort()
const treeOf = (tree: v1.PermissionRelationshipTree): SubjectTree => {
  const at = {
    resource: { type: tree.expandedObject!.objectType, id: tree.expandedObject!.objectId },
    name: tree.expandedRelation,
  }
  const { treeType } = tree
  if (treeType.oneofKind === 'leaf')
    return { ...at, kind: 'leaf', subjects: treeType.leaf.subjects.map(subjectOf) }
  if (treeType.oneofKind !== 'intermediate') throw new Error('no tree')
  const kinds = ['union', 'union', 'intersection', 'exclusion'] as const
  return {
    ...at,
    kind: kinds[treeType.intermediate.operation]!,
    children: treeType.intermediate.children.map(treeOf),
  }
}

/** Calls of the client: message, metadata is the client's own, options, callback. */
type UnaryCall<I, O> = (
  request: I,
  options: { deadline?: number },
  reply: (error: ServiceError | null, value?: O) => void,
) => { cancel(): void }

export function authorizerByAuthzedNode(client: ReturnType<typeof v1.NewClient>): Authorizer {
  const deadline = (call: CallOptions | undefined) =>
    call?.deadlineMs === undefined ? {} : { deadline: call.deadlineMs }
  function ask<I, O>(method: unknown, request: I, call: CallOptions = {}): Promise<O> {
    return new Promise((resolve, reject) => {
      const running = (method as UnaryCall<I, O>).call(client, request, deadline(call), (error, value) =>
        error ? reject(errorOf(error)) : resolve(value!),
      )
      call.signal?.addEventListener('abort', () => running.cancel())
      if (call.signal?.aborted) running.cancel()
    })
  }
  async function* stream<I, O>(method: unknown, request: I, call: CallOptions = {}): AsyncGenerator<O> {
    const start = method as (request: I, options: object) => ClientReadableStream<O>
    const running = start.call(client, request, deadline(call))
    call.signal?.addEventListener('abort', () => running.cancel())
    if (call.signal?.aborted) running.cancel()
    try {
      for await (const message of running) yield message as O
    } catch (error) {
      throw errorOf(error as ServiceError)
    } finally {
      running.on('error', () => {})
      running.cancel()
    }
  }
  const read = (options: Read | undefined) => ({ consistency: consistencyMessage(options?.consistency) })
  const cursor = (token: string | undefined) => (token === undefined ? {} : { optionalCursor: { token } })

  return {
    async check(question, options) {
      const request = v1.CheckPermissionRequest.create({
        ...read(options),
        resource: object(question.resource),
        permission: question.permission,
        subject: subject(question.subject),
        context: struct(question.context),
      })
      const response: v1.CheckPermissionResponse = await ask(client.checkPermission, request, options)
      return {
        permissionship: permissionships[response.permissionship]!,
        missing: missingOf(response.partialCaveatInfo),
        token: response.checkedAt!.token,
      }
    },
    async checkBulk(questions, options) {
      const items = questions.map((question) =>
        v1.CheckBulkPermissionsRequestItem.create({
          resource: object(question.resource),
          permission: question.permission,
          subject: subject(question.subject),
          context: struct(question.context),
        }),
      )
      const request = v1.CheckBulkPermissionsRequest.create({ ...read(options), items })
      const response: v1.CheckBulkPermissionsResponse = await ask(
        client.checkBulkPermissions,
        request,
        options,
      )
      return {
        token: response.checkedAt!.token,
        evaluatedAtMs: 0,
        answers: response.pairs.map(({ response: answer }) => {
          if (answer.oneofKind === 'error') return { error: errorFromStatus(answer.error as never) }
          if (answer.oneofKind !== 'item') throw new Error('neither answer nor error')
          return {
            permissionship: permissionships[answer.item.permissionship]!,
            missing: missingOf(answer.item.partialCaveatInfo),
          }
        }),
      }
    },
    async expand({ resource, permission }, options) {
      const request = v1.ExpandPermissionTreeRequest.create({
        ...read(options),
        resource: object(resource),
        permission,
      })
      const response: v1.ExpandPermissionTreeResponse = await ask(
        client.expandPermissionTree,
        request,
        options,
      )
      return { token: response.expandedAt!.token, tree: treeOf(response.treeRoot!) }
    },
    async *lookupResources(request) {
      const message = v1.LookupResourcesRequest.create({
        ...read(request),
        resourceObjectType: request.resourceType,
        permission: request.permission,
        subject: subject(request.subject),
        context: struct(request.context),
        optionalLimit: request.limit ?? 0,
        ...cursor(request.cursor),
      })
      for await (const found of stream<unknown, v1.LookupResourcesResponse>(
        client.lookupResources,
        message,
        request,
      ))
        yield {
          resourceId: found.resourceObjectId,
          permissionship: lookupPermissionships[found.permissionship]!,
          missing: missingOf(found.partialCaveatInfo),
          token: found.lookedUpAt!.token,
          cursor: found.afterResultCursor!.token,
        }
    },
    async *lookupSubjects(request) {
      const message = v1.LookupSubjectsRequest.create({
        ...read(request),
        resource: object(request.resource),
        permission: request.permission,
        subjectObjectType: request.subjectType,
        optionalSubjectRelation: request.subjectRelation ?? '',
        context: struct(request.context),
        optionalConcreteLimit: request.limit ?? 0,
        wildcardOption:
          request.wildcards === 'exclude'
            ? v1.LookupSubjectsRequest_WildcardOption.EXCLUDE_WILDCARDS
            : v1.LookupSubjectsRequest_WildcardOption.INCLUDE_WILDCARDS,
        ...cursor(request.cursor),
      })
      const resolved = (found: v1.ResolvedSubject) => ({
        subjectId: found.subjectObjectId,
        permissionship: lookupPermissionships[found.permissionship]!,
        missing: missingOf(found.partialCaveatInfo),
      })
      for await (const found of stream<unknown, v1.LookupSubjectsResponse>(
        client.lookupSubjects,
        message,
        request,
      ))
        yield {
          ...resolved(found.subject!),
          excluded: found.excludedSubjects.map(resolved),
          token: found.lookedUpAt!.token,
          cursor: found.afterResultCursor!.token,
        }
    },
    async *readRelationships(request) {
      const message = v1.ReadRelationshipsRequest.create({
        ...read(request),
        relationshipFilter: filterMessage(request.filter),
        optionalLimit: request.limit ?? 0,
        ...cursor(request.cursor),
      })
      for await (const found of stream<unknown, v1.ReadRelationshipsResponse>(
        client.readRelationships,
        message,
        request,
      ))
        yield {
          relationship: rowOf(found.relationship!),
          token: found.readAt!.token,
          cursor: found.afterResultCursor!.token,
        }
    },
    async *exportRelationships(request = {}) {
      const message = v1.ExportBulkRelationshipsRequest.create({
        ...read(request),
        ...(request.filter && { optionalRelationshipFilter: filterMessage(request.filter) }),
        ...cursor(request.cursor),
      })
      const pages = stream<unknown, v1.ExportBulkRelationshipsResponse>(
        client.exportBulkRelationships,
        message,
        request,
      )
      for await (const page of pages)
        for (const relationship of page.relationships)
          yield { relationship: rowOf(relationship), token: '', cursor: page.afterResultCursor!.token }
    },
    async writeRelationships(request) {
      const operations = {
        create: v1.RelationshipUpdate_Operation.CREATE,
        touch: v1.RelationshipUpdate_Operation.TOUCH,
        delete: v1.RelationshipUpdate_Operation.DELETE,
      }
      const message = v1.WriteRelationshipsRequest.create({
        updates: request.updates.map(({ operation, relationship }) =>
          v1.RelationshipUpdate.create({ operation: operations[operation], relationship: row(relationship) }),
        ),
        optionalPreconditions: (request.preconditions ?? []).map(preconditionMessage),
        optionalTransactionMetadata: struct(request.metadata),
      })
      const response: v1.WriteRelationshipsResponse = await ask(client.writeRelationships, message, request)
      return { token: response.writtenAt!.token }
    },
    async deleteRelationships(request) {
      const message = v1.DeleteRelationshipsRequest.create({
        relationshipFilter: filterMessage(request.filter),
        optionalPreconditions: (request.preconditions ?? []).map(preconditionMessage),
        optionalLimit: request.limit ?? 0,
        optionalAllowPartialDeletions: request.allowPartial ?? false,
        optionalTransactionMetadata: struct(request.metadata),
      })
      const response: v1.DeleteRelationshipsResponse = await ask(client.deleteRelationships, message, request)
      const { COMPLETE } = v1.DeleteRelationshipsResponse_DeletionProgress
      return {
        token: response.deletedAt!.token,
        deletedCount: Number(response.relationshipsDeletedCount),
        progress: response.deletionProgress === COMPLETE ? 'complete' : 'partial',
      }
    },
    async importRelationships(rows) {
      return new Promise((resolve, reject) => {
        const running = client.importBulkRelationships((error, response) =>
          error ? reject(errorOf(error)) : resolve({ token: '', count: Number(response!.numLoaded) }),
        )
        const send = async () => {
          for await (const batch of rows)
            running.write(v1.ImportBulkRelationshipsRequest.create({ relationships: batch.map(row) }))
          running.end()
        }
        send().catch(reject)
      })
    },
    async registerCounter(name, filter, call) {
      const request = v1.ExperimentalRegisterRelationshipCounterRequest.create({
        name,
        relationshipFilter: filterMessage(filter),
      })
      await ask(client.experimentalRegisterRelationshipCounter, request, call)
    },
    async countRelationships(name, call) {
      const request = v1.ExperimentalCountRelationshipsRequest.create({ name })
      const { counterResult }: v1.ExperimentalCountRelationshipsResponse = await ask(
        client.experimentalCountRelationships,
        request,
        call,
      )
      if (counterResult.oneofKind !== 'readCounterValue') throw new Error('not counted')
      const { relationshipCount, readAt } = counterResult.readCounterValue
      return { count: Number(relationshipCount), token: readAt!.token }
    },
    async unregisterCounter(name, call) {
      const request = v1.ExperimentalUnregisterRelationshipCounterRequest.create({ name })
      await ask(client.experimentalUnregisterRelationshipCounter, request, call)
    },
    async *watch(request) {
      const message = v1.WatchRequest.create({
        optionalObjectTypes: [...(request.resourceTypes ?? [])],
        optionalRelationshipFilters: (request.filters ?? []).map(filterMessage),
        ...(request.after !== undefined && { optionalStartCursor: { token: request.after } }),
        optionalUpdateKinds: [
          ...(request.schema ? [v1.WatchKind.INCLUDE_SCHEMA_UPDATES] : []),
          ...(request.checkpoints ? [v1.WatchKind.INCLUDE_CHECKPOINTS] : []),
        ],
      })
      for await (const event of stream<unknown, v1.WatchResponse>(client.watch, message, request))
        yield {
          token: event.changesThrough!.token,
          kind: event.isCheckpoint ? 'checkpoint' : event.schemaUpdated ? 'schema' : 'changes',
          changes: event.updates.map(({ operation, relationship }) => ({
            operation:
              operation === v1.RelationshipUpdate_Operation.DELETE ? ('delete' as const) : ('touch' as const),
            relationship: rowOf(relationship!),
          })),
          ...(event.optionalTransactionMetadata && { metadata: json(event.optionalTransactionMetadata) }),
        }
    },
    async readSchema(options) {
      const response: v1.ReadSchemaResponse = await ask(
        client.readSchema,
        v1.ReadSchemaRequest.create({}),
        options,
      )
      return { text: response.schemaText, token: response.readAt!.token }
    },
    async writeSchema(text, call) {
      const request = v1.WriteSchemaRequest.create({ schema: text })
      const response: v1.WriteSchemaResponse = await ask(client.writeSchema, request, call)
      return { token: response.writtenAt!.token }
    },
    async reflectSchema(filters = [], options) {
      const request = v1.ReflectSchemaRequest.create({
        ...read(options),
        optionalFilters: filters.map((filter) =>
          v1.ReflectionSchemaFilter.create({
            optionalDefinitionNameFilter: filter.definitionName ?? '',
            optionalCaveatNameFilter: filter.caveatName ?? '',
            optionalRelationNameFilter: filter.relationName ?? '',
            optionalPermissionNameFilter: filter.permissionName ?? '',
          }),
        ),
      })
      const response: v1.ReflectSchemaResponse = await ask(client.reflectSchema, request, options)
      return {
        token: response.readAt!.token,
        definitions: response.definitions as never,
        caveats: response.caveats,
      }
    },
    async diffSchema(text, options) {
      const request = v1.DiffSchemaRequest.create({ ...read(options), comparisonSchema: text })
      const response: v1.DiffSchemaResponse = await ask(client.diffSchema, request, options)
      const kindOf = (name: string | undefined) =>
        name!.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
      return {
        token: response.readAt!.token,
        differences: response.diffs.map(({ diff }) => ({ kind: kindOf(diff.oneofKind) })) as never,
      }
    },
    async computablePermissions({ definitionName, relationName, definitionPrefix = '' }, options) {
      const request = v1.ComputablePermissionsRequest.create({
        ...read(options),
        definitionName,
        relationName,
        optionalDefinitionNameFilter: definitionPrefix,
      })
      const response: v1.ComputablePermissionsResponse = await ask(
        client.computablePermissions,
        request,
        options,
      )
      return { token: response.readAt!.token, references: response.permissions }
    },
    async dependentRelations(member, options) {
      const request = v1.DependentRelationsRequest.create({ ...read(options), ...member })
      const response: v1.DependentRelationsResponse = await ask(client.dependentRelations, request, options)
      return { token: response.readAt!.token, references: response.relations }
    },
    planSchema: () => {
      throw new Error('not in authzed.api.v1')
    },
    async close() {
      client.close()
    },
  }
}
