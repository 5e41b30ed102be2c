// Error codes as gRPC statuses with their details, and back.

import { create } from '@bufbuild/protobuf'
import { type Any, anyPack } from '@bufbuild/protobuf/wkt'
import { CardeaError, type ErrorCode, type ErrorFacts } from '../model/errors.ts'
import type { ErrorReason } from './gen/authzed/api/v1/error_reason_pb.ts'
import { ErrorInfoSchema, RetryInfoSchema } from './gen/google/rpc/error_details_pb.ts'
import { type Status, StatusSchema } from './gen/google/rpc/status_pb.ts'
import { GrpcCode } from './grpc-code.ts'
import { decode, encode } from './message-codec.ts'

interface StatusRule {
  readonly grpc: GrpcCode
  /** The reason that clients of authzed.api.v1 know. Without one, the code itself is the reason, in our domain. */
  readonly reason?: Exclude<keyof typeof ErrorReason, 'UNSPECIFIED'>
  /** The message and the facts stay in the operator's log. */
  readonly secret?: true
}

/** What each code is on the wire (reference: errors of authzed.api.v1). */
const rules = {
  INVALID_ARGUMENT: { grpc: GrpcCode.INVALID_ARGUMENT },
  SCHEMA_PARSE_ERROR: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'SCHEMA_PARSE_ERROR' },
  SCHEMA_TYPE_ERROR: { grpc: GrpcCode.FAILED_PRECONDITION, reason: 'SCHEMA_TYPE_ERROR' },
  SCHEMA_BLOCKED_BY_DATA: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'SCHEMA_TYPE_ERROR' },
  SCHEMA_NOT_FOUND: { grpc: GrpcCode.NOT_FOUND },
  SCHEMA_CHANGED: { grpc: GrpcCode.ABORTED },
  UNKNOWN_DEFINITION: { grpc: GrpcCode.FAILED_PRECONDITION, reason: 'UNKNOWN_DEFINITION' },
  UNKNOWN_RELATION_OR_PERMISSION: {
    grpc: GrpcCode.FAILED_PRECONDITION,
    reason: 'UNKNOWN_RELATION_OR_PERMISSION',
  },
  // The reason is the one that clients of authzed.api.v1 know, here with another code.
  NOT_A_PERMISSION: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'UNKNOWN_RELATION_OR_PERMISSION' },
  UNKNOWN_CAVEAT: { grpc: GrpcCode.FAILED_PRECONDITION, reason: 'UNKNOWN_CAVEAT' },
  INVALID_SUBJECT_TYPE: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'INVALID_SUBJECT_TYPE' },
  CANNOT_UPDATE_PERMISSION: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'CANNOT_UPDATE_PERMISSION' },
  CAVEAT_PARAMETER_TYPE_ERROR: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'CAVEAT_PARAMETER_TYPE_ERROR' },
  CAVEAT_EVALUATION_ERROR: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'CAVEAT_EVALUATION_ERROR' },
  WILDCARD_NOT_ALLOWED: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'WILDCARD_NOT_ALLOWED' },
  INVALID_FILTER: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'INVALID_FILTER' },
  EMPTY_PRECONDITION: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'EMPTY_PRECONDITION' },
  TOO_MANY_UPDATES: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'TOO_MANY_UPDATES_IN_REQUEST' },
  TOO_MANY_PRECONDITIONS: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'TOO_MANY_PRECONDITIONS_IN_REQUEST' },
  TOO_MANY_CHECKS: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'TOO_MANY_CHECKS_IN_REQUEST' },
  TOO_MANY_RELATIONSHIPS_FOR_TRANSACTIONAL_DELETE: {
    grpc: GrpcCode.INVALID_ARGUMENT,
    reason: 'TOO_MANY_RELATIONSHIPS_FOR_TRANSACTIONAL_DELETE',
  },
  EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT: {
    grpc: GrpcCode.INVALID_ARGUMENT,
    reason: 'EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT',
  },
  UPDATES_ON_SAME_RELATIONSHIP: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'UPDATES_ON_SAME_RELATIONSHIP' },
  RELATIONSHIP_CONTEXT_TOO_LARGE: {
    grpc: GrpcCode.INVALID_ARGUMENT,
    reason: 'MAX_RELATIONSHIP_CONTEXT_SIZE',
  },
  REQUEST_CONTEXT_TOO_LARGE: { grpc: GrpcCode.INVALID_ARGUMENT },
  TRANSACTION_METADATA_TOO_LARGE: {
    grpc: GrpcCode.INVALID_ARGUMENT,
    reason: 'TRANSACTION_METADATA_TOO_LARGE',
  },
  RELATIONSHIP_EXISTS: { grpc: GrpcCode.ALREADY_EXISTS, reason: 'ATTEMPT_TO_RECREATE_RELATIONSHIP' },
  PRECONDITION_FAILED: {
    grpc: GrpcCode.FAILED_PRECONDITION,
    reason: 'WRITE_OR_DELETE_PRECONDITION_FAILURE',
  },
  REQUIREMENT_FAILED: { grpc: GrpcCode.FAILED_PRECONDITION },
  SERIALIZATION_FAILURE: { grpc: GrpcCode.ABORTED, reason: 'SERIALIZATION_FAILURE' },
  COUNTER_ALREADY_REGISTERED: { grpc: GrpcCode.FAILED_PRECONDITION, reason: 'COUNTER_ALREADY_REGISTERED' },
  COUNTER_NOT_REGISTERED: { grpc: GrpcCode.FAILED_PRECONDITION, reason: 'COUNTER_NOT_REGISTERED' },
  INVALID_TOKEN: { grpc: GrpcCode.INVALID_ARGUMENT },
  INVALID_CURSOR: { grpc: GrpcCode.INVALID_ARGUMENT, reason: 'INVALID_CURSOR' },
  REVISION_OUT_OF_RANGE: { grpc: GrpcCode.OUT_OF_RANGE },
  // Where SpiceDB gives up on a cycle by its depth, the question itself has no answer for us.
  UNDEFINED_BY_CYCLE: { grpc: GrpcCode.FAILED_PRECONDITION, reason: 'MAXIMUM_DEPTH_EXCEEDED' },
  LIMIT_EXCEEDED: { grpc: GrpcCode.RESOURCE_EXHAUSTED },
  OVERLOADED: { grpc: GrpcCode.RESOURCE_EXHAUSTED },
  READ_ONLY: { grpc: GrpcCode.UNAVAILABLE, reason: 'SERVICE_READ_ONLY' },
  UNAVAILABLE: { grpc: GrpcCode.UNAVAILABLE },
  CANCELLED: { grpc: GrpcCode.CANCELLED },
  DEADLINE_EXCEEDED: { grpc: GrpcCode.DEADLINE_EXCEEDED },
  UNAUTHENTICATED: { grpc: GrpcCode.UNAUTHENTICATED },
  PERMISSION_DENIED: { grpc: GrpcCode.PERMISSION_DENIED },
  UNIMPLEMENTED: { grpc: GrpcCode.UNIMPLEMENTED },
  CONFIG_INVALID: { grpc: GrpcCode.INTERNAL, secret: true },
  STORE_FAILED: { grpc: GrpcCode.INTERNAL, secret: true },
  INTERNAL: { grpc: GrpcCode.INTERNAL, secret: true },
} as const satisfies Record<ErrorCode, StatusRule>

