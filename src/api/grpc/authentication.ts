// Authentication at the first sight of a call, before its message is read.

import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js'
import { CardeaError } from '../../model/errors.ts'
import { GrpcCode } from '../../wire/grpc-code.ts'
import { statusFromError } from '../../wire/status.ts'
import { trailerNames } from '../call.ts'
import { type Door, requestIdOf } from '../door.ts'
import type { Caller } from '../preshared-keys.ts'
import { type GrpcFailure, grpcFailure } from './status-metadata.ts'

/** Callers found by the interceptor, for the handler of the same call. */
const callers = new WeakMap<Metadata, Caller>()

/** The caller whom the interceptor let through; asked again, should the call not have passed it. */
export function callerOf(door: Door, metadata: Metadata): Caller {
  return callers.get(metadata) ?? authenticate(door, metadata)
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
 */
export function authenticationInterceptor(
  door: Door,
  isPublic: (path: string) => boolean,
): ServerInterceptor {
  return (method, call) => {
    const sendStatus = call.sendStatus.bind(call)
    call.sendStatus = (status) => {
      if (status.code === GrpcCode.RESOURCE_EXHAUSTED && status.details?.startsWith('Received message'))
        sendStatus({
          ...status,
          details: `${status.details} bytes: the limit is max-message-bytes (${door.limits.maxMessageBytes}). Send less at once.`,
        })
      else sendStatus(status)
    }
    if (isPublic(method.path)) return new ServerInterceptingCall(call)
    return new ServerInterceptingCall(call, {
      start: (begin) =>
        begin({
          onReceiveMetadata: (metadata, go) => {
            try {
              callers.set(metadata, authenticate(door, metadata))
            } catch (thrown) {
              call.sendStatus(refusal(thrown, metadata))
              return
            }
            go(metadata)
          },
        }),
    })
  }
}

function refusal(thrown: unknown, metadata: Metadata): GrpcFailure {
  const sent = metadata.get(trailerNames.requestId)[0]
  const requestId = requestIdOf(sent === undefined ? undefined : String(sent))
  return grpcFailure(statusFromError(CardeaError.from(thrown)), { [trailerNames.requestId]: requestId })
}
