// Every error code has its status, and comes back as itself.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CardeaError, type ErrorCode } from '../../src/model/errors.ts'
import { ErrorReason } from '../../src/wire/gen/authzed/api/v1/error_reason_pb.ts'
import { ErrorInfoSchema, RetryInfoSchema } from '../../src/wire/gen/google/rpc/error_details_pb.ts'
import { GrpcCode, httpStatusOf } from '../../src/wire/grpc-code.ts'
import { decode } from '../../src/wire/message-codec.ts'
import { decodeStatus, encodeStatus, errorFromStatus, statusFromError } from '../../src/wire/status.ts'
import { expectedStatuses } from './expected-statuses.ts'

function roundTrip(error: CardeaError): CardeaError {
  return errorFromStatus(decodeStatus(encodeStatus(statusFromError(error))))
}

const codes = Object.keys(expectedStatuses) as ErrorCode[]

describe('the status of an error', () => {
  test.each(codes)('%s', (code) => {
    const [grpc, reason] = expectedStatuses[code]
    const status = statusFromError(new CardeaError(code, 'What happened.', { field: 'resource' }))
    expect(status.code).toBe(GrpcCode[grpc])
    const info = decode(ErrorInfoSchema, status.details[0]!.value)
    if (reason === undefined) expect(info).toMatchObject({ domain: 'cardea', reason: code })
    else expect(info).toMatchObject({ domain: 'authzed.com', reason: `ERROR_REASON_${reason}` })
    if (grpc === 'INTERNAL') {
      expect(status.message).not.toContain('What happened')
      expect(info.metadata).toEqual({})
    } else {
      expect(status.message).toBe('What happened.')
      expect(info.metadata).toEqual({ field: 'resource' })
    }
  })

  test.each(codes)('%s survives the wire', (code) => {
    const error = roundTrip(new CardeaError(code, 'What happened.', { field: 'resource' }))
    expect(error.code).toBe(code)
    if (expectedStatuses[code][0] !== 'INTERNAL') {
      expect(error.message).toBe('What happened.')
      expect(error.facts).toEqual({ field: 'resource' })
    }
  })

  test('a time to come back travels as RetryInfo, not as metadata', () => {
    const error = new CardeaError('OVERLOADED', 'Too much.', { retry_after_ms: '1500' })
    const status = statusFromError(error)
    expect(decode(ErrorInfoSchema, status.details[0]!.value).metadata).toEqual({})
    expect(decode(RetryInfoSchema, status.details[1]!.value).retryDelay).toMatchObject({
      seconds: 1n,
      nanos: 5e8,
    })
    expect(roundTrip(error).facts).toEqual({ retry_after_ms: '1500' })
  })

  test('every reason that clients know has a code, but for those that cannot happen here', () => {
    const used = new Set<string | undefined>(Object.values(expectedStatuses).map(([, reason]) => reason))
    const unused = Object.keys(ErrorReason).filter((reason) => !used.has(reason))
    expect(unused.sort()).toEqual([
      'DATASTORE_NOT_MIGRATED',
      'INMEMORY_TOO_MANY_CONCURRENT_UPDATES',
      'UNSPECIFIED',
    ])
  })
})

describe('a status from another server', () => {
  test.each([
    ['INVALID_ARGUMENT', 'INVALID_ARGUMENT'],
    ['NOT_FOUND', 'SCHEMA_NOT_FOUND'],
    ['UNAUTHENTICATED', 'UNAUTHENTICATED'],
    ['UNAVAILABLE', 'UNAVAILABLE'],
    ['UNKNOWN', 'INTERNAL'],
    ['DATA_LOSS', 'INTERNAL'],
  ] as const)('%s without details is %s', (grpc, code) => {
    expect(errorFromStatus({ code: GrpcCode[grpc], message: 'no' }).code).toBe(code)
  })
})

test('HTTP statuses follow google.rpc.Code', () => {
  const named = Object.fromEntries(Object.entries(GrpcCode).map(([name, code]) => [name, httpStatusOf(code)]))
  expect(named).toMatchObject({
    OK: 200,
    INVALID_ARGUMENT: 400,
    FAILED_PRECONDITION: 400,
    OUT_OF_RANGE: 400,
    UNAUTHENTICATED: 401,
    PERMISSION_DENIED: 403,
    NOT_FOUND: 404,
    ALREADY_EXISTS: 409,
    ABORTED: 409,
    RESOURCE_EXHAUSTED: 429,
    UNIMPLEMENTED: 501,
    UNAVAILABLE: 503,
    DEADLINE_EXCEEDED: 504,
    INTERNAL: 500,
  })
})

test('docs/server.md tells every code as it is', () => {
  const lines = new Set(readFileSync('docs/server.md', 'utf8').split('\n'))
  for (const code of codes) {
    const [grpc, reason = ''] = expectedStatuses[code]
    const beginning = `| ${code} | ${grpc} | ${httpStatusOf(GrpcCode[grpc])} | ${reason} | `
    expect(
      [...lines].filter((line) => line.startsWith(beginning)),
      beginning,
    ).toHaveLength(1)
  }
})
