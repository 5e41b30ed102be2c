// What callers are told: one fixed answer per kind, so that denied and missing are the same bytes and nothing else leaks.

import type { JsonObject } from '../../model/context.ts'
import type { Answer, RpcError } from './message.ts'

function toolError(text: string): Answer {
  return { result: { content: [{ type: 'text', text }], isError: true } }
}

/** A tool call that was denied, or whose resource there is not. */
export const notFound: Answer = toolError('Not found.')
/** The server failed, or its answer cannot be shown. */
export const toolFailed: Answer = toolError('The tool could not complete this call.')
/** The service or the audit log does not answer: denied, and worth another try. */
export const toolUnavailable: Answer = toolError(
  'This call cannot be authorized at the moment. Try again later.',
)
/** The tool ran, but what it created could not be given to its creator. */
export const toolUnrecorded: Answer = toolError(
  'The tool ran, but access to its result could not be recorded. Ask the operator.',
)

/** A token without these scopes may not call; the HTTP side says so before, with a challenge. */
export function scopesMissing(scopes: readonly string[]): Answer {
  return toolError(`This call needs the scope ${scopes.join(' ')}.`)
}

const messages: ReadonlyMap<number, string> = new Map([
  [-32700, 'Parse error'],
  [-32600, 'Invalid request'],
  [-32601, 'Method not found'],
  [-32602, 'Invalid params'],
  [-32603, 'Internal error'],
  [-32002, 'Resource not found'],
  [-32042, 'URL elicitation required'],
  [-32020, 'Header mismatch'],
  [-32021, 'Missing required client capability'],
  [-32022, 'Unsupported protocol version'],
])

/** The error with the fixed text of its code; an unknown code becomes an internal error. Data never passes. */
export function fixedError(code: number): RpcError {
  const message = messages.get(code)
  return message === undefined ? { code: -32603, message: 'Internal error' } : { code, message }
}

export function errorAnswer(code: number): Answer {
  return { error: fixedError(code) }
}

/** Codes of our own lie outside the range that JSON-RPC reserves (-32768 to -32000). */
export const unauthenticated: Answer = { error: { code: -31401, message: 'Not authenticated' } }
export const unavailable: Answer = {
  error: { code: -31503, message: 'This request cannot be authorized at the moment. Try again later.' },
}
export const insufficientScope = (scopes: readonly string[]): Answer => ({
  error: { code: -31403, message: `This request needs the scope ${scopes.join(' ')}.` },
})
/** Tools without a rule, without approval, and tools that do not exist. */
export const unknownTool: Answer = { error: { code: -32602, message: 'Unknown tool' } }
export const unknownPrompt: Answer = { error: { code: -32602, message: 'Unknown prompt' } }
export const unknownTask: Answer = { error: { code: -32602, message: 'Unknown task' } }

/** Denied and missing resources; the code differs between protocol generations (2026-07-28: -32602). */
export function unknownResource(modern: boolean): Answer {
  return { error: { code: modern ? -32602 : -32002, message: 'Resource not found' } }
}

export function emptyResult(): Answer {
  return { result: {} as JsonObject }
}
