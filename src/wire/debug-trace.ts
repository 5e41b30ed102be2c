// Explanations as the debug traces that clients of authzed.api.v1 print.

import type { MessageInitShape } from '@bufbuild/protobuf'
import type { CaveatOutcome, Explanation, Permissionship, TraceNode } from '../model/decision.ts'
import type { SubjectRef } from '../model/reference.ts'
import {
  type CaveatEvalInfoSchema,
  CaveatEvalInfo_Result as CaveatResult,
  type CheckDebugTraceSchema,
  type DebugInformationSchema,
  CheckDebugTrace_PermissionType as PermissionType,
  CheckDebugTrace_Permissionship as TracePermissionship,
} from './gen/authzed/api/v1/debug_pb.ts'
import { instantToWire } from './instant.ts'
import { jsonToWire } from './json-values.ts'
import { objectToWire, subjectToWire } from './relationships.ts'

/** One step, as it is sent. */
export type Trace = MessageInitShape<typeof CheckDebugTraceSchema>

const permissionships: Record<Permissionship, TracePermissionship> = {
  no: TracePermissionship.NO_PERMISSION,
  has: TracePermissionship.HAS_PERMISSION,
  conditional: TracePermissionship.CONDITIONAL_PERMISSION,
}

const caveatResults: Record<CaveatOutcome['result'], CaveatResult> = {
  true: CaveatResult.TRUE,
  false: CaveatResult.FALSE,
  missing: CaveatResult.MISSING_SOME_CONTEXT,
  unevaluated: CaveatResult.UNEVALUATED,
}

/** Deepest step that is sent; two messages nest per step, and parsers commonly stop at 100. */
const maxTraceDepth = 45

/** `schemaText` is the schema under which the explanation was found. */
export function debugInformationToWire(
  explanation: Explanation,
  subject: SubjectRef,
  schemaText: string,
): MessageInitShape<typeof DebugInformationSchema> {
  let steps = 0
  const trace = (node: TraceNode, depth: number): Trace => {
    const children = depth < maxTraceDepth ? ownSteps(node) : []
    return {
      resource: objectToWire(node.resource),
      permission: node.name,
      permissionType: node.kind === 'relation' ? PermissionType.RELATION : PermissionType.PERMISSION,
      subject: subjectToWire(subject),
      result: permissionships[node.permissionship],
      resolution:
        children.length === 0
          ? { case: 'wasCachedResult', value: false }
          : { case: 'subProblems', value: { traces: children.map((child) => trace(child, depth + 1)) } },
      caveatEvaluationInfo: node.caveat && caveatToWire(node.caveat),
      optionalExpiresAt:
        node.relationship?.expiresAtMs === undefined
          ? undefined
          : instantToWire(node.relationship.expiresAtMs),
      traceOperationId: String(++steps),
      source: 'cardea:engine',
    }
  }
  return { check: trace(explanation.tree, 0), schemaUsed: schemaText.trim() }
}

/** The steps below a node; operators of its own expression are passed over, since the format has no place for them. */
function ownSteps(node: TraceNode): TraceNode[] {
  return node.children.flatMap((child) => {
    const sameExpression =
      child.kind === 'permission' &&
      child.name === node.name &&
      child.resource.type === node.resource.type &&
      child.resource.id === node.resource.id &&
      child.relationship === undefined
    return sameExpression ? ownSteps(child) : [child]
  })
}

function caveatToWire(caveat: CaveatOutcome): MessageInitShape<typeof CaveatEvalInfoSchema> {
  return {
    expression: caveat.expression,
    result: caveatResults[caveat.result],
    context: jsonToWire(caveat.context),
    partialCaveatInfo:
      caveat.missing.length === 0 ? undefined : { missingRequiredContext: [...caveat.missing] },
    caveatName: caveat.name,
  }
}
