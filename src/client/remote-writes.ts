// Writes and the log of changes, over a channel.

import type { Authorizer, WriteRelationshipsRequest } from '../authorizer/authorizer.ts'
import { questionToWire } from '../wire/answers.ts'
import { filterToWire, preconditionToWire } from '../wire/filters.ts'
import { jsonToWire } from '../wire/json-values.ts'
import {
  DeletionProgress,
  PermissionsService,
  WatchKind,
  WatchService,
  WriteService,
} from '../wire/messages.ts'
import { relationshipToWire, updateFromWire, updateToWire } from '../wire/relationships.ts'
import { writtenAtTrailer } from '../wire/trailers.ts'
import type { Channel } from './channel.ts'
import { required, tokenOf } from './remote.ts'
import type { Written } from './written.ts'

type Writes = Pick<Authorizer, 'writeRelationships' | 'deleteRelationships' | 'importRelationships' | 'watch'>

export function remoteWrites(channel: Channel, written: Written): Writes {
  const { writeRelationships, deleteRelationships, importBulkRelationships } = PermissionsService.method

  async function write(request: WriteRelationshipsRequest): Promise<{ token: string }> {
    const updates = request.updates.map(updateToWire)
    const preconditions = (request.preconditions ?? []).map(preconditionToWire)
    const metadata = jsonToWire(request.metadata)
    const { require: requirements = [], dryRun = false } = request
    if (requirements.length === 0 && !dryRun) {
      const message = { updates, optionalPreconditions: preconditions, optionalTransactionMetadata: metadata }
      return { token: tokenOf((await channel.unary(writeRelationships, message, request)).writtenAt) }
    }
    const require = requirements.map(questionToWire)
    const message = { updates, preconditions, transactionMetadata: metadata, require, dryRun }
    return { token: tokenOf((await channel.unary(WriteService.method.write, message, request)).writtenAt) }
  }

  return {
    writeRelationships: (request) => (request.dryRun ? write(request) : written.during(() => write(request))),

    deleteRelationships: (request) =>
      written.during(async () => {
        const message = {
          relationshipFilter: filterToWire(request.filter),
          optionalPreconditions: (request.preconditions ?? []).map(preconditionToWire),
          optionalLimit: request.limit ?? 0,
          optionalAllowPartialDeletions: request.allowPartial ?? false,
          optionalTransactionMetadata: jsonToWire(request.metadata),
        }
        const response = await channel.unary(deleteRelationships, message, request)
        return {
          token: tokenOf(response.deletedAt),
          deletedCount: Number(response.relationshipsDeletedCount),
          progress: response.deletionProgress === DeletionProgress.COMPLETE ? 'complete' : 'partial',
        }
      }),

    importRelationships: (rows, call = {}) =>
      written.during(async () => {
        async function* messages() {
          for await (const batch of rows) yield { relationships: batch.map(relationshipToWire) }
        }
        const { message, trailer } = await channel.upload(importBulkRelationships, messages(), call)
        return { token: trailer(writtenAtTrailer) ?? '', count: Number(message.numLoaded) }
      }),

    async *watch(request) {
      const kinds: WatchKind[] = [WatchKind.INCLUDE_RELATIONSHIP_UPDATES]
      if (request.schema) kinds.push(WatchKind.INCLUDE_SCHEMA_UPDATES)
      if (request.checkpoints) kinds.push(WatchKind.INCLUDE_CHECKPOINTS)
      const message = {
        optionalObjectTypes: [...(request.resourceTypes ?? [])],
        optionalRelationshipFilters: (request.filters ?? []).map(filterToWire),
        optionalUpdateKinds: kinds,
        ...(request.after !== undefined && { optionalStartCursor: { token: request.after } }),
      }
      for await (const event of channel.stream(WatchService.method.watch, message, request)) {
        const metadata = event.optionalTransactionMetadata
        yield {
          token: required(event.changesThrough, 'changes_through').token,
          kind: event.isCheckpoint ? 'checkpoint' : event.schemaUpdated ? 'schema' : 'changes',
          changes: event.updates.map(changeFromWire),
          ...(metadata !== undefined && { metadata }),
        }
      }
    },
  }
}

function changeFromWire(message: Parameters<typeof updateFromWire>[0]) {
  const { operation, relationship } = updateFromWire(message)
  return { operation: operation === 'delete' ? ('delete' as const) : ('touch' as const), relationship }
}
