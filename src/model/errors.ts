// Failures: one closed list of codes, one class. Facts are fields, never only words inside a message.

/** Every way in which Cardea refuses or fails. Doors translate codes; they never parse messages. */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'SCHEMA_PARSE_ERROR'
  | 'SCHEMA_TYPE_ERROR'
  | 'SCHEMA_BLOCKED_BY_DATA'
  | 'SCHEMA_NOT_FOUND'
  | 'SCHEMA_CHANGED'
  | 'UNKNOWN_DEFINITION'
  | 'UNKNOWN_RELATION_OR_PERMISSION'
  | 'NOT_A_PERMISSION'
  | 'UNKNOWN_CAVEAT'
  | 'INVALID_SUBJECT_TYPE'
  | 'CANNOT_UPDATE_PERMISSION'
  | 'CAVEAT_PARAMETER_TYPE_ERROR'
  | 'CAVEAT_EVALUATION_ERROR'
  | 'WILDCARD_NOT_ALLOWED'
  | 'INVALID_FILTER'
  | 'EMPTY_PRECONDITION'
  | 'TOO_MANY_UPDATES'
  | 'TOO_MANY_PRECONDITIONS'
  | 'TOO_MANY_CHECKS'
  | 'TOO_MANY_RELATIONSHIPS_FOR_TRANSACTIONAL_DELETE'
  | 'EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT'
  | 'UPDATES_ON_SAME_RELATIONSHIP'
  | 'RELATIONSHIP_CONTEXT_TOO_LARGE'
  | 'REQUEST_CONTEXT_TOO_LARGE'
  | 'TRANSACTION_METADATA_TOO_LARGE'
  | 'RELATIONSHIP_EXISTS'
  | 'PRECONDITION_FAILED'
  | 'REQUIREMENT_FAILED'
  | 'SERIALIZATION_FAILURE'
  | 'COUNTER_ALREADY_REGISTERED'
  | 'COUNTER_NOT_REGISTERED'
  | 'INVALID_TOKEN'
  | 'INVALID_CURSOR'
  | 'REVISION_OUT_OF_RANGE'
  | 'UNDEFINED_BY_CYCLE'
  | 'LIMIT_EXCEEDED'
  | 'OVERLOADED'
  | 'READ_ONLY'
  | 'UNAVAILABLE'
  | 'CANCELLED'
  | 'DEADLINE_EXCEEDED'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'UNIMPLEMENTED'
  | 'CONFIG_INVALID'
  | 'STORE_FAILED'
  | 'INTERNAL'

/** Facts about a failure, by the names that the wire's ErrorInfo metadata uses (snake_case). */
export type ErrorFacts = { readonly [name: string]: string }

/** The one error class. `message` reads like advice: what is wrong, where, and how to cure it. */
export class CardeaError extends Error {
  readonly code: ErrorCode
  readonly facts: ErrorFacts

  /** `cause` is kept for the operator's log and never sent to a caller. */
  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'CardeaError'
    this.code = code
    this.facts = facts
  }

  /** The single point where anything thrown becomes a CardeaError; what is not one becomes INTERNAL. */
  static from(thrown: unknown): CardeaError {
    if (thrown instanceof CardeaError) return thrown
    if (thrown instanceof Error && thrown.name === 'AbortError') {
      return new CardeaError('CANCELLED', 'The request was cancelled.', {}, { cause: thrown })
    }
    return new CardeaError(
      'INTERNAL',
      'An internal error occurred; the operator log has the details.',
      {},
      { cause: thrown },
    )
  }
}
