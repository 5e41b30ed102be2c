// What running a validation file comes to: failures with their places, as data.

import type { Place } from './place.ts'

/** Something that is wrong, at a place. */
export interface ValidationFailure extends Place {
  readonly kind: 'file' | 'schema' | 'relationship' | 'assertion' | 'expected-relations'
  /** Path of the file that the place is in: the validation file itself, its schema file, or an imported one. */
  readonly file: string
  readonly message: string
  /** Lines to show below: an excerpt, or a diff whose lines begin with `- ` (expected) and `+ ` (found). */
  readonly detail: readonly string[]
  /** For expected relations: each difference with its own place. */
  readonly differences: readonly EntryFailure[]
}

/** One difference between expected and found subjects of a permission. */
export interface EntryFailure extends Place {
  readonly kind:
    | 'missing-subject'
    | 'extra-subject'
    | 'repeated-subject'
    | 'caveat-mismatch'
    | 'different-exclusions'
    | 'different-relations'
  /** The subject, such as `user:ann`. */
  readonly subject: string
}

export interface ValidationReport {
  readonly file: string
  readonly passed: boolean
  /** In the order of the file; the same file gives the same failures. */
  readonly failures: readonly ValidationFailure[]
  /** What refuses nothing: lint warnings of the schema, keys that mean nothing. */
  readonly warnings: readonly ValidationFailure[]
  readonly relationshipCount: number
  readonly assertionCount: number
  /** Permissions whose subjects were compared. */
  readonly expectedRelationCount: number
}

export function failureAt(
  kind: ValidationFailure['kind'],
  file: string,
  { line, column }: Place,
  message: string,
  detail: readonly string[] = [],
  differences: readonly EntryFailure[] = [],
): ValidationFailure {
  return { kind, file, line, column, message, detail, differences }
}
