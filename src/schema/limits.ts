// Bounds that keep any schema text, hostile ones included, within bounded time, memory and stack.

/** Every bound of the schema room. Exceeding one is a problem in the text, never a crash. */
export const schemaLimits = Object.freeze({
  /** Characters of one schema text; the wire's own bound is the same number of bytes. */
  maxTextLength: 4_194_304,
  maxTokens: 1_000_000,
  /** Depth of expressions, of caveat parameter types and of import chains: what is walked recursively. */
  maxNesting: 100,
  /** Problems that are reported at most; one more says that there were others. */
  maxProblems: 100,
  /** Members of all definitions together, after partials are spliced in. */
  maxMembers: 200_000,
  /** Subject types of one relation: what arrows over it multiply with. */
  maxTypesPerRelation: 1_000,
  maxImports: 1_000,
  /** Characters of one caveat expression, trimmed (reference: schema language, section 4). */
  maxCaveatLength: 100_000,
  /** Edges that the check of type annotations, and each lint rule, follows in one schema. */
  maxTypeSteps: 2_000_000,
})
