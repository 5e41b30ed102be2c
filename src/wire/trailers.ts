// Names of what travels beside a response.

/** Instant at which caveats and expiry were evaluated, milliseconds since the Unix epoch. */
export const evaluatedAtTrailer = 'cardea-evaluated-at-ms'
/** ZedToken of a write whose response has no field for it. */
export const writtenAtTrailer = 'cardea-written-at'
