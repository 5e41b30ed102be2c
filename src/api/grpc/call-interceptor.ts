// The interceptor through which all calls come: keys, unary calls, the name of a limit.

import type {
  ServerInterceptingCall,
  ServerInterceptingCallInterface,
  ServerInterceptor,
} from '@grpc/grpc-js'
import { GrpcCode } from '../../wire/grpc-code.ts'
import type { Door } from '../door.ts'
import { authenticate, refusal } from './authentication.ts'
import { type UnaryAnswerer, UnaryCall } from './unary-call.ts'

/** What grpc-js sends at the end of a call. */
type PartialStatusObject = Parameters<ServerInterceptingCall['sendStatus']>[0]

/**
 * Ends calls without a known key; `isPublic` names the paths that need none. Answers those of `unary` by itself. Also
 * puts the setting's name into the status that grpc-js itself sends for a message that is too large.
 *
 * The call's own methods are replaced: grpc-js's ServerInterceptingCall would do the same, but what it allocates
 * survives every minor collection and doubles the cost of a check.
 */
export function callInterceptor(
  door: Door,
  isPublic: (path: string) => boolean,
  unary: ReadonlyMap<string, UnaryAnswerer>,
): ServerInterceptor {
  /** The one of every call's prototype. */
  let sendStatus: ServerInterceptingCallInterface['sendStatus'] | undefined
  function sendStatusWithSetting(this: ServerInterceptingCallInterface, status: PartialStatusObject): void {
    sendStatus!.call(this, withSetting(status, door.limits.maxMessageBytes))
  }
  return (method, call) => {
    sendStatus ??= call.sendStatus
    call.sendStatus = sendStatusWithSetting
    const answerer = unary.get(method.path)
    if (answerer !== undefined)
      return new UnaryCall(door, answerer, call) as unknown as ServerInterceptingCall
    if (!isPublic(method.path)) guard(door, call)
    return call as ServerInterceptingCall
  }
}

/** Lets grpc-js go on with a call only when its caller is known. */
function guard(door: Door, call: ServerInterceptingCallInterface): void {
  const { start } = call
  call.start = (listener) => {
    const { onReceiveMetadata } = listener
    listener.onReceiveMetadata = (metadata) => {
      try {
        authenticate(door, metadata)
      } catch (thrown) {
        call.sendStatus(refusal(thrown, metadata))
        return
      }
      onReceiveMetadata.call(listener, metadata)
    }
    start.call(call, listener)
  }
}

function withSetting(status: PartialStatusObject, maxMessageBytes: number): PartialStatusObject {
  if (status.code !== GrpcCode.RESOURCE_EXHAUSTED || !status.details?.startsWith('Received message'))
    return status
  const details = `${status.details} bytes: the limit is max-message-bytes (${maxMessageBytes}). Send less at once.`
  return { ...status, details }
}
