// URIs: the normal form of RFC 3986 section 6.2.2 and 6.2.3, so that aliases of one resource give one id.

const parts = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?$/
const unreserved = /[A-Za-z0-9._~-]/
const defaultPorts: { readonly [scheme: string]: string } = { http: '80', https: '443', ws: '80', wss: '443' }

/**
 * The canonical form: scheme and host in lower case, no default port, dot segments removed, percent-escapes in upper
 * case and none for unreserved characters. Undefined for anything that is no absolute URI of printable ASCII, and for
 * one with credentials, a fragment, a backslash, or an escape of a slash, a control byte or `%` itself.
 */
export function canonicalUri(uri: string): string | undefined {
  if (!/^[\x21-\x7e]+$/.test(uri) || /[\\"<>^`{|}]/.test(uri)) return undefined
  const match = parts.exec(uri)
  if (!match) return undefined
  const scheme = match[1]!.toLowerCase()
  const authority = match[2] === undefined ? undefined : canonicalAuthority(match[2], scheme)
  if (match[2] !== undefined && authority === undefined) return undefined
  const path = canonicalEscapes(match[3]!)
  const query = match[4] === undefined ? undefined : canonicalEscapes(match[4])
  if (path === undefined || (match[4] !== undefined && query === undefined)) return undefined
  const plainPath = removeDotSegments(path)
  const rooted = authority !== undefined && plainPath === '' && scheme in defaultPorts ? '/' : plainPath
  return `${scheme}:${authority === undefined ? '' : `//${authority}`}${rooted}${query === undefined ? '' : `?${query}`}`
}

function canonicalAuthority(authority: string, scheme: string): string | undefined {
  if (authority.includes('@')) return undefined
  const match = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]]*)(?::(\d*))?$/.exec(authority)
  if (!match) return undefined
  const host = canonicalEscapes(match[1]!)?.toLowerCase()
  if (host === undefined || host.includes('%')) return undefined
  const port = match[2] ?? ''
  return port === '' || port === defaultPorts[scheme] ? host : `${host}:${port}`
}

function canonicalEscapes(text: string): string | undefined {
  let refused = /%(?![0-9A-Fa-f]{2})/.test(text)
  const normal = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => {
    const byte = Number.parseInt(hex, 16)
    const character = String.fromCharCode(byte)
    if (byte < 0x20 || byte === 0x7f || character === '/' || character === '\\' || character === '%')
      refused = true
    return byte < 0x80 && unreserved.test(character) ? character : `%${hex.toUpperCase()}`
  })
  return refused ? undefined : normal
}

/** RFC 3986 section 5.2.4. */
function removeDotSegments(path: string): string {
  if (!path.startsWith('/')) return path
  const kept: string[] = []
  const segments = path.split('/').slice(1)
  segments.forEach((segment, index) => {
    const isLast = index === segments.length - 1
    if (segment === '..') kept.pop()
    if (segment === '.' || segment === '..') {
      if (isLast) kept.push('')
    } else kept.push(segment)
  })
  return `/${kept.join('/')}`
}
