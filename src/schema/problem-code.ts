// Codes of schema problems: closed lists, so that tools can branch on them and tests can ask for a case of each.

/** What can be wrong with how a text is written, up to and including names and caveats. */
export const parseProblemCodes = [
  'unrecognized-character',
  'unterminated-string',
  'unterminated-comment',
  'unexpected-token',
  'expected-token',
  'expected-end-of-statement',
  'unknown-use-flag',
  'late-use',
  'missing-use-flag',
  'relation-without-types',
  'more-than-one-caveat',
  'trait-order',
  'expiration-not-allowed',
  'unknown-arrow-function',
  'nested-arrow',
  'arrow-without-relation',
  'caveat-without-parameters',
  'duplicate-caveat-parameter',
  'invalid-caveat-parameter-type',
  'missing-caveat-expression',
  'caveat-too-long',
  'caveat-invalid',
  'caveat-not-boolean',
  'duplicate-name',
  'invalid-definition-name',
  'invalid-relation-name',
  'invalid-permission-name',
  'invalid-caveat-name',
  'invalid-reference-name',
  'missing-prefix',
  'unknown-partial',
  'unresolved-partials',
  'import-not-allowed',
  'import-invalid-path',
  'import-not-found',
  'import-circular',
  'nesting-too-deep',
  'schema-too-large',
  'too-many-problems',
] as const

/** What can be wrong with what a well-written text means. */
export const typeProblemCodes = [
  'duplicate-member',
  'unknown-reference',
  'unknown-arrow-relation',
  'arrow-from-permission',
  'arrow-over-wildcard',
  'unknown-definition',
  'unknown-subject-relation',
  'unknown-caveat',
  'duplicate-allowed-type',
  'transitive-wildcard',
  'caveat-unused-parameter',
  'alias-cycle',
  'incomplete-type-annotation',
  'annotation-too-complex',
] as const

/** Ids of the lint rules; the rules themselves say what each one means. */
export const lintCodes = [
  'relation-name-references-parent',
  'permission-references-itself',
  'arrow-references-unreachable-relation',
  'arrow-references-relation',
  'arrow-walks-subject-relation',
  'mixed-operators',
  'duplicate-operand',
  'exclusion-without-effect',
  'intersection-always-empty',
  'grant-stops-at-group',
  'wildcard-reaches-write',
  'relations-without-permission',
  'unused-caveat',
  'unknown-annotation-type',
] as const

export type ParseProblemCode = (typeof parseProblemCodes)[number]
export type TypeProblemCode = (typeof typeProblemCodes)[number]
export type LintCode = (typeof lintCodes)[number]
/** `lint-incomplete`: a lint rule gave up on a schema of this size. */
export type ProblemCode = ParseProblemCode | TypeProblemCode | LintCode | 'lint-incomplete'
