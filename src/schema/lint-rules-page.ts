// The documentation page of the lint rules, made from the rules themselves.

import { lintRules } from './lint-rules.ts'

/** Markdown with a section per rule: id, why, example, better, how to silence. Ends with a newline. */
export function lintRulesPage(): string {
  const head = `# Lint rules

\`cardea schema lint FILE\` warns about schemas that are valid and may still not mean what their author thinks.
This page is made from the rules in \`src/schema/\`; a test keeps both equal.

A comment line directly before a relation, permission, definition or caveat silences one rule there, or several;
before a definition it covers all members:

\`\`\`zed
// cardea-ignore: mixed-operators, duplicate-operand
permission view = viewer - banned + owner
\`\`\`

\`// spicedb-ignore-warning: rule-id\` does the same.

${lintRules.map(({ id, title }) => `- [${id}](#${id}): ${title}`).join('\n')}
`
  const sections = lintRules.map(
    ({ id, why, example, better }) => `## ${id}

${why}

Warned about:

\`\`\`zed
${example}
\`\`\`

Better:

\`\`\`zed
${better}
\`\`\`

To silence: \`// cardea-ignore: ${id}\`
`,
  )
  return [head, ...sections].join('\n')
}
