// The client: an Authorizer over gRPC.

import type { Authorizer } from '../authorizer/authorizer.ts'
import { requireOption } from '../model/require-option.ts'
import { consistencyToWire } from '../wire/consistency.ts'
import { Channel, type ChannelOptions } from './channel.ts'
import type { Freshness } from './remote.ts'
import { remoteChecks } from './remote-checks.ts'
import { remoteCounters } from './remote-counters.ts'
import { remoteLookups } from './remote-lookups.ts'
import { remoteSchema } from './remote-schema.ts'
import { remoteWrites } from './remote-writes.ts'
import { Written } from './written.ts'

export type ConnectOptions = ChannelOptions

/** What a service offers over gRPC: everything. */
export type RemoteAuthorizer = Authorizer

/**
 * Connects to a Cardea service (or, but for explanations, plans and writes with requirements, to any server of
 * `authzed.api.v1`). The connection is made with the first call. Reads without a consistency of their own see what
 * this client has written before. Calls without side effects are repeated when the service cannot answer; writes never.
 * CONFIG_INVALID for plain text on a network, unless `allowPlaintext` says so.
 */
export function connect(options: ConnectOptions): Authorizer {
  const { address, presharedKey } = options ?? {}
  requireOption(typeof address === 'string', 'connect', 'an address', "write { address: '127.0.0.1:50051' }")
  requireOption(
    typeof presharedKey === 'string',
    'connect',
    'a presharedKey',
    'one of those that the service was started with; cardea serve keeps the one it made in .cardea/preshared-key',
  )
  const channel = new Channel(options)
  const written = new Written()
  const fresh: Freshness = (read) => consistencyToWire(read?.consistency ?? written.consistency)
  return {
    ...remoteChecks(channel, fresh),
    ...remoteLookups(channel, fresh),
    ...remoteWrites(channel, written),
    ...remoteCounters(channel),
    ...remoteSchema(channel, fresh, written),
    async close() {
      channel.close()
    },
  }
}