const authzedDomain = 'authzed.com'
const ourDomain = 'cardea'
const secretMessage = 'An internal error occurred; the operator log has the details.'

/** Fact that asks for a RetryInfo detail: milliseconds after which another try makes sense. */
export const retryAfterFact = 'retry_after_ms'

/** Whether the message and the facts of an error must not reach a caller. */
export function isSecret(code: ErrorCode): boolean {
  return (rules[code] as StatusRule).secret === true
}

/** The status that a caller gets: code, message, ErrorInfo, and RetryInfo when the error knows when to come back. */
export function statusFromError(error: CardeaError): Status {
  const rule: StatusRule = rules[error.code]
  const { [retryAfterFact]: retryAfter, ...facts } = rule.secret ? ({} as ErrorFacts) : error.facts
  const info = create(ErrorInfoSchema, {
    reason: rule.reason === undefined ? error.code : `ERROR_REASON_${rule.reason}`,
    domain: rule.reason === undefined ? ourDomain : authzedDomain,
    metadata: { ...facts },
  })
  const details = [anyPack(ErrorInfoSchema, info)]
  if (retryAfter !== undefined) {
    const ms = Number(retryAfter)
    const retryDelay = { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 }
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })))
  }
  const message = rule.secret ? secretMessage : error.message
  return create(StatusSchema, { code: rule.grpc, message, details })
}

