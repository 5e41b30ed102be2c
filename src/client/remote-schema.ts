// The schema: read, written, rehearsed and looked into, over a channel.

import type { Authorizer } from '../authorizer/authorizer.ts'
import { questionToWire } from '../wire/answers.ts'
import { SchemaPlanService, SchemaService } from '../wire/messages.ts'
import {
  caveatFromWire,
  definitionFromWire,
  differenceFromWire,
  reflectionFilterToWire,
} from '../wire/reflection.ts'
import { planFromWire } from '../wire/schema-plan.ts'
import type { Channel } from './channel.ts'
import { type Freshness, tokenOf } from './remote.ts'
import type { Written } from './written.ts'

type SchemaCalls = Pick<
  Authorizer,
  | 'readSchema'
  | 'writeSchema'
  | 'planSchema'
  | 'reflectSchema'
  | 'diffSchema'
  | 'computablePermissions'
  | 'dependentRelations'
>

export function remoteSchema(channel: Channel, fresh: Freshness, written: Written): SchemaCalls {
  const calls = SchemaService.method
  return {
    async readSchema(read = {}) {
      const response = await channel.unary(calls.readSchema, {}, read)
      return { text: response.schemaText, token: tokenOf(response.readAt) }
    },

    writeSchema: (text, call = {}) =>
      written.during(async () => {
        const response = await channel.unary(calls.writeSchema, { schema: text }, call)
        return { token: tokenOf(response.writtenAt) }
      }),

    async planSchema(text, options = {}) {
      const { questions = [], sample } = options
      const message = {
        schema: text,
        questions: questions.map(questionToWire),
        sample: sample ?? 0,
        withoutSample: sample === 0,
      }
      return planFromWire(await channel.unary(SchemaPlanService.method.planSchema, message, options))
    },

    async reflectSchema(filters = [], read = {}) {
      const message = { consistency: fresh(read), optionalFilters: filters.map(reflectionFilterToWire) }
      const response = await channel.unary(calls.reflectSchema, message, read)
      return {
        token: tokenOf(response.readAt),
        definitions: response.definitions.map(definitionFromWire),
        caveats: response.caveats.map(caveatFromWire),
      }
    },

    async diffSchema(text, read = {}) {
      const message = { consistency: fresh(read), comparisonSchema: text }
      const response = await channel.unary(calls.diffSchema, message, read)
      return { token: tokenOf(response.readAt), differences: response.diffs.map(differenceFromWire) }
    },

    async computablePermissions({ definitionName, relationName, definitionPrefix = '' }, read = {}) {
      const message = {
        consistency: fresh(read),
        definitionName,
        relationName,
        optionalDefinitionNameFilter: definitionPrefix,
      }
      const response = await channel.unary(calls.computablePermissions, message, read)
      return { token: tokenOf(response.readAt), references: response.permissions.map(referenceFromWire) }
    },

    async dependentRelations({ definitionName, permissionName }, read = {}) {
      const message = { consistency: fresh(read), definitionName, permissionName }
      const response = await channel.unary(calls.dependentRelations, message, read)
      return { token: tokenOf(response.readAt), references: response.relations.map(referenceFromWire) }
    },
  }
}

function referenceFromWire(message: {
  readonly definitionName: string
  readonly relationName: string
  readonly isPermission: boolean
}) {
  const { definitionName, relationName, isPermission } = message
  return { definitionName, relationName, isPermission }
}
