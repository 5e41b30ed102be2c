// What handlers learn of a request: who asks, and nothing that could be used in their name.

import { isJsonObject } from '../policy/json-object.ts'
import type { Principal } from '../principal.ts'
import type { MessageExtra } from './message.ts'

const secretHeaders: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'dpop', 'cookie'])

/** The same without the raw token and credentials, and with the principal even if it was configured. */
export function withoutSecrets(extra: MessageExtra, principal: Principal): MessageExtra {
  const { authInfo, requestInfo, ...rest } = extra
  const { request, ...others } = rest as { request?: unknown }
  return {
    ...others,
    ...(request instanceof Request && { request: plainRequest(request) }),
    authInfo: {
      clientId: principal.clientId ?? '',
      scopes: [...principal.scopes],
      expiresAt: Math.floor(principal.expiresAtMs / 1000),
      ...authInfo,
      token: '',
      extra: { ...authInfo?.extra, cardeaPrincipal: principal },
    },
    ...(requestInfo && { requestInfo: { ...requestInfo, headers: plainHeaders(requestInfo.headers) } }),
  }
}

/** The web request of SDK v2: where it went and with which headers; its body has been read. */
function plainRequest({ url, method, headers, signal }: Request): Request {
  return new Request(url, {
    method: method === 'POST' ? 'POST' : 'GET',
    headers: plainHeaders(headers) as Headers,
    signal,
  })
}

function plainHeaders(headers: unknown): unknown {
  if (headers instanceof Headers) {
    const plain = new Headers(headers)
    for (const name of secretHeaders) plain.delete(name)
    return plain
  }
  if (!isJsonObject(headers)) return {}
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !secretHeaders.has(name.toLowerCase())),
  )
}