/** What a status says, as an error again. A code without details becomes the most general error of its kind. */
export function errorFromStatus(status: Pick<Status, 'code' | 'message'> & { details?: Any[] }): CardeaError {
  let reason: string | undefined
  let facts: ErrorFacts = {}
  for (const detail of status.details ?? []) {
    if (detail.typeUrl.endsWith('/google.rpc.ErrorInfo')) {
      const info = decode(ErrorInfoSchema, detail.value)
      reason = info.reason
      facts = { ...facts, ...info.metadata }
    } else if (detail.typeUrl.endsWith('/google.rpc.RetryInfo')) {
      const delay = decode(RetryInfoSchema, detail.value).retryDelay
      if (delay)
        facts = { ...facts, [retryAfterFact]: String(Number(delay.seconds) * 1000 + delay.nanos / 1e6) }
    }
  }
  return new CardeaError(errorCodeOf(status.code, reason), status.message, facts)
}

function errorCodeOf(grpc: number, reason: string | undefined): ErrorCode {
  for (const [code, rule] of Object.entries(rules) as [ErrorCode, StatusRule][]) {
    const ours = rule.reason === undefined ? code : `ERROR_REASON_${rule.reason}`
    if (rule.grpc === grpc && ours === reason) return code
  }
  return generalCodes[grpc] ?? 'INTERNAL'
}

const generalCodes: { readonly [grpc: number]: ErrorCode } = {
  [GrpcCode.CANCELLED]: 'CANCELLED',
  [GrpcCode.INVALID_ARGUMENT]: 'INVALID_ARGUMENT',
  [GrpcCode.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
  [GrpcCode.NOT_FOUND]: 'SCHEMA_NOT_FOUND',
  [GrpcCode.ALREADY_EXISTS]: 'RELATIONSHIP_EXISTS',
  [GrpcCode.PERMISSION_DENIED]: 'PERMISSION_DENIED',
  [GrpcCode.RESOURCE_EXHAUSTED]: 'LIMIT_EXCEEDED',
  [GrpcCode.FAILED_PRECONDITION]: 'PRECONDITION_FAILED',
  [GrpcCode.ABORTED]: 'SERIALIZATION_FAILURE',
  [GrpcCode.OUT_OF_RANGE]: 'REVISION_OUT_OF_RANGE',
  [GrpcCode.UNIMPLEMENTED]: 'UNIMPLEMENTED',
  [GrpcCode.UNAVAILABLE]: 'UNAVAILABLE',
  [GrpcCode.UNAUTHENTICATED]: 'UNAUTHENTICATED',
}

/** The bytes of the `grpc-status-details-bin` trailer. */
export function encodeStatus(status: Status): Buffer {
  return encode(StatusSchema, status)
}

/** Reads a `grpc-status-details-bin` trailer. */
export function decodeStatus(bytes: Uint8Array): Status {
  return decode(StatusSchema, bytes)
}
