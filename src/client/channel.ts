// A channel to a Cardea service: calls by method descriptor, errors as CardeaError, retries where they are safe.

import { readFileSync } from 'node:fs'
import type {
  DescMessage,
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf'
import { MethodOptions_IdempotencyLevel as Idempotency } from '@bufbuild/protobuf/wkt'
import { Client, credentials, type Deadline, Metadata, type ServiceError } from '@grpc/grpc-js'
import type { CallOptions } from '../authorizer/authorizer.ts'
import { CardeaError } from '../model/errors.ts'
import { GrpcCode } from '../wire/grpc-code.ts'
import { decode, encode } from '../wire/message-codec.ts'
import { decodeStatus, errorFromStatus } from '../wire/status.ts'

export interface ChannelOptions {
  /** `host:port` */
  readonly address: string
  readonly presharedKey: string
  /** Set: connect with TLS, trusting the system's authorities or the given one. */
  readonly tls?: { readonly ca?: Buffer | string; readonly cert?: Buffer; readonly key?: Buffer }
  /** For a call without a deadline of its own, in milliseconds. Default 30,000; streams have none. */
  readonly timeoutMs?: number
  /** How often a call without side effects is tried again when the service cannot be reached. Default 3. */
  readonly maxRetries?: number
}

/** Wait before the first repetition, in milliseconds; doubled each time, and spread by a random factor. */
const retryDelayMs = 50

const path = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`

export class Channel {
  readonly #client: Client
  readonly #metadata = new Metadata()
  readonly #timeoutMs: number
  readonly #maxRetries: number

  constructor(options: ChannelOptions) {
    const { tls } = options
    const file = (value: Buffer | string | undefined) =>
      typeof value === 'string' ? readFileSync(value) : (value ?? null)
    const channelCredentials =
      tls === undefined
        ? credentials.createInsecure()
        : credentials.createSsl(file(tls.ca), tls.key ?? null, tls.cert ?? null)
    this.#client = new Client(options.address, channelCredentials, {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
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
    const safe = method.idempotency === Idempotency.NO_SIDE_EFFECTS
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.#unaryOnce(method, request, call)
      } catch (error) {
        const retryable = error instanceof CardeaError && error.code === 'UNAVAILABLE'
        if (!safe || !retryable || tries >= this.#maxRetries || call.signal?.aborted) throw error
        await new Promise((resolve) => setTimeout(resolve, retryDelayMs * 2 ** tries * (0.5 + Math.random())))
      }
    }
  }

  #unaryOnce<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    call: CallOptions,
  ): Promise<MessageShape<O>> {
    const deadline: Deadline = call.deadlineMs ?? Date.now() + this.#timeoutMs
    return new Promise((resolve, reject) => {
      const running = this.#client.makeUnaryRequest(
        path(method),
        (message: MessageInitShape<I>) => encode(method.input, message),
        (bytes) => decode(method.output, bytes),
        request,
        this.#metadata,
        { deadline },
        (error, response) => {
          call.signal?.removeEventListener('abort', cancel)
          if (error) reject(errorOf(error))
          else resolve(response as MessageShape<O>)
        },
      )
      const cancel = () => running.cancel()
      if (call.signal?.aborted) cancel()
      call.signal?.addEventListener('abort', cancel, { once: true })
    })
  }

  /** Messages as they come; the service waits while the consumer does not ask. Ending the loop ends the call. */
  async *stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    call: CallOptions = {},
  ): AsyncGenerator<MessageShape<O>> {
    const running = this.#client.makeServerStreamRequest(
      path(method),
      (message: MessageInitShape<I>) => encode(method.input, message),
      (bytes) => decode(method.output, bytes),
      request,
      this.#metadata,
      call.deadlineMs === undefined ? {} : { deadline: call.deadlineMs },
    )
    const cancel = () => running.cancel()
    if (call.signal?.aborted) cancel()
    call.signal?.addEventListener('abort', cancel, { once: true })
    try {
      for await (const message of running) yield message as MessageShape<O>
    } catch (error) {
      throw errorOf(error as ServiceError)
    } finally {
      call.signal?.removeEventListener('abort', cancel)
      running.on('error', () => {})
      running.cancel()
    }
  }

  /** Many messages there, one back. */
  async upload<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { readonly methodKind: 'client_streaming'; readonly input: I; readonly output: O },
    requests: AsyncIterable<MessageInitShape<I>>,
    call: CallOptions = {},
  ): Promise<MessageShape<O>> {
    let settle: { resolve(value: MessageShape<O>): void; reject(error: CardeaError): void } | undefined
    const answer = new Promise<MessageShape<O>>((resolve, reject) => {
      settle = { resolve, reject }
    })
    const running = this.#client.makeClientStreamRequest(
      path(method),
      (message: MessageInitShape<I>) => encode(method.input, message),
      (bytes) => decode(method.output, bytes),
      this.#metadata,
      call.deadlineMs === undefined ? {} : { deadline: call.deadlineMs },
      (error, response) => {
        if (error) settle!.reject(errorOf(error))
        else settle!.resolve(response as MessageShape<O>)
      },
    )
    const cancel = () => running.cancel()
    call.signal?.addEventListener('abort', cancel, { once: true })
    // A refusal may come while messages are still being sent: it ends the sending.
    let over = false
    answer
      .catch(() => {})
      .finally(() => {
        over = true
        call.signal?.removeEventListener('abort', cancel)
      })
    try {
      for await (const request of requests) {
        if (over) break
        if (!running.write(request)) {
          await Promise.race([
            new Promise((resolve) => running.once('drain', resolve)),
            answer.catch(() => {}),
          ])
        }
      }
      running.end()
    } catch (error) {
      cancel()
      answer.catch(() => {})
      throw error
    }
    return answer
  }

  close(): void {
    this.#client.close()
  }
}

/** The service's own error, with its code and facts. */
function errorOf(error: ServiceError): CardeaError {
  const details = error.metadata?.get('grpc-status-details-bin')[0]
  if (Buffer.isBuffer(details)) return errorFromStatus(decodeStatus(details))
  if (error.code === GrpcCode.UNAVAILABLE) {
    return new CardeaError(
      'UNAVAILABLE',
      `The service cannot be reached: ${error.details}`,
      {},
      { cause: error },
    )
  }
  return errorFromStatus({ code: error.code ?? GrpcCode.UNKNOWN, message: error.details ?? String(error) })
}
