// The linter: warnings about schemas that compile but may not mean what their author thinks.

import { type CompileOptions, compileFiles } from './compile-schema.ts'
import type { LintElement } from './lint-rule.ts'
import { lintRules } from './lint-rules.ts'
import { type Problem, ProblemList, quoteName } from './problem.ts'
import type { LintCode } from './problem-code.ts'

/**
 * Warnings for a schema text. A comment on the element, or on its definition, silences one rule or several:
 * `// cardea-ignore: rule-id, other-rule`; `// spicedb-ignore-warning: rule-id` does the same.
 *
 * @returns problems: the errors of a schema that does not compile (there are no warnings then), else the warnings
 */
export function lintSchema(text: string, options: CompileOptions = {}): readonly Problem[] {
  const { schema, problems, declarations, files } = compileFiles(text, options)
  if (schema === undefined) return problems
  const warnings = new ProblemList()
  for (const rule of lintRules) {
    rule.check({
      schema,
      declarations,
      warn: (element, span, message, facts, parent) => {
        if (silenced(element, rule.id) || (parent !== undefined && silenced(parent, rule.id))) return
        warnings.add(element.source, span, 'lint', rule.id, message, facts)
      },
      giveUp: () => {
        const message = `The schema is too large for the rule ${quoteName(rule.id)}, which was not checked whole.`
        const source = files.at(-1)!.source
        warnings.add(source, { start: 0, end: 0 }, 'lint', 'lint-incomplete', message)
      },
    })
  }
  return warnings.sorted()
}

const silencePattern = /(?:cardea-ignore|spicedb-ignore-warning):[ \t]*([a-z, \t-]+)/g

function silenced(element: LintElement, id: LintCode): boolean {
  return element.node.comments.some((comment) =>
    [...comment.matchAll(silencePattern)].some(([, ids = '']) => ids.split(/[, \t]+/).includes(id)),
  )
}
