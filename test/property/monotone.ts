// Cases that reachability alone answers, since random schemas mostly need more than that.

import { compileSchema } from '../../src/schema/compile-schema.ts'
import type { Case } from '../reference/generate.ts'
import { printSchema } from '../reference/print-schema.ts'
import { relax } from '../reference/relax.ts'

/**
 * The same case with nothing that takes away, so that every answer is a matter of reachability and conditions. Undefined
 * when the schema means nothing then.
 */
export function monotone(each: Case): Case | undefined {
  const relaxed = relax(each.schema, { exclusion: true, intersection: true })
  const { schema } = compileSchema(printSchema(relaxed))
  return schema && { ...each, schema }
}
