// The resource's own URI: what tokens must name as their audience and what clients compare character by character.

import { CardeaError } from '../../model/errors.ts'

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Checks the configured canonical URI of this server (RFC 8707 section 2): absolute, https (or http on this machine),
 * no fragment, no credentials, written in its normal form. Returns it parsed; the text stays what is published.
 * Throws CONFIG_INVALID with the form to write.
 */
export function checkResourceUri(resource: string): URL {
  const invalid = (problem: string) =>
    new CardeaError('CONFIG_INVALID', `resource: ${JSON.stringify(resource)} ${problem}.`, {
      path: 'resource',
    })
  if (typeof resource !== 'string' || !URL.canParse(resource)) throw invalid('is no absolute URL')
  const url = new URL(resource)
  if (resource.includes('#')) throw invalid('has a fragment; leave it out')
  if (url.username !== '' || url.password !== '') throw invalid('holds credentials; leave them out')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopbackHosts.has(url.hostname)))
    throw invalid('must be https; plain http is for localhost, 127.0.0.1 and [::1] only')
  if (!sameResource(url.href, resource)) throw invalid(`is not in its normal form; write ${url.href}`)
  return url
}

/** Equal but for one trailing slash of a URI without a path: `https://h` and `https://h/` are one resource. */
export function sameResource(a: string, b: string): boolean {
  return a === b || withoutRootSlash(a) === withoutRootSlash(b)
}

function withoutRootSlash(uri: string): string {
  return /^[a-z]+:\/\/[^/?#]+\/$/.test(uri) ? uri.slice(0, -1) : uri
}
