// Relationships: read, written, deleted, loaded and dumped.

import type { Authorizer, FoundRelationship } from '../../authorizer/authorizer.ts'
import { CardeaError } from '../../model/errors.ts'
import type { Relationship } from '../../model/relationship.ts'
import { structBytes } from '../../model/struct-size.ts'
import { cursorFromWire } from '../../wire/consistency.ts'
import { filterFromWire, preconditionFromWire } from '../../wire/filters.ts'
import { convertEach } from '../../wire/invalid-field.ts'
import {
  type ExportBulkRelationshipsRequest,
  type PermissionsService,
  DeletionProgress as Progress,
  type RelationshipMessage,
} from '../../wire/messages.ts'
import { relationshipFromWire, relationshipToWire, updateFromWire } from '../../wire/relationships.ts'
import { type Call, countOperations, optionsOf, readOptions, trailerNames } from '../call.ts'
import type { Handlers } from './route.ts'

type RelationshipHandlers = Pick<
  Handlers<typeof PermissionsService>,
  | 'readRelationships'
  | 'writeRelationships'
  | 'deleteRelationships'
  | 'importBulkRelationships'
  | 'exportBulkRelationships'
>

/** Most relationships in one message of an export; also the default. */
export const maxExportPage = 10_000
/** A page ends early at about this size: clients commonly refuse messages above 4 MiB. */
const maxExportPageBytes = 2 * 1024 * 1024

export function relationshipHandlers(authorizer: Authorizer): RelationshipHandlers {
  return {
    readRelationships: async function* (request, call) {
      const found = authorizer.readRelationships({
        ...readOptions(call, request.consistency),
        filter: filterFromWire(request.relationshipFilter, 'relationship_filter'),
        limit: request.optionalLimit,
        cursor: cursorFromWire(request.optionalCursor),
      })
      countOperations(call, 1)
      for await (const row of found) {
        yield {
          readAt: { token: row.token },
          relationship: relationshipToWire(row.relationship),
          afterResultCursor: { token: row.cursor },
        }
      }
    },

    writeRelationships: async (request, call) => {
      const { token } = await authorizer.writeRelationships({
        ...optionsOf(call),
        updates: convertEach(request.updates, 'updates', updateFromWire),
        preconditions: convertEach(
          request.optionalPreconditions,
          'optional_preconditions',
          preconditionFromWire,
        ),
        metadata: request.optionalTransactionMetadata,
      })
      countOperations(call, 1)
      return { writtenAt: { token } }
    },

    deleteRelationships: async (request, call) => {
      const { token, progress, deletedCount } = await authorizer.deleteRelationships({
        ...optionsOf(call),
        filter: filterFromWire(request.relationshipFilter, 'relationship_filter'),
        preconditions: convertEach(
          request.optionalPreconditions,
          'optional_preconditions',
          preconditionFromWire,
        ),
        limit: request.optionalLimit,
        allowPartial: request.optionalAllowPartialDeletions,
        metadata: request.optionalTransactionMetadata,
      })
      countOperations(call, 1)
      return {
        deletedAt: { token },
        deletionProgress: progress === 'complete' ? Progress.COMPLETE : Progress.PARTIAL,
        relationshipsDeletedCount: BigInt(deletedCount),
      }
    },

    importBulkRelationships: (requests, call) => importRelationships(authorizer, requests, call),

    exportBulkRelationships: (request, call) => exportRelationships(authorizer, request, call),
  }
}

/** One transaction for the whole stream. */
export async function importRelationships(
  authorizer: Authorizer,
  requests: AsyncIterable<{ readonly relationships: readonly RelationshipMessage[] }>,
  call: Call,
): Promise<{ numLoaded: bigint }> {
  async function* batches(): AsyncGenerator<readonly Relationship[]> {
    for await (const { relationships } of requests) {
      yield convertEach(relationships, 'relationships', (message) => relationshipFromWire(message, ''))
    }
  }
  const { token, count } = await authorizer.importRelationships(batches(), optionsOf(call))
  call.trailers[trailerNames.writtenAt] = token
  countOperations(call, 1)
  return { numLoaded: BigInt(count) }
}

/** All rows in pages; the limit is the size of a page. */
export async function* exportRelationships(
  authorizer: Authorizer,
  request: Pick<
    ExportBulkRelationshipsRequest,
    'consistency' | 'optionalLimit' | 'optionalCursor' | 'optionalRelationshipFilter'
  >,
  call: Call,
) {
  const { optionalLimit, optionalRelationshipFilter } = request
  if (optionalLimit > maxExportPage) {
    throw new CardeaError(
      'EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT',
      `The limit ${optionalLimit} is more than the largest page of an export (${maxExportPage}).`,
      { limit_provided: String(optionalLimit), maximum_limit_allowed: String(maxExportPage) },
    )
  }
  const pageSize = optionalLimit === 0 ? maxExportPage : optionalLimit
  const rows = authorizer.exportRelationships({
    ...readOptions(call, request.consistency),
    cursor: cursorFromWire(request.optionalCursor),
    ...(optionalRelationshipFilter && {
      filter: filterFromWire(optionalRelationshipFilter, 'optional_relationship_filter'),
    }),
  })
  countOperations(call, 1)
  let page: FoundRelationship[] = []
  let bytes = 0
  for await (const row of rows) {
    page.push(row)
    bytes += aboutBytes(row.relationship)
    if (page.length < pageSize && bytes < maxExportPageBytes) continue
    yield pageToWire(page)
    page = []
    bytes = 0
  }
  if (page.length > 0) yield pageToWire(page)
}

function pageToWire(page: readonly FoundRelationship[]) {
  return {
    afterResultCursor: { token: page.at(-1)!.cursor },
    relationships: page.map((row) => relationshipToWire(row.relationship)),
  }
}

/** About how many bytes a relationship takes in a message. */
function aboutBytes({ resource, relation, subject, caveat }: Relationship): number {
  const names = resource.type.length + resource.id.length + relation.length + subject.type.length
  const context = caveat?.context === undefined ? 0 : structBytes(caveat.context)
  return 40 + names + subject.id.length + subject.relation.length + context
}
