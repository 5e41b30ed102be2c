// A channel to a Cardea service: calls by method descriptor, errors as CardeaError, retries where they are safe.

import { readFileSync } from 'node:fs'
import type {
  DescMessage,
  DescMethod,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf'
import { MethodOptions_IdempotencyLevel as Idempotency } from '@bufbuild/protobuf/wkt'
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import type { CallOptions } from '../authorizer/authorizer.ts'
import { CardeaError } from '../model/errors.ts'
import { GrpcCode } from '../wire/grpc-code.ts'
import { isLoopbackTarget } from '../wire/loopback.ts'
import { decode, encode } from '../wire/message-codec.ts'
import { decodeStatus, errorFromStatus, retryAfterFact } from '../wire/status.ts'

export interface ChannelOptions {
  /** `host:port` */
  readonly address: string
  readonly presharedKey: string
  /** Set: connect with TLS, trusting the system's authorities or the given one (PEM, or the path of a PEM file). */
  readonly tls?: { readonly ca?: Buffer | string; readonly cert?: Buffer; readonly key?: Buffer }
  /**
   * Without TLS, only an address of this machine (`127.0.0.1`, `localhost`, `[::1]`, `unix:`) is connected to, unless
   * this says in words that the key and every answer may be read on the way. Default false.
   */
  readonly allowPlaintext?: boolean
  /** For a call without a deadline of its own, its repetitions included, in milliseconds. Default 30,000; streams have none. */
  readonly timeoutMs?: number
  /** How often a call without side effects is tried again when the service cannot answer. Default 3. */
  readonly maxRetries?: number
}

/** An answer with what came beside it, by lower-case name. */
export interface Answered<Message> {
  readonly message: Message
  trailer(name: string): string | undefined
}

/** Wait before the first repetition, in milliseconds; doubled each time, and spread by a random factor. */
const retryDelayMs = 50

const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`

export class Channel {
  readonly #client: Client
  readonly #metadata = new Metadata()
  readonly #timeoutMs: number
  readonly #maxRetries: number

  /** CONFIG_INVALID for plain text on a network, unless it is allowed. */
  constructor(options: ChannelOptions) {
    const { tls, address } = options
    const loopback = isLoopbackTarget(address)
    if (tls === undefined && !loopback && options.allowPlaintext !== true) {
      throw new CardeaError(
        'CONFIG_INVALID',
        `${address} is not on this machine, and without TLS the preshared key would travel in plain text. ` +
          'Set tls (or --tls, --tls-ca), or allow it in words: allowPlaintext: true (or --allow-plaintext).',
      )
    }
    const pem = (value: Buffer | string | undefined) =>
      typeof value === 'string' ? readFileSync(value) : (value ?? null)
    const channelCredentials =
      tls === undefined
        ? credentials.createInsecure()
        : credentials.createSsl(pem(tls.ca), tls.key ?? null, tls.cert ?? null)
    this.#client = new Client(address, channelCredentials, {
      // A proxy of the environment would carry off what is not to leave this machine.
      ...(tls === undefined && loopback && { 'grpc.enable_http_proxy': 0 }),
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      // A connection whose other end is gone is noticed within a minute.
      'grpc.keepalive_time_ms': 40_000,
      'grpc.keepalive_timeout_ms': 20_000,
    })
    this.#metadata.set('authorization', `Bearer ${options.presharedKey}`)
    this.#timeoutMs = options.timeoutMs ?? 30_000
    this.#maxRetries = options.maxRetries ?? 3
  }

  /** One message each way. Repeated only when the method has no side effects. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    call: CallOptions = {},
  ): Promise<MessageShape<O>> {
    return (await this.answered(method, request, call)).message
  }

  /** The same, with the trailers. */
  answered<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    call: CallOptions = {},
  ): Promise<Answered<MessageShape<O>>> {
    const deadlineMs = call.deadlineMs ?? Date.now() + this.#timeoutMs
    return this.#repeated(method, { ...call, deadlineMs }, () =>
      this.#once(method, request, { ...call, deadlineMs }),
    )
  }

  async #repeated<Value>(
    method: DescMethod,
    call: CallOptions,
    attempt: () => Promise<Value>,
  ): Promise<Value> {
    const safe = method.idempotency === Idempotency.NO_SIDE_EFFECTS
    for (let tries = 0; ; tries += 1) {
      try {
        return await attempt()
      } catch (error) {
        const delayMs = safe && tries < this.#maxRetries ? retryDelay(error, tries) : undefined
        const late =
          delayMs === undefined || Date.now() + delayMs >= (call.deadlineMs ?? Number.POSITIVE_INFINITY)
        if (late || call.signal?.aborted) throw error
        await new Promise((resolve) => setTimeout(resolve, delayMs))
      }
    }
  }

  #once<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    call: CallOptions,
  ): Promise<Answered<MessageShape<O>>> {
    return new Promise((resolve, reject) => {
      let message: MessageShape<O> | undefined
      const running = this.#client.makeUnaryRequest(
        pathOf(method),
        (value: MessageInitShape<I>) => encode(method.input, value),
        (bytes) => decode(method.output, bytes),
        request,
        this.#metadata,
        deadlineOf(call),
        (error, response) => {
          if (error) fail(errorOf(error))
          else message = response as MessageShape<O>
        },
      )
      const cancel = () => running.cancel()
      const fail = (error: CardeaError) => {
        call.signal?.removeEventListener('abort', cancel)
        reject(error)
      }
      // Comes after the response, and alone has the trailers.
      running.on('status', ({ code, metadata }) => {
        if (code !== GrpcCode.OK) return
        call.signal?.removeEventListener('abort', cancel)
        resolve({ message: message!, trailer: (name) => firstText(metadata, name) })
      })
      call.signal?.addEventListener('abort', cancel, { once: true })
      if (call.signal?.aborted) cancel()
    })
  }

  /** Messages as they come; the service waits while the consumer does not ask. Ending the loop ends the call. */
  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    call: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>> {
    const open = () =>
      this.#client.makeServerStreamRequest(
        pathOf(method),
        (message: MessageInitShape<I>) => encode(method.input, message),
        (bytes) => decode(method.output, bytes),
        request,
        this.#metadata,
        deadlineOf(call),
      )
    let running: ReturnType<typeof open> | undefined
    const cancel = () => running?.cancel()
    call.signal?.addEventListener('abort', cancel, { once: true })
    try {
      // Until the first message it is a call like any other, which may be repeated.
      const begin = async () => {
        running?.cancel()
        running = open()
        running.on('error', () => {})
        if (call.signal?.aborted) cancel()
        const messages = running[Symbol.asyncIterator]() as AsyncIterator<MessageShape<O>>
        try {
          return { messages, first: await messages.next() }
        } catch (error) {
          throw errorOf(error as ServiceError)
        }
      }
      const { messages, first } = await this.#repeated(method, call, begin)
      for (let next = first; !next.done; next = await messages.next()) yield next.value
    } catch (error) {
      throw error instanceof CardeaError ? error : errorOf(error as ServiceError)
    } finally {
      call.signal?.removeEventListener('abort', cancel)
      cancel()
    }
  }

  /** Many messages there, one back. Never repeated. */
  async upload<I extends DescMessage, O extends DescMessage>(
    method: DescMethodClientStreaming<I, O>,
    requests: AsyncIterable<MessageInitShape<I>>,
    call: CallOptions = {},
  ): Promise<Answered<MessageShape<O>>> {
    let message: MessageShape<O> | undefined
    let settle!: { resolve(value: Answered<MessageShape<O>>): void; reject(error: CardeaError): void }
    const answer = new Promise<Answered<MessageShape<O>>>((resolve, reject) => {
      settle = { resolve, reject }
    })
    const running = this.#client.makeClientStreamRequest(
      pathOf(method),
      (value: MessageInitShape<I>) => encode(method.input, value),
      (bytes) => decode(method.output, bytes),
      this.#metadata,
      deadlineOf(call),
      (error, response) => {
        if (error) settle.reject(errorOf(error))
        else message = response as MessageShape<O>
      },
    )
    running.on('status', ({ code, metadata }) => {
      if (code === GrpcCode.OK)
        settle.resolve({ message: message!, trailer: (name) => firstText(metadata, name) })
    })
    const cancel = () => running.cancel()
    call.signal?.addEventListener('abort', cancel, { once: true })
    if (call.signal?.aborted) cancel()
    // A refusal may come while messages are still being sent: it ends the sending.
    let over = false
    const ended = answer
      .catch(() => {})
      .then(() => {
        over = true
        call.signal?.removeEventListener('abort', cancel)
      })
    try {
      for await (const request of requests) {
        if (over) break
        if (!running.write(request))
          await Promise.race([new Promise((resolve) => running.once('drain', resolve)), ended])
      }
      running.end()
    } catch (error) {
      cancel()
      await ended
      throw error
    }
    return answer
  }

  close(): void {
    this.#client.close()
  }
}

function deadlineOf(call: CallOptions): { deadline?: number } {
  return call.deadlineMs === undefined ? {} : { deadline: call.deadlineMs }
}

function firstText(metadata: Metadata, name: string): string | undefined {
  const value = metadata.get(name)[0]
  return value === undefined ? undefined : String(value)
}

/** How long to wait before another try; undefined when another try makes no sense. */
function retryDelay(error: unknown, tries: number): number | undefined {
  if (!(error instanceof CardeaError)) return undefined
  const asked = error.facts[retryAfterFact]
  if (error.code === 'OVERLOADED' && asked !== undefined) return Number(asked)
  return error.code === 'UNAVAILABLE' ? retryDelayMs * 2 ** tries * (0.5 + Math.random()) : undefined
}

/** The service's own error, with its code and facts. */
function errorOf(error: ServiceError): CardeaError {
  if (error instanceof CardeaError) return error
  const details = error.metadata?.get('grpc-status-details-bin')[0]
  if (Buffer.isBuffer(details)) return errorFromStatus(decodeStatus(details))
  if (error.code === GrpcCode.UNAVAILABLE) {
    // grpc-js ends its text with a note about names even where there is none.
    const details = error.details.replace(/\.?\s*Resolution note:\s*$/, '')
    const message = `The service cannot be reached: ${details}`
    return new CardeaError('UNAVAILABLE', message, {}, { cause: error })
  }
  return errorFromStatus({ code: error.code ?? GrpcCode.UNKNOWN, message: error.details ?? String(error) })
}
