// The client: an Authorizer over gRPC.

import type { Authorizer, Read } from '../authorizer/authorizer.ts'
import { CardeaError } from '../model/errors.ts'
import {
  foundFromWire,
  missingFromWire,
  permissionshipFromWire,
  questionToWire,
  resolvedFromWire,
} from '../wire/answers.ts'
import { consistencyToWire } from '../wire/consistency.ts'
import { explanationFromWire } from '../wire/explanation.ts'
import { filterToWire, preconditionToWire } from '../wire/filters.ts'
import { jsonToWire } from '../wire/json-values.ts'
import {
  DeletionProgress,
  ExplainService,
  PermissionsService,
  SchemaService,
  WatchKind,
  WatchService,
  WildcardOption,
} from '../wire/messages.ts'
import {
  objectToWire,
  relationshipFromWire,
  relationshipToWire,
  subjectToWire,
  updateFromWire,
  updateToWire,
} from '../wire/relationships.ts'
import { errorFromStatus } from '../wire/status.ts'
import { treeFromWire } from '../wire/userset-tree.ts'
import { Channel, type ChannelOptions } from './channel.ts'

export type ConnectOptions = ChannelOptions

/** What a service offers over gRPC. */
export type RemoteAuthorizer = Omit<
  Authorizer,
  'planSchema' | 'reflectSchema' | 'diffSchema' | 'computablePermissions' | 'dependentRelations'
>

/**
 * Connects to a Cardea service (or, without explanations, to any server of `authzed.api.v1`). The connection is made
 * with the first call. Reads without a consistency of their own see what this client has written before: it remembers
 * the newest ZedToken of its writes and sends it along.
 */
