// Relationship counters, over a channel.

import type { Authorizer } from '../authorizer/authorizer.ts'
import { CardeaError } from '../model/errors.ts'
import { filterToWire } from '../wire/filters.ts'
import { ExperimentalService } from '../wire/messages.ts'
import type { Channel } from './channel.ts'
import { tokenOf } from './remote.ts'

type Counters = Pick<Authorizer, 'registerCounter' | 'countRelationships' | 'unregisterCounter'>

export function remoteCounters(channel: Channel): Counters {
  const calls = ExperimentalService.method
  return {
    async registerCounter(name, filter, call = {}) {
      const message = { name, relationshipFilter: filterToWire(filter) }
      await channel.unary(calls.experimentalRegisterRelationshipCounter, message, call)
    },

    async countRelationships(name, call = {}) {
      const response = await channel.unary(calls.experimentalCountRelationships, { name }, call)
      const { counterResult } = response
      // Cardea always knows; another server of this API may still be counting.
      if (counterResult.case !== 'readCounterValue')
        throw new CardeaError('UNAVAILABLE', `The counter ${JSON.stringify(name)} is still being calculated.`)
      const { relationshipCount, readAt } = counterResult.value
      return { count: Number(relationshipCount), token: tokenOf(readAt) }
    },

    async unregisterCounter(name, call = {}) {
      await channel.unary(calls.experimentalUnregisterRelationshipCounter, { name }, call)
    },
  }
}
