// JSON-RPC messages as they pass, and the transport they pass through: only what every SDK generation shares.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import { isJsonObject } from '../policy/json-object.ts'

export type RequestId = string | number

export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: JsonValue
}

export type Answer =
  | { readonly result: JsonObject; readonly error?: undefined }
  | { readonly error: RpcError; readonly result?: undefined }

export interface RpcRequest {
  readonly jsonrpc: '2.0'
  readonly id: RequestId
  readonly method: string
  readonly params?: JsonObject
}

export interface RpcNotification {
  readonly jsonrpc: '2.0'
  readonly method: string
  readonly params?: JsonObject
}

export type RpcResponse = { readonly jsonrpc: '2.0'; readonly id: RequestId } & Answer

export type RpcMessage = RpcRequest | RpcNotification | RpcResponse

/** What a transport tells about a message that came in. `authInfo.extra.cardeaPrincipal` says who sent it. */
export interface MessageExtra {
  readonly authInfo?: { readonly token: string; readonly extra?: Record<string, unknown> } & Record<
    string,
    unknown
  >
  readonly requestInfo?: { readonly headers?: unknown } & Record<string, unknown>
}

export interface SendOptions {
  readonly relatedRequestId?: RequestId
}

/** The part of the SDK's Transport that the guard uses; v1 and v2 fit it alike. */
export interface Transport {
  start(): Promise<void>
  send(message: RpcMessage, options?: SendOptions): Promise<void>
  close(): Promise<void>
  onmessage?: ((message: RpcMessage, extra?: MessageExtra) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  sessionId?: string | undefined
  setProtocolVersion?: ((version: string) => void) | undefined
}

/** A request has a method and an id; an id is a string or a safe integer (MCP, base protocol). */
export function isRequest(message: unknown): message is RpcRequest {
  return isCall(message) && isRequestId((message as { id?: unknown }).id)
}

export function isNotification(message: unknown): message is RpcNotification {
  return isCall(message) && !Object.hasOwn(message, 'id')
}

function isCall(message: unknown): message is JsonObject {
  if (!isJsonObject(message) || message.jsonrpc !== '2.0' || typeof message.method !== 'string') return false
  return message.params === undefined || isJsonObject(message.params)
}

export function isResponse(message: unknown): message is RpcResponse {
  if (!isJsonObject(message) || message.jsonrpc !== '2.0' || Object.hasOwn(message, 'method')) return false
  if (!isRequestId(message.id)) return false
  return isJsonObject(message.result) !== isJsonObject(message.error)
}

function isRequestId(id: unknown): id is RequestId {
  return typeof id === 'string' || (typeof id === 'number' && Number.isSafeInteger(id))
}

/** Keeps `1` and `"1"` apart. */
export function idKey(id: RequestId): string {
  return `${typeof id}:${id}`
}
