// Methods of the API, apart from how they are reached: a message in, messages out.

import type {
  DescMessage,
  DescMethod,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf'
import { MethodOptions_IdempotencyLevel as Idempotency } from '@bufbuild/protobuf/wkt'
import type { Call } from '../call.ts'
import type { DoorRoute } from '../door.ts'

export type UnaryHandler<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> = (
  request: MessageShape<I>,
  call: Call,
) => Promise<MessageInitShape<O>>

export type ServerStreamHandler<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> = (
  request: MessageShape<I>,
  call: Call,
) => AsyncIterable<MessageInitShape<O>>

export type ClientStreamHandler<I extends DescMessage = DescMessage, O extends DescMessage = DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  call: Call,
) => Promise<MessageInitShape<O>>

type HandlerOf<Method> =
  Method extends DescMethodUnary<infer I, infer O>
    ? UnaryHandler<I, O>
    : Method extends DescMethodServerStreaming<infer I, infer O>
      ? ServerStreamHandler<I, O>
      : Method extends DescMethodClientStreaming<infer I, infer O>
        ? ClientStreamHandler<I, O>
        : never

/** What serves a service: every method of it. */
export type Handlers<Service extends DescService> = {
  readonly [Name in keyof Service['method']]: HandlerOf<Service['method'][Name]>
}

/** One method with what serves it. Its path is `/package.Service/Method`. */
export interface Route extends DoorRoute {
  readonly method: DescMethod
  /** Of the kind that `method.methodKind` says. */
  readonly handler: unknown
  readonly quick?: QuickAnswer | undefined
}

/**
 * A shorter way through a unary method, from bytes to bytes, for requests as most are. Undefined for all others: the
 * handler answers those, or says what is wrong with them.
 */
export type QuickAnswer = (request: Buffer, call: Call) => Buffer | Promise<Buffer> | undefined

/** The routes of a service. What does not say in the contract that it has no side effects needs a read-write key. */
export function routesOf<Service extends DescService>(
  service: Service,
  handlers: Handlers<Service>,
  quick: { readonly [Name in keyof Service['method']]?: QuickAnswer } = {},
): Route[] {
  return service.methods.map((method) => ({
    method,
    name: method.name,
    path: `/${service.typeName}/${method.name}`,
    kind: method.methodKind === 'unary' ? 'call' : method.name === 'Watch' ? 'watch' : 'stream',
    readOnly: method.idempotency === Idempotency.NO_SIDE_EFFECTS,
    handler: (handlers as Record<string, unknown>)[method.localName],
    quick: (quick as Record<string, QuickAnswer | undefined>)[method.localName],
  }))
}
