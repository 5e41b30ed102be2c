// Authentication at the first sight of a call, before its message is read, and entering once it is.

import type { Metadata } from '@grpc/grpc-js'
import { CardeaError } from '../../model/errors.ts'
import { statusFromError } from '../../wire/status.ts'
import { trailerNames } from '../call.ts'
import type { Door } from '../door.ts'
import type { Route } from '../methods/route.ts'
import type { OpenCall } from '../open-call.ts'
import type { Caller } from '../preshared-keys.ts'
import { requestIdOf } from '../request-id.ts'
import { type GrpcFailure, grpcFailure } from './status-metadata.ts'

/** Where the caller is left for the handler of the same call. A WeakMap costs more than the whole call. */
const found = Symbol('caller')

type Carrier = Metadata & { [found]?: Caller }

/** Finds out who calls and keeps it with the metadata. UNAUTHENTICATED or PERMISSION_DENIED. */
export function authenticate(door: Door, metadata: Carrier): Caller {
  const sent = metadata.get('authorization')
  if (sent.length > 1)
    throw new CardeaError('UNAUTHENTICATED', 'There is more than one authorization header.')
  const caller = door.authenticate(sent[0] === undefined ? undefined : String(sent[0]))
  metadata[found] = caller
  return caller
}

/** Lets a call in; asks again who calls, should it not have passed `callInterceptor`. */
export function enter(
  door: Door,
  route: Route,
  grpc: { getDeadline(): Date | number },
  metadata: Carrier,
): OpenCall {
  const deadline = Number(grpc.getDeadline())
  return door.enter(route, metadata[found] ?? authenticate(door, metadata), {
    requestId: first(metadata, trailerNames.requestId),
    wantsTrace: first(metadata, 'io.spicedb.requestdebuginfo') !== undefined,
    deadlineMs: Number.isFinite(deadline) ? deadline : undefined,
  })
}

function first(metadata: Metadata, name: string): string | undefined {
  const value = metadata.get(name)[0]
  return value === undefined ? undefined : String(value)
}

/** What a caller gets whom {@link authenticate} did not let through. */
export function refusal(thrown: unknown, metadata: Metadata): GrpcFailure {
  const requestId = requestIdOf(first(metadata, trailerNames.requestId))
  return grpcFailure(statusFromError(CardeaError.from(thrown)), { [trailerNames.requestId]: requestId })
}
