// What every guarded HTTP route goes through: key, limits, request id, deadline, and one shape of failure.

import { createRegistry, toJson } from '@bufbuild/protobuf'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { CardeaError } from '../../model/errors.ts'
import { GrpcCode, httpStatusOf } from '../../wire/grpc-code.ts'
import { ErrorInfoSchema, RetryInfoSchema, type Status, StatusSchema } from '../../wire/messages.ts'
import { statusFromError } from '../../wire/status.ts'
import { trailerNames } from '../call.ts'
import type { Door, DoorRoute } from '../door.ts'
import type { OpenCall } from '../open-call.ts'
import { requestIdOf } from '../request-id.ts'

export type HttpContext = Context<{ Bindings: HttpBindings }>

/** Types that details of a status may have. */
export const detailTypes = createRegistry(ErrorInfoSchema, RetryInfoSchema)

/**
 * Runs `handle` for an authenticated caller. It returns the response, and for a stream also a promise that settles,
 * with a gRPC code, when the stream is over.
 */
export async function throughDoor(
  door: Door,
  route: DoorRoute,
  context: HttpContext,
  handle: (call: OpenCall) => Promise<Response | { response: Response; over: Promise<number> }>,
): Promise<Response> {
  let open: OpenCall | undefined
  try {
    const caller = door.authenticate(context.req.header('authorization'))
    open = door.enter(route, caller, {
      requestId: context.req.header(trailerNames.requestId),
      deadlineMs: deadlineOf(context.req.header('grpc-timeout')),
    })
    const entered = open
    context.env.outgoing.once('close', () => entered.abort())
    const answer = await handle(open)
    if (answer instanceof Response) {
      door.leave(open, GrpcCode.OK)
      return withHeaders(answer, open.trailers)
    }
    answer.over.then((code) => door.leave(entered, code))
    return withHeaders(answer.response, open.trailers)
  } catch (thrown) {
    const status = door.refuse(thrown, open)
    if (open) door.leave(open, status.code)
    const requestId = open?.requestId ?? requestIdOf(context.req.header(trailerNames.requestId))
    return withHeaders(statusResponse(status), {
      ...open?.trailers,
      [trailerNames.requestId]: requestId,
    })
  }
}

/** A header value may only hold visible ASCII; a request id comes from a header, all else is ours. */
function withHeaders(response: Response, headers: { readonly [name: string]: string }): Response {
  for (const name of Object.keys(headers)) response.headers.set(name, headers[name]!)
  return response
}

/** `grpc-timeout`, as clients of JSON gateways send it: digits and one of H M S m u n. */
function deadlineOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const match = /^(\d{1,8})([HMSmun])$/.exec(header)
  if (match === null)
    throw new CardeaError(
      'INVALID_ARGUMENT',
      'The grpc-timeout header is malformed: expected digits and a unit, such as 5S.',
    )
  const unitMs = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 }[match[2]!]!
  return Date.now() + Number(match[1]) * unitMs
}

/** A status as JSON: `{"code": 3, "message": "...", "details": [...]}`. */
export function statusJson(status: Status) {
  return toJson(StatusSchema, status, { registry: detailTypes })
}

/** The response for a failure, with what HTTP clients look for in headers. */
export function statusResponse(status: Status, wrap: (json: unknown) => unknown = (json) => json): Response {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (status.code === GrpcCode.UNAUTHENTICATED) headers['www-authenticate'] = 'Bearer'
  const retry = status.details.find(({ typeUrl }) => typeUrl.endsWith(RetryInfoSchema.typeName))
  if (retry !== undefined) headers['retry-after'] = '1'
  return new Response(JSON.stringify(wrap(statusJson(status))), {
    status: httpStatusOf(status.code as GrpcCode) as ContentfulStatusCode,
    headers,
  })
}

/** For refusals that HTTP has its own status for. */
export function refusal(httpStatus: number, message: string): Response {
  const status = statusFromError(new CardeaError('INVALID_ARGUMENT', message))
  return new Response(JSON.stringify(statusJson(status)), {
    status: httpStatus,
    headers: { 'content-type': 'application/json' },
  })
}
