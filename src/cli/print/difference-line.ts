// Differences between schemas as lines for people.

import { formatAllowedType } from '../../model/schema.ts'
import type { SchemaDifference } from '../../schema/diff.ts'

/** What differs and where: `relation removed: document#viewer`. */
export function differenceLine(difference: SchemaDifference): string {
  const what = difference.kind.replaceAll('_', ' ')
  if ('definition' in difference) return `${what}: ${difference.definition.name}`
  if ('relation' in difference) {
    const type = 'subjectType' in difference ? ` (${formatAllowedType(difference.subjectType)})` : ''
    return `${what}: ${difference.relation.parentDefinitionName}#${difference.relation.name}${type}`
  }
  if ('permission' in difference)
    return `${what}: ${difference.permission.parentDefinitionName}#${difference.permission.name}`
  if ('caveat' in difference) return `${what}: ${difference.caveat.name}`
  return `${what}: ${difference.parameter.parentCaveatName}.${difference.parameter.name}`
}
