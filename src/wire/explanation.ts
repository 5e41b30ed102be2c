// Explanations of cardea.v1: messages ↔ values. The tree travels as a list, so that its depth meets no parser's limit.

import type { MessageInitShape } from '@bufbuild/protobuf'
import type { CaveatOutcome, DenialReason, Evidence, Explanation, TraceNode } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import { permissionshipFromWire, permissionshipToWire } from './answers.ts'
import {
  type CaveatOutcome as CaveatOutcomeMessage,
  type CaveatOutcomeSchema,
  CaveatOutcome_Result as CaveatResult,
  type DenialReason as DenialReasonMessage,
  type DenialReasonSchema,
  type Explanation as ExplanationMessage,
  type ExplanationSchema,
  TraceNode_Kind as NodeKind,
  TraceNode_Operation as Operation,
  DenialReason_Kind as ReasonKind,
  type TraceNodeSchema,
} from './gen/cardea/v1/explain_pb.ts'
import { jsonToWire } from './json-values.ts'
import {
  objectFromWire,
  objectToWire,
  relationshipFromWire,
  relationshipToWire,
  subjectFromWire,
  subjectToWire,
} from './relationships.ts'
import { suggestionFromWire, suggestionToWire } from './suggestion.ts'

const reasonKinds: Record<DenialReason['kind'], ReasonKind> = {
  no_path: ReasonKind.NO_PATH,
  blocked_by_exclusion: ReasonKind.BLOCKED_BY_EXCLUSION,
  condition_false: ReasonKind.CONDITION_FALSE,
  context_missing: ReasonKind.CONTEXT_MISSING,
}

const nodeKinds: Record<TraceNode['kind'], NodeKind> = {
  relation: NodeKind.RELATION,
  permission: NodeKind.PERMISSION,
}

const operations: Record<TraceNode['operation'], Operation> = {
  relation: Operation.RELATION,
  union: Operation.UNION,
  intersection: Operation.INTERSECTION,
  exclusion: Operation.EXCLUSION,
  arrow: Operation.ARROW,
  all: Operation.ALL,
  nil: Operation.NIL,
  self: Operation.SELF,
  identity: Operation.IDENTITY,
  cycle: Operation.CYCLE,
}

const caveatResults: Record<CaveatOutcome['result'], CaveatResult> = {
  true: CaveatResult.TRUE,
  false: CaveatResult.FALSE,
  missing: CaveatResult.MISSING,
  unevaluated: CaveatResult.UNEVALUATED,
}

/** The word for a number that a server sent; a number that is not known is an error. */
function wordOf<Word extends string>(words: Record<Word, number>, number: number, what: string): Word {
  for (const word of Object.keys(words) as Word[]) if (words[word] === number) return word
  throw new CardeaError('INTERNAL', `The server sent an unknown ${what} (${number}).`)
}

/** Evidence alone has no steps. */
export function explanationToWire(
  explanation: Evidence & Partial<Explanation>,
): MessageInitShape<typeof ExplanationSchema> {
  return {
    permissionship: permissionshipToWire(explanation.permissionship),
    missingContext: [...explanation.missing],
    proof: explanation.proof.map(relationshipToWire),
    absences: explanation.absences.map(({ resource, permission, subject }) => ({
      resource: objectToWire(resource),
      permission,
      subject: subjectToWire(subject),
    })),
    reason: explanation.reason && reasonToWire(explanation.reason),
    nodes: explanation.tree === undefined ? [] : nodesToWire(explanation.tree),
    suggestion: explanation.suggestion && suggestionToWire(explanation.suggestion),
  }
}

function nodesToWire(tree: TraceNode): MessageInitShape<typeof TraceNodeSchema>[] {
  const queue: { readonly node: TraceNode; readonly parent: number }[] = [{ node: tree, parent: 0 }]
  const nodes: MessageInitShape<typeof TraceNodeSchema>[] = []
  for (let at = 0; at < queue.length; at += 1) {
    const { node, parent } = queue[at]!
    for (const child of node.children) queue.push({ node: child, parent: at })
    nodes.push({
      parent,
      resource: objectToWire(node.resource),
      name: node.name,
      kind: nodeKinds[node.kind],
      operation: operations[node.operation],
      permissionship: permissionshipToWire(node.permissionship),
      relationship: node.relationship && relationshipToWire(node.relationship),
      caveat: node.caveat && caveatToWire(node.caveat),
    })
  }
  return nodes
}

function reasonToWire(reason: DenialReason): MessageInitShape<typeof DenialReasonSchema> {
  return {
    kind: reasonKinds[reason.kind],
    resource: objectToWire(reason.resource),
    name: reason.name,
    via: reason.via.map(relationshipToWire),
    missingContext: [...reason.missing],
  }
}

function caveatToWire(caveat: CaveatOutcome): MessageInitShape<typeof CaveatOutcomeSchema> {
  return {
    name: caveat.name,
    expression: caveat.expression,
    result: caveatResults[caveat.result],
    context: jsonToWire(caveat.context),
    missingContext: [...caveat.missing],
  }
}

export function explanationFromWire(message: ExplanationMessage): Explanation {
  return {
    ...evidenceFromWire(message),
    ...(message.suggestion && { suggestion: suggestionFromWire(message.suggestion) }),
    tree: treeOf(message.nodes),
  }
}

export function evidenceFromWire(message: ExplanationMessage): Evidence {
  return {
    permissionship: permissionshipFromWire(message.permissionship),
    missing: message.missingContext,
    proof: message.proof.map((relationship) => relationshipFromWire(relationship, 'proof')),
    absences: message.absences.map(({ resource, permission, subject }) => ({
      resource: objectFromWire(resource, 'absences'),
      permission,
      subject: subjectFromWire(subject, 'absences'),
    })),
    ...(message.reason && { reason: reasonFromWire(message.reason) }),
  }
}

function treeOf(nodes: ExplanationMessage['nodes']): TraceNode {
  const built: (TraceNode & { readonly children: TraceNode[] })[] = []
  nodes.forEach((node, at) => {
    const step = {
      resource: objectFromWire(node.resource, 'nodes.resource'),
      name: node.name,
      kind: wordOf(nodeKinds, node.kind, 'kind of step'),
      operation: wordOf(operations, node.operation, 'operation'),
      permissionship: permissionshipFromWire(node.permissionship),
      ...(node.relationship && {
        relationship: relationshipFromWire(node.relationship, 'nodes.relationship'),
      }),
      ...(node.caveat && { caveat: caveatFromWire(node.caveat) }),
      children: [],
    }
    built.push(step)
    if (at > 0) built[node.parent]!.children.push(step)
  })
  const root = built[0]
  if (root === undefined) throw new CardeaError('INTERNAL', 'The server sent an explanation without steps.')
  return root
}

function reasonFromWire(message: DenialReasonMessage): DenialReason {
  return {
    kind: wordOf(reasonKinds, message.kind, 'reason'),
    resource: objectFromWire(message.resource, 'reason.resource'),
    name: message.name,
    via: message.via.map((relationship) => relationshipFromWire(relationship, 'reason.via')),
    missing: message.missingContext,
  }
}

function caveatFromWire(message: CaveatOutcomeMessage): CaveatOutcome {
  return {
    name: message.name,
    expression: message.expression,
    result: wordOf(caveatResults, message.result, 'caveat result'),
    context: message.context ?? {},
    missing: message.missingContext,
  }
}
