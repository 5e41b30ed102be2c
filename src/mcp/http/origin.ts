// Host and Origin: a page in some browser, or a name that was rebound to this machine, does not get through.

import { CardeaError } from '../../model/errors.ts'

export interface OriginRules {
  /** Whether the Host header names this server. */
  allowsHost(host: string | undefined): boolean
  /** Whether a browser page of this origin may call; a request without Origin comes from no page and may. */
  allowsOrigin(origin: string | undefined): boolean
}

/**
 * Rules for a server at `resource`. `hosts` are further Host values (`name` or `name:port`), `origins` further origins,
 * written as browsers send them: `https://app.example`. A loopback resource answers to all names of loopback on its port.
 * Throws CONFIG_INVALID for an origin that no browser would send.
 */
export function originRules(
  resource: string,
  hosts: readonly string[] = [],
  origins: readonly string[] = [],
): OriginRules {
  const { protocol, host, hostname, port, origin } = new URL(resource)
  const defaultPort = protocol === 'https:' ? '443' : '80'
  const withPort = (name: string) => `${name}:${port || defaultPort}`
  const loopback = ['localhost', '127.0.0.1', '[::1]']
  const names = loopback.includes(hostname) ? loopback : [hostname]
  const knownHosts = new Set([...names.map(withPort), ...hosts.map((one) => one.toLowerCase())])
  if (port === '') for (const name of names) knownHosts.add(name)
  const knownOrigins = new Set([origin, ...origins])
  for (const one of origins) {
    if (!URL.canParse(one) || new URL(one).origin !== one)
      throw new CardeaError(
        'CONFIG_INVALID',
        `origins: ${JSON.stringify(one)} is no origin; write https://app.example.`,
        {
          path: 'origins',
        },
      )
  }
  return {
    allowsHost: (given) => given !== undefined && (given === host || knownHosts.has(given.toLowerCase())),
    allowsOrigin: (given) => given === undefined || knownOrigins.has(given),
  }
}

/** Headers by which a browser lets a page of an allowed origin read the answer (Fetch, CORS protocol). */
export function corsHeaders(origin: string | undefined): { readonly [name: string]: string } {
  if (origin === undefined) return {}
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'WWW-Authenticate, Mcp-Session-Id, DPoP-Nonce',
    vary: 'Origin',
  }
}

/** Headers of the answer to a preflight from an allowed origin. */
export function preflightHeaders(origin: string): { readonly [name: string]: string } {
  return {
    ...corsHeaders(origin),
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-allow-headers':
      'Authorization, Content-Type, Accept, DPoP, Last-Event-ID, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name',
    'access-control-max-age': '600',
  }
}
