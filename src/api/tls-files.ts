// Where the parts of a TLS identity lie.

/** Paths of PEM files. They are looked at again while the service runs. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  /** Authority of client certificates; when set, clients must present one. */
  readonly clientCa?: string
}
