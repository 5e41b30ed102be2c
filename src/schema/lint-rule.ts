// What a lint rule is, and what it sees.

import type { ErrorFacts } from '../model/errors.ts'
import type { Schema } from '../model/schema.ts'
import type { Declarations, DeclaredCaveat, DeclaredDefinition, DeclaredMember } from './declarations.ts'
import type { LintCode } from './problem-code.ts'
import type { Span } from './source-text.ts'

/** Where a warning belongs: its comments can silence it. */
export type LintElement = DeclaredMember | DeclaredDefinition | DeclaredCaveat

/** What a rule sees, and how it tells. */
export interface LintContext {
  readonly schema: Schema
  readonly declarations: Declarations
  /** Adds a warning on an element at a place in its file, unless a comment silences it. */
  warn(
    element: LintElement,
    span: Span,
    message: string,
    facts: ErrorFacts,
    parent?: DeclaredDefinition,
  ): void
  /** Says that the rule gave up, because the schema is too large for it. */
  giveUp(): void
}

/** One rule of the linter. */
export interface LintRule {
  readonly id: LintCode
  /** What it finds, in half a sentence. */
  readonly title: string
  /** Why that is worth a warning. */
  readonly why: string
  /** A whole schema that the rule warns about. */
  readonly example: string
  /** The same schema as the rule wants it. */
  readonly better: string
  check(context: LintContext): void
}
