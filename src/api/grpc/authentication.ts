// Authentication at the first sight of a call, before its message is read.

import type { Metadata, ServerInterceptingCall, ServerInterceptor } from '@grpc/grpc-js'
import { CardeaError } from '../../model/errors.ts'
import { GrpcCode } from '../../wire/grpc-code.ts'
import { statusFromError } from '../../wire/status.ts'
import { trailerNames } from '../call.ts'
import { type Door, requestIdOf } from '../door.ts'
import type { Caller } from '../preshared-keys.ts'
import { type GrpcFailure, grpcFailure } from './status-metadata.ts'

/** Where the interceptor leaves the caller for the handler of the same call. A WeakMap costs more than the whole call. */
const found = Symbol('caller')

/** What grpc-js sends at the end of a call. */
type PartialStatusObject = Parameters<ServerInterceptingCall['sendStatus']>[0]

type Carrier = Metadata & { [found]?: Caller }

/** The caller whom the interceptor let through; asked again, should the call not have passed it. */
export function callerOf(door: Door, metadata: Carrier): Caller {
  return metadata[found] ?? authenticate(door, metadata)
}

function authenticate(door: Door, metadata: Metadata): Caller {
  const sent = metadata.get('authorization')
  if (sent.length > 1)
    throw new CardeaError('UNAUTHENTICATED', 'There is more than one authorization header.')
  return door.authenticate(sent[0] === undefined ? undefined : String(sent[0]))
}

/**
 * Ends calls without a known key; `isPublic` names the paths that need none. Also puts the setting's name into the
 * status that grpc-js itself sends for a message that is too large.
 *
 * The call's own methods are replaced: grpc-js's ServerInterceptingCall would do the same, but what it allocates
 * survives every minor collection and doubles the cost of a check.
 */
export function authenticationInterceptor(
  door: Door,
  isPublic: (path: string) => boolean,
): ServerInterceptor {
  return (method, call) => {
    const { sendStatus, start } = call
    call.sendStatus = (status) => sendStatus.call(call, withSetting(status, door.limits.maxMessageBytes))
    if (!isPublic(method.path)) {
      call.start = (listener) => {
        const { onReceiveMetadata } = listener
        listener.onReceiveMetadata = (metadata: Carrier) => {
          try {
            metadata[found] = authenticate(door, metadata)
          } catch (thrown) {
            call.sendStatus(refusal(thrown, metadata))
            return
          }
          onReceiveMetadata.call(listener, metadata)
        }
        start.call(call, listener)
      }
    }
    return call as ServerInterceptingCall
  }
}

function withSetting(status: PartialStatusObject, maxMessageBytes: number): PartialStatusObject {
  if (status.code !== GrpcCode.RESOURCE_EXHAUSTED || !status.details?.startsWith('Received message'))
    return status
  const details = `${status.details} bytes: the limit is max-message-bytes (${maxMessageBytes}). Send less at once.`
  return { ...status, details }
}

function refusal(thrown: unknown, metadata: Metadata): GrpcFailure {
  const sent = metadata.get(trailerNames.requestId)[0]
  const requestId = requestIdOf(sent === undefined ? undefined : String(sent))
  return grpcFailure(statusFromError(CardeaError.from(thrown)), { [trailerNames.requestId]: requestId })
}
