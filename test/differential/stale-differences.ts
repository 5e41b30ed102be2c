// Whether SpiceDB still answers as docs/differences.md says: an excuse that no longer holds must go.

import { ask } from '../reference/compare.ts'
import { caseOf } from '../reference/generate.ts'
import { knownDifferences, summary } from '../reference/known-differences.ts'
import type { System } from '../reference/system.ts'

/** What SpiceDB answers otherwise than the known differences say; nothing when they all stand. */
export async function staleDifferences(spicedb: System): Promise<string[]> {
  const complaints: string[] = []
  for (const { name, schema, rows, question, spicedb: expected } of knownDifferences) {
    await spicedb.load(caseOf(schema, rows))
    const said = summary(await ask(spicedb, question))
    if (said !== expected) complaints.push(`${name}: SpiceDB says ${said}, known was ${expected}`)
  }
  return complaints
}
