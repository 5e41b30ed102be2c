// How a policy names an authorization server and tells who a token of it stands for (policy format, section 1).

/** Credentials with which this resource server asks the issuer about opaque tokens (RFC 7662). */
export interface IntrospectionConfig {
  readonly client_id: string
  readonly client_secret: string
  /** How long an `active` answer may be reused; never beyond the token's `exp`. Default 10s. */
  readonly cache?: string
}

/** One issuer whose access tokens are accepted. Keys are spelled as in the policy file. */
export interface IssuerConfig {
  /** Exact `iss` of its tokens, character by character. Metadata and keys are found from it and nowhere else. */
  readonly issuer: string
  /** Short name that `{issuer}` stands for in templates. Required when there is more than one issuer. */
  readonly name?: string
  /** CEL over `claims`: this token is a person's. */
  readonly user_when?: string
  /** Subject of a person's checks, such as `user:{claims.sub}`. */
  readonly subject?: string
  /** CEL over `claims`: this token is a service's own, as from a client credentials grant. */
  readonly service_when?: string
  /** Subject of a service's checks, such as `service:{claims.client_id}`. */
  readonly service?: string
  /** Who acts for the subject: the first template whose claims are all there. */
  readonly agent?: readonly string[]
  /** Longest `exp - iat` accepted. Default 1h. */
  readonly max_token_age?: string
  /**
   * `at+jwt` (default): the header says so and the claims of RFC 9068 section 2.2 are all there.
   * `any`: a missing `typ` or `JWT` will do too, for issuers that do not follow RFC 9068.
   */
  readonly typ?: 'at+jwt' | 'any'
  /** Accepted signature algorithms, asymmetric ones only. Default: ES256/384/512, EdDSA, RS256/384/512, PS256/384/512. */
  readonly algorithms?: readonly string[]
  /** Tolerated clock difference for `nbf` and `iat`, at most 60s. Default 30s. `exp` has none. */
  readonly clock_leeway?: string
  /** What to do with a token whose audience names other resources besides this one. Default `refuse`. */
  readonly other_audiences?: 'refuse' | 'allow'
  /**
   * Where the issuer's endpoints may be. `public` (default): https, public addresses. `private`: https, also
   * private networks. `loopback`: this machine only, also plain http; for development.
   */
  readonly network?: 'public' | 'private' | 'loopback'
  /** Set it to accept opaque tokens of this issuer. At most one issuer may, since an opaque token names none. */
  readonly introspection?: IntrospectionConfig
  /** This server's own credentials at the issuer for token exchange (RFC 8693). */
  readonly token_exchange?: { readonly client_id: string; readonly client_secret: string }
}
