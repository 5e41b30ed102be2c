// Type annotations: with `use typechecking`, `permission p: user | team = ...` must name every type that p can reach.

import type { Schema } from '../model/schema.ts'
import type { Declarations } from './declarations.ts'
import { schemaLimits } from './limits.ts'
import { type ProblemList, quoteName } from './problem.ts'
import { subjectTypes } from './subject-types.ts'

/** Reports incomplete-type-annotation. Naming more types than are reached is fine. */
export function checkAnnotations(declarations: Declarations, schema: Schema, problems: ProblemList): void {
  const budget = { steps: schemaLimits.maxTypeSteps }
  for (const [definitionName, { members }] of declarations.definitions) {
    for (const { node, source } of members) {
      if (node.kind !== 'permission' || node.annotation === undefined) continue
      const facts = { definition_name: definitionName, relation_name: node.name.text }
      const permission = { kind: 'reference', name: node.name.text } as const
      const reached = subjectTypes(schema, definitionName, permission, budget)
      if (reached === undefined) {
        const message = 'The type annotations of this schema are too many to check; leave some out.'
        problems.add(source, node.name, 'type', 'annotation-too-complex', message, facts)
        return
      }
      const named = new Set(node.annotation.map((name) => name.text))
      const missing = [...reached].filter((type) => !named.has(type)).sort()
      if (missing.length === 0) continue
      const first = node.annotation[0]!
      const last = node.annotation.at(-1)!
      const message = `${quoteName(node.name.text)} can also reach ${missing.slice(0, 10).map(quoteName).join(', ')}; name them in its annotation.`
      problems.add(
        source,
        { start: first.start, end: last.end },
        'type',
        'incomplete-type-annotation',
        message,
        facts,
      )
    }
  }
}
