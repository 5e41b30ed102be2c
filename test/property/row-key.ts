// One string for a relationship with its traits, to compare what was said with what was written.

import { canonicalJson } from '../../src/model/canonical-json.ts'
import type { Relationship } from '../../src/model/relationship.ts'
import { formatRelationship, parseRelationship } from '../../src/model/relationship-text.ts'

/** Equal for equal rows, whatever the order of keys in a context; an empty context is none. */
export function rowKey(row: Relationship): string {
  return canonicalJson(JSON.parse(JSON.stringify(parseRelationship(formatRelationship(row)))))
}
