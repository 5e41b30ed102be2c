// Outbound requests to issuers: bounded in size and time, never redirected, never to an address that was not meant.

import { lookup as resolve } from 'node:dns'
import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from 'node:http'
import { request as secureRequest, Agent as TlsAgent } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { CardeaError, type ErrorFacts } from '../../model/errors.ts'

/** The part of the web's fetch that is used here; a host may pass its own, for an egress proxy say. */
export type OutboundFetch = (url: string, init: RequestInit) => Promise<Response>

/** Where requests may go. `loopback` also allows plain http, to this machine only. */
export type Network = 'public' | 'private' | 'loopback'

const maxResponseBytes = 512 * 1024
const timeoutMs = 5_000

const loopback = blockList(['127.0.0.0/8', '::1/128'])
const privateUse = blockList(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'])
/** Addresses no issuer lives at (IANA special-purpose registries), the cloud metadata service among them. */
const special = blockList([
  ...['0.0.0.0/8', '169.254.0.0/16', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4', '::/128', '64:ff9b::/96'],
  ...[
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/32',
    '2001:db8::/32',
    '2002::/16',
    'fe80::/10',
    'fec0::/10',
    'ff00::/8',
  ],
])

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address, bits] = range.split('/') as [string, string]
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

/** Whether a request may connect to `address`, a literal IPv4 or IPv6 address. */
export function mayConnect(address: string, network: Network): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  if (isIP(address) === 0 || special.check(address, family)) return false
  if (loopback.check(address, family)) return network === 'loopback'
  if (privateUse.check(address, family)) return network !== 'public'
  return true
}

/**
 * Whether `url` may be asked at all: https without credentials, or with `network: loopback` http to this machine.
 * Throws UNAVAILABLE that names the URL.
 */
export function checkOutboundUrl(url: string, network: Network): URL {
  const refuse = (why: string) =>
    new CardeaError('UNAVAILABLE', `${url.slice(0, 200)} was not asked: ${why}.`, { url: url.slice(0, 200) })
  if (!URL.canParse(url)) throw refuse('it is no absolute URL')
  const parsed = new URL(url)
  const host = parsed.hostname.replace(/^\[|\]$/g, '')
  if (parsed.username !== '' || parsed.password !== '') throw refuse('it holds credentials')
  const here =
    host === 'localhost' || (isIP(host) !== 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4'))
  if (parsed.protocol !== 'https:' && !(parsed.protocol === 'http:' && network === 'loopback' && here))
    throw refuse('it is not https')
  if (isIP(host) !== 0 && !mayConnect(host, network)) throw refuse(`its address is not ${network}`)
  return parsed
}

/**
 * A fetch whose connections go to checked addresses only: the name is resolved once, every address it has is
 * checked, and the connection is made to those very addresses, so a second DNS answer cannot change them.
 */
export function guardedFetch(network: Network): OutboundFetch {
  const lookup: LookupFunction = (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0)
      const refused = addresses.find(({ address }) => !mayConnect(address, network))
      if (refused || addresses.length === 0)
        return callback(
          new Error(`${hostname} has the address ${refused?.address}, which is not ${network}`),
          '',
          0,
        )
      if (options.all) return (callback as (e: null, a: typeof addresses) => void)(null, addresses)
      callback(null, addresses[0]!.address, addresses[0]!.family)
    })
  }
  const agents = { 'http:': new PlainAgent({ keepAlive: true }), 'https:': new TlsAgent({ keepAlive: true }) }
  return (url, init) => {
    const target = checkOutboundUrl(url, network)
    return new Promise<Response>((settle, fail) => {
      const start = target.protocol === 'https:' ? secureRequest : plainRequest
      const outgoing = start(
        target,
        {
          method: init.method ?? 'GET',
          headers: Object.fromEntries(new Headers(init.headers)),
          lookup,
          agent: agents[target.protocol as keyof typeof agents],
          signal: init.signal ?? undefined,
        },
        (incoming) => settle(toResponse(incoming)),
      )
      outgoing.on('error', fail)
      outgoing.end(init.body ?? undefined)
    })
  }
}

function toResponse(incoming: IncomingMessage): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const item of Array.isArray(value) ? value : [value ?? '']) headers.append(name, item)
  }
  const status = incoming.statusCode ?? 500
  const empty = status === 204 || status === 205 || status === 304
  const body = empty ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>)
  return new Response(body, { status, headers })
}

/**
 * Sends one request and reads a JSON object: at most 512 KiB within 5 s, redirects refused.
 * Throws UNAVAILABLE with the URL and what happened; never with anything that was sent. `facts.status` has the HTTP
 * status if there was one, `facts.error` the OAuth error code of the answer (RFC 6749 section 5.2).
 */
export async function fetchJson(
  fetch: OutboundFetch,
  network: Network,
  url: string,
  init: RequestInit = {},
): Promise<{ readonly json: { readonly [key: string]: unknown }; readonly headers: Headers }> {
  checkOutboundUrl(url, network)
  const failed = (why: string, facts: ErrorFacts = {}) =>
    new CardeaError('UNAVAILABLE', `${url} ${why}.`, { url, ...facts })
  let status = 0
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const headers = new Headers(init.headers)
    if (!headers.has('accept')) headers.set('accept', 'application/json')
    const response = await fetch(url, { ...init, headers, redirect: 'manual', signal })
    status = response.status
    const text = await readBounded(response, signal)
    if (status !== 200) throw failed(`answered ${status}`, { status: String(status), ...oauthError(text) })
    const json: unknown = JSON.parse(text)
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw failed('answered no JSON object')
    return { json: json as { [key: string]: unknown }, headers: response.headers }
  } catch (error) {
    if (error instanceof CardeaError) throw error
    throw failed(`could not be read (${(error as Error).message})`, status ? { status: String(status) } : {})
  }
}

function oauthError(text: string): ErrorFacts {
  const code = /"error"\s*:\s*"([a-z_]{1,64})"/.exec(text)?.[1]
  return code === undefined ? {} : { error: code }
}

async function readBounded(response: Response, signal: AbortSignal): Promise<string> {
  if (!response.body) return ''
  const reader = response.body.getReader()
  // A body that trickles in is cut by the same clock as the request, whichever fetch is used.
  const expired = new Promise<never>((_, fail) => {
    signal.addEventListener('abort', () => fail(new Error(`no full answer within ${timeoutMs} ms`)), {
      once: true,
    })
  })
  expired.catch(() => {})
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), expired])
      if (done) return Buffer.concat(chunks).toString('utf8')
      size += value.byteLength
      if (size > maxResponseBytes) throw new Error(`more than ${maxResponseBytes} bytes`)
      chunks.push(value)
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}
