// Schema plans: messages ↔ values.

import type { MessageInitShape } from '@bufbuild/protobuf'
import type { SchemaPlan } from '../authorizer/authorizer.ts'
import { CardeaError } from '../model/errors.ts'
import { questionFromWire, questionToWire } from './answers.ts'
import {
  type PlanSchemaResponse,
  type PlanSchemaResponseSchema,
  PlanSchemaResponse_Verdict as Verdict,
} from './gen/cardea/v1/schema_pb.ts'
import { differenceFromWire, differenceToWire } from './reflection.ts'
import { relationshipFromWire, relationshipToWire } from './relationships.ts'

type VerdictWord = SchemaPlan['changed'][number]['before']

const verdicts: Record<VerdictWord, Verdict> = {
  no: Verdict.NO_PERMISSION,
  has: Verdict.HAS_PERMISSION,
  conditional: Verdict.CONDITIONAL_PERMISSION,
  unknown: Verdict.UNKNOWN,
}

export function planToWire(plan: SchemaPlan): MessageInitShape<typeof PlanSchemaResponseSchema> {
  return {
    plannedAt: { token: plan.token },
    diffs: plan.differences.map(differenceToWire),
    blockers: plan.blocked.map(({ message, relationship }) => ({
      message,
      relationship: relationship && relationshipToWire(relationship),
    })),
    changes: plan.changed.map(({ question, before, after }) => ({
      question: questionToWire(question),
      before: verdicts[before],
      after: verdicts[after],
    })),
    asked: plan.asked,
  }
}

export function planFromWire(message: PlanSchemaResponse): SchemaPlan {
  return {
    token: message.plannedAt?.token ?? '',
    differences: message.diffs.map(differenceFromWire),
    blocked: message.blockers.map(({ message: text, relationship }) => ({
      message: text,
      ...(relationship && { relationship: relationshipFromWire(relationship, 'relationship') }),
    })),
    changed: message.changes.map(({ question, before, after }) => {
      if (question === undefined)
        throw new CardeaError('INTERNAL', 'The server sent a change without its question.')
      return { question: questionFromWire(question), before: wordOf(before), after: wordOf(after) }
    }),
    asked: message.asked,
  }
}

function wordOf(verdict: Verdict): VerdictWord {
  for (const [word, number] of Object.entries(verdicts)) if (number === verdict) return word as VerdictWord
  throw new CardeaError('INTERNAL', `The server sent an unknown verdict (${verdict}).`)
}
