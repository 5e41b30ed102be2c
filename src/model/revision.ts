// Revisions: the order of everything that was ever committed.

/**
 * Position of a transaction in the store's log: a positive safe integer. Revisions ascend in commit order;
 * numbers may be missing, but no entry ever appears before one that a reader has already seen.
 * Zero is the empty state before the first transaction.
 */
export type Revision = number

/** Which state a read must see (DESIGN: consistency). Tokens are ZedTokens, opaque to everyone but the authorizer. */
export type Consistency =
  | { readonly kind: 'minimize_latency' }
  | { readonly kind: 'at_least_as_fresh'; readonly token: string }
  | { readonly kind: 'at_exact_snapshot'; readonly token: string }
  | { readonly kind: 'fully_consistent' }
