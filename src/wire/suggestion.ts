// Suggestions of an explanation: messages ↔ values.

import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Suggestion } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import {
  Suggestion_Outcome as Outcome,
  type Suggestion as SuggestionMessage,
  type SuggestionSchema,
} from './gen/cardea/v1/explain_pb.ts'
import { updateFromWire, updateToWire } from './relationships.ts'

const outcomes: Record<Suggestion['outcome'], Outcome> = {
  found: Outcome.FOUND,
  not_determined: Outcome.NOT_DETERMINED,
  impossible: Outcome.IMPOSSIBLE,
}

export function suggestionToWire(suggestion: Suggestion): MessageInitShape<typeof SuggestionSchema> {
  const { outcome, tried, maxTried } = suggestion
  const update = suggestion.outcome === 'found' ? updateToWire(suggestion.update) : undefined
  return { outcome: outcomes[outcome], update, tried, maxTried }
}

/** INTERNAL when a server sent an outcome that is not known, or says that it found something and does not say what. */
export function suggestionFromWire({ outcome, update, tried, maxTried }: SuggestionMessage): Suggestion {
  if (outcome === Outcome.FOUND && update !== undefined) {
    return { outcome: 'found', update: updateFromWire(update), tried, maxTried }
  }
  if (outcome === Outcome.NOT_DETERMINED) return { outcome: 'not_determined', tried, maxTried }
  if (outcome === Outcome.IMPOSSIBLE) return { outcome: 'impossible', tried, maxTried }
  throw new CardeaError('INTERNAL', `The server sent a suggestion that cannot be read (${outcome}).`)
}
