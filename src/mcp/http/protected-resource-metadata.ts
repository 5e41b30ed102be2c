// Protected resource metadata (RFC 9728): the document that tells clients where to get a token for this server.

import { CardeaError } from '../../model/errors.ts'
import { checkResourceUri } from '../tokens/resource-uri.ts'

/** What the document may say besides what follows from the resource and its issuers. */
export interface MetadataOptions {
  /** Canonical URI of this server; it appears in the document exactly as written here. */
  readonly resource: string
  /** Issuers whose tokens are accepted; at least one. */
  readonly authorizationServers: readonly string[]
  /** The least a client needs for basic use, not the whole catalogue; never `offline_access`. */
  readonly scopesSupported?: readonly string[]
  readonly resourceName?: string
  readonly resourceDocumentation?: string
  readonly dpopSigningAlgorithms?: readonly string[]
  readonly authorizationDetailsTypes?: readonly string[]
}

export interface ProtectedResourceMetadata {
  readonly document: { readonly [name: string]: unknown }
  /** Absolute URL for `resource_metadata` in challenges. */
  readonly url: string
  /** Paths at which the document is served: with the resource's path appended, and the root form. */
  readonly paths: readonly string[]
}

const wellKnown = '/.well-known/oauth-protected-resource'

/**
 * Makes the document and its places. The well-known part goes between authority and path; a lone slash after the host is
 * dropped first, and a query stays behind (RFC 9728 section 3.1). Throws CONFIG_INVALID.
 */
export function protectedResourceMetadata(options: MetadataOptions): ProtectedResourceMetadata {
  const { pathname, search, origin } = checkResourceUri(options.resource)
  if (options.authorizationServers.length === 0)
    throw new CardeaError('CONFIG_INVALID', 'issuers: name at least one; clients could get no token else.', {
      path: 'issuers',
    })
  if (options.scopesSupported?.includes('offline_access'))
    throw new CardeaError(
      'CONFIG_INVALID',
      'scopes: leave out offline_access; refresh tokens are between the client and its authorization server.',
      { path: 'scopes' },
    )
  const path = pathname === '/' ? '' : pathname
  const document = {
    resource: options.resource,
    authorization_servers: options.authorizationServers,
    bearer_methods_supported: ['header'],
    scopes_supported: options.scopesSupported,
    resource_name: options.resourceName,
    resource_documentation: options.resourceDocumentation,
    dpop_signing_alg_values_supported: options.dpopSigningAlgorithms,
    authorization_details_types_supported: options.authorizationDetailsTypes,
  }
  return {
    document: Object.fromEntries(Object.entries(document).filter(([, value]) => value !== undefined)),
    url: `${origin}${wellKnown}${path}${search}`,
    paths: path === '' ? [wellKnown] : [wellKnown + path, wellKnown],
  }
}
