// The JSON Schema of the policy format, for editors and for whoever checks a policy without Cardea.

import { z } from 'zod'
import { policyShape } from './policy-shape.ts'

/** JSON Schema (draft 7, which editors know) of a policy as written. What only loading can tell is not in it. */
export function policyJsonSchema(): object {
  const schema = z.toJSONSchema(policyShape, { io: 'input', target: 'draft-7', reused: 'ref' })
  return { ...schema, $id: 'urn:cardea:policy', title: 'Cardea policy' }
}
