// Which relations may hold a wildcard row, their own or one behind the relations that they take as subjects.

import type { Declarations } from './declarations.ts'
import { memberKey } from './member-key.ts'

/**
 * Keys of all relations that list a wildcard type or list `type#relation` of such a relation, transitively.
 * Permissions as subject relations are not looked into (reference: schema language, section 5). The least fixpoint,
 * so that circles of relations have one answer.
 */
export function wildcardRelations(declarations: Declarations): ReadonlySet<string> {
  const found = new Set<string>()
  const takenBy = new Map<string, string[]>()
  for (const [definitionName, { byName }] of declarations.definitions) {
    for (const [name, { node }] of byName) {
      if (node.kind !== 'relation') continue
      const key = memberKey(definitionName, name)
      for (const type of node.types ?? []) {
        if (type.wildcard) found.add(key)
        if (type.relation === undefined) continue
        const subjectKey = memberKey(type.type.text, type.relation.text)
        const list = takenBy.get(subjectKey)
        if (list === undefined) takenBy.set(subjectKey, [key])
        else list.push(key)
      }
    }
  }
  // A set iterates over what is added to it meanwhile.
  for (const key of found) for (const taker of takenBy.get(key) ?? []) found.add(taker)
  return found
}
