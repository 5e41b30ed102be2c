// Replies: complete HTTP answers that are given before a handler is asked.

/** An answer without a stream. Header names are lower case. */
export interface Reply {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

/** A JSON answer. Nothing that depends on the caller may be stored by anyone on the way. */
export function jsonReply(
  status: number,
  value: unknown,
  headers: { readonly [name: string]: string } = {},
): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(value),
  }
}

/** A JSON-RPC error for a request whose id is unknown or does not count. */
export function rpcErrorReply(
  status: number,
  code: number,
  message: string,
  headers: { readonly [name: string]: string } = {},
): Reply {
  return jsonReply(status, { jsonrpc: '2.0', error: { code, message }, id: null }, headers)
}
