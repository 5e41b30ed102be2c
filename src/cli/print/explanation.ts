// Explanations for people: the proof of a yes, the reason of a no, and the tree when asked for.

import type { DenialReason, Explanation, Question, Suggestion, TraceNode } from '../../model/decision.ts'
import { formatObject, formatSubject } from '../../model/reference.ts'
import { formatRelationship } from '../../model/relationship-text.ts'

const verdicts = { has: 'yes', no: 'no', conditional: 'conditional' } as const

/** One line that says why a check did not answer yes. */
export function reasonLine(reason: DenialReason): string {
  const place = `${formatObject(reason.resource)}#${reason.name}`
  switch (reason.kind) {
    case 'no_path':
      return `no path: nothing leads from ${place} to the subject`
    case 'blocked_by_exclusion':
      return `blocked by exclusion at ${place}`
    case 'condition_false':
      return `the condition on the path at ${place} is false`
    case 'context_missing':
      return `context is missing at ${place}: ${reason.missing.join(', ')}`
  }
}

/** The proof as a list, or the reason with what leads up to it. */
export function formatExplanation(question: Question, explanation: Explanation): string {
  const asked = `${formatObject(question.resource)}#${question.permission}@${formatSubject(question.subject)}`
  const lines = [`${asked}: ${verdicts[explanation.permissionship]}`]
  if (explanation.permissionship === 'has') {
    lines.push('', 'proof (removing any one of these ends the access):')
    lines.push(...explanation.proof.map((relationship) => `  ${formatRelationship(relationship)}`))
    if (explanation.proof.length === 0)
      lines.push('  none needed: the subject is the set that was asked about')
    if (explanation.absences.length > 0) {
      lines.push('', 'and as long as these do not hold:')
      lines.push(
        ...explanation.absences.map(
          (absence) =>
            `  ${formatObject(absence.resource)}#${absence.permission}@${formatSubject(absence.subject)}`,
        ),
      )
    }
  } else if (explanation.reason !== undefined) {
    lines.push('', `reason: ${reasonLine(explanation.reason)}`)
    if (explanation.reason.via.length > 0) {
      lines.push('leading there:')
      lines.push(...explanation.reason.via.map((relationship) => `  ${formatRelationship(relationship)}`))
    }
  }
  if (explanation.suggestion !== undefined) lines.push('', ...suggestionLines(explanation.suggestion))
  lines.push('', 'how it was decided:', ...formatTree(explanation.tree))
  return lines.join('\n')
}

/** What would grant, as the command that writes it; and how far the search went. */
function suggestionLines(suggestion: Suggestion): string[] {
  const budget = `tried ${suggestion.tried} of at most ${suggestion.maxTried} relationships`
  switch (suggestion.outcome) {
    case 'found': {
      const { operation, relationship } = suggestion.update
      const words = operation === 'delete' ? 'deleting it would grant' : 'writing it would grant'
      const text = formatRelationship(relationship)
      const everyone = relationship.subject.id === '*' ? ', to everyone' : ''
      return [`${words}${everyone} (${budget}):`, `  cardea relationship ${operation} '${text}'`]
    }
    case 'not_determined':
      return [`what would grant: not determined (${budget})`]
    case 'impossible':
      return ['what would grant: nothing, by this schema no relationship leads to such a subject']
  }
}

/** The evaluation as an indented tree. */
export function formatTree(root: TraceNode): string[] {
  const lines: string[] = []
  const pending: { node: TraceNode; depth: number }[] = [{ node: root, depth: 1 }]
  while (pending.length > 0) {
    const { node, depth } = pending.pop()!
    const mark = node.permissionship === 'has' ? '✓' : node.permissionship === 'no' ? '✗' : '?'
    const by = node.relationship === undefined ? '' : `  by ${formatRelationship(node.relationship)}`
    const caveat =
      node.caveat === undefined
        ? ''
        : `  [${node.caveat.name}: ${node.caveat.result}${node.caveat.missing.length > 0 ? `, needs ${node.caveat.missing.join(', ')}` : ''}]`
    const operation = node.operation === 'relation' ? '' : ` (${node.operation})`
    lines.push(
      `${'  '.repeat(depth)}${mark} ${formatObject(node.resource)}#${node.name}${operation}${by}${caveat}`,
    )
    for (const child of [...node.children].reverse()) pending.push({ node: child, depth: depth + 1 })
  }
  return lines
}