export function connect(options: ConnectOptions): RemoteAuthorizer {
  const channel = new Channel(options)
  let written: string | undefined
  const wrote = <Result extends { readonly token: string }>(result: Result): Result => {
    written = result.token
    return result
  }
  const fresh = (read: Read | undefined) =>
    consistencyToWire(
      read?.consistency ??
        (written === undefined ? undefined : { kind: 'at_least_as_fresh', token: written }),
    )
  const permissions = PermissionsService.method

  return {
    async check(question, read = {}) {
      if (read.explain) {
        const request = { consistency: fresh(read), question: questionToWire(question) }
        const { checkedAt, explanation } = await channel.unary(ExplainService.method.explain, request, read)
        const explained = explanationFromWire(required(explanation, 'explanation'))
        const { permissionship, missing } = explained
        return { permissionship, missing, token: checkedAt?.token ?? '', explanation: explained }
      }
      const request = { consistency: fresh(read), ...questionToWire(question) }
      const response = await channel.unary(permissions.checkPermission, request, read)
      return {
        permissionship: permissionshipFromWire(response.permissionship),
        missing: missingFromWire(response.partialCaveatInfo),
        token: response.checkedAt?.token ?? '',
      }
    },

    async checkBulk(questions, read = {}) {
      if (read.explain) {
        const request = { consistency: fresh(read), questions: questions.map(questionToWire) }
        const response = await channel.unary(ExplainService.method.explainBulk, request, read)
        return {
          token: response.checkedAt?.token ?? '',
          evaluatedAtMs:
            Number(response.evaluatedAt?.seconds ?? 0n) * 1000 +
            Math.floor((response.evaluatedAt?.nanos ?? 0) / 1e6),
          answers: response.results.map(({ result }) => {
            if (result.case === 'error') return { error: errorFromStatus(result.value) }
            const explanation = explanationFromWire(required(result.value, 'explanation'))
            return { permissionship: explanation.permissionship, missing: explanation.missing, explanation }
          }),
        }
      }
      const request = { consistency: fresh(read), items: questions.map(questionToWire) }
      const response = await channel.unary(permissions.checkBulkPermissions, request, read)
      return {
        token: response.checkedAt?.token ?? '',
        evaluatedAtMs: Date.now(),
        answers: response.pairs.map(({ response: answer }) => {
          if (answer.case === 'error') return { error: errorFromStatus(answer.value) }
          const item = required(answer.value, 'item')
          return {
            permissionship: permissionshipFromWire(item.permissionship),
            missing: missingFromWire(item.partialCaveatInfo),
          }
        }),
      }
    },

    async expand(question, read = {}) {
      const request = {
        consistency: fresh(read),
        resource: objectToWire(question.resource),
        permission: question.permission,
      }
      const response = await channel.unary(permissions.expandPermissionTree, request, read)
      return {
        token: response.expandedAt?.token ?? '',
        tree: treeFromWire(required(response.treeRoot, 'tree_root')),
      }
    },

    async *lookupResources(request) {
      const found = channel.stream(
        permissions.lookupResources,
        {
          consistency: fresh(request),
          resourceObjectType: request.resourceType,
          permission: request.permission,
          subject: subjectToWire(request.subject),
          context: jsonToWire(request.context),
          optionalLimit: request.limit ?? 0,
          ...cursor(request.cursor),
        },
        request,
      )
      for await (const item of found) {
        yield {
          resourceId: item.resourceObjectId,
          permissionship: foundFromWire(item.permissionship),
          missing: missingFromWire(item.partialCaveatInfo),
          token: item.lookedUpAt?.token ?? '',
          cursor: item.afterResultCursor?.token ?? '',
        }
      }
    },

    async *lookupSubjects(request) {
      const found = channel.stream(
        permissions.lookupSubjects,
        {
          consistency: fresh(request),
          resource: objectToWire(request.resource),
          permission: request.permission,
          subjectObjectType: request.subjectType,
          optionalSubjectRelation: request.subjectRelation ?? '',
          context: jsonToWire(request.context),
          optionalConcreteLimit: request.limit ?? 0,
          wildcardOption:
            request.wildcards === 'exclude'
              ? WildcardOption.EXCLUDE_WILDCARDS
              : WildcardOption.INCLUDE_WILDCARDS,
          ...cursor(request.cursor),
        },
        request,
      )
      for await (const item of found) {
        yield {
          ...resolvedFromWire(required(item.subject, 'subject')),
          excluded: item.excludedSubjects.map(resolvedFromWire),
          token: item.lookedUpAt?.token ?? '',
          cursor: item.afterResultCursor?.token ?? '',
        }
      }
    },

    async *readRelationships(request) {
      const found = channel.stream(
        permissions.readRelationships,
        {
          consistency: fresh(request),
          relationshipFilter: filterToWire(request.filter),
          optionalLimit: request.limit ?? 0,
          ...cursor(request.cursor),
        },
        request,
      )
      for await (const item of found) {
        yield {
          relationship: relationshipFromWire(item.relationship, 'relationship'),
          token: item.readAt?.token ?? '',
          cursor: item.afterResultCursor?.token ?? '',
        }
      }
    },

    async *exportRelationships(request = {}) {
      const filter =
        request.filter === undefined ? {} : { optionalRelationshipFilter: filterToWire(request.filter) }
      const batches = channel.stream(
        permissions.exportBulkRelationships,
        { consistency: fresh(request), ...filter, ...cursor(request.cursor) },
        request,
      )
      for await (const { relationships, afterResultCursor } of batches) {
        // A batch has one cursor: only its last row can be resumed after.
        const last = relationships.length - 1
        for (const [at, relationship] of relationships.entries()) {
          const resume = at === last ? (afterResultCursor?.token ?? '') : ''
          yield {
            relationship: relationshipFromWire(relationship, 'relationship'),
            token: '',
            cursor: resume,
          }
        }
      }
    },

    async writeRelationships(request) {
      const message = {
        updates: request.updates.map(updateToWire),
        optionalPreconditions: (request.preconditions ?? []).map(preconditionToWire),
        optionalTransactionMetadata: jsonToWire(request.metadata),
      }
      const { writtenAt } = await channel.unary(permissions.writeRelationships, message, request)
      return wrote({ token: writtenAt?.token ?? '' })
    },

    async deleteRelationships(request) {
      const response = await channel.unary(
        permissions.deleteRelationships,
        {
          relationshipFilter: filterToWire(request.filter),
          optionalPreconditions: (request.preconditions ?? []).map(preconditionToWire),
          optionalLimit: request.limit ?? 0,
          optionalAllowPartialDeletions: request.allowPartial ?? false,
          optionalTransactionMetadata: jsonToWire(request.metadata),
        },
        request,
      )
      return wrote({
        token: response.deletedAt?.token ?? '',
        deletedCount: Number(response.relationshipsDeletedCount),
        progress: response.deletionProgress === DeletionProgress.PARTIAL ? 'partial' : 'complete',
      } as const)
    },

    async importRelationships(rows, call = {}) {
      async function* messages() {
        for await (const batch of rows) yield { relationships: batch.map(relationshipToWire) }
      }
      const { numLoaded } = await channel.upload(permissions.importBulkRelationships, messages(), call)
      return { token: '', count: Number(numLoaded) }
    },

    async *watch(request) {
      const kinds: WatchKind[] = [WatchKind.INCLUDE_RELATIONSHIP_UPDATES]
      if (request.schema) kinds.push(WatchKind.INCLUDE_SCHEMA_UPDATES)
      if (request.checkpoints) kinds.push(WatchKind.INCLUDE_CHECKPOINTS)
      const start = request.after === undefined ? {} : { optionalStartCursor: { token: request.after } }
      const events = channel.stream(
        WatchService.method.watch,
        {
          optionalObjectTypes: [...(request.resourceTypes ?? [])],
          optionalRelationshipFilters: (request.filters ?? []).map(filterToWire),
          optionalUpdateKinds: kinds,
          ...start,
        },
        request,
      )
      for await (const event of events) {
        yield {
          token: event.changesThrough?.token ?? '',
          kind: event.isCheckpoint ? 'checkpoint' : event.schemaUpdated ? 'schema' : 'changes',
          changes: event.updates.map(changeFromWire),
          ...(event.optionalTransactionMetadata === undefined
            ? {}
            : { metadata: event.optionalTransactionMetadata }),
        }
      }
    },

    async readSchema(read = {}) {
      const { schemaText, readAt } = await channel.unary(SchemaService.method.readSchema, {}, read)
      return { text: schemaText, token: readAt?.token ?? '' }
    },

    async writeSchema(text, call = {}) {
      const { writtenAt } = await channel.unary(SchemaService.method.writeSchema, { schema: text }, call)
      return wrote({ token: writtenAt?.token ?? '' })
    },

    async close() {
      channel.close()
    },
  }
}

function cursor(token: string | undefined) {
  return token === undefined ? {} : { optionalCursor: { token } }
}

function changeFromWire(message: Parameters<typeof updateFromWire>[0]) {
  const { operation, relationship } = updateFromWire(message)
  return { operation: operation === 'delete' ? ('delete' as const) : ('touch' as const), relationship }
}

function required<Value>(value: Value | undefined, field: string): Value {
  if (value !== undefined) return value
  throw new CardeaError('INTERNAL', `The service's response lacks ${field}.`)
}
