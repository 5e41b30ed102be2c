// Names of what travels beside a response.

/** Instant at which caveats and expiry were evaluated, milliseconds since the Unix epoch. */
export const evaluatedAtTrailer = 'cardea-evaluated-at-ms'
/** How long the datastore has not been heard from, in milliseconds; absent while it answers. */
export const stalenessTrailer = 'cardea-staleness-ms'
/** ZedToken of a write whose response has no field for it. */
export const writtenAtTrailer = 'cardea-written-at'
