// Suggestions survive the wire, and one that says nothing is refused.

import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import type { Suggestion } from '../../src/model/decision.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { SuggestionSchema } from '../../src/wire/gen/cardea/v1/explain_pb.ts'
import { suggestionFromWire, suggestionToWire } from '../../src/wire/suggestion.ts'

const found = (operation: 'touch' | 'delete', row: string): Suggestion => ({
  outcome: 'found',
  update: { operation, relationship: parseRelationship(row) },
  tried: 3,
  maxTried: 100,
})

test.each<Suggestion>([
  found('touch', 'document:plan#viewer@user:bob[on_day][expiration:2030-01-01T00:00:00Z]'),
  found('touch', 'document:plan#viewer@group:eng#member'),
  found('delete', 'document:plan#banned@user:bob'),
  { outcome: 'not_determined', tried: 100, maxTried: 100 },
  { outcome: 'impossible', tried: 0, maxTried: 100 },
])('%j', (suggestion) => {
  const bytes = toBinary(SuggestionSchema, create(SuggestionSchema, suggestionToWire(suggestion)))
  expect(suggestionFromWire(fromBinary(SuggestionSchema, bytes))).toEqual(suggestion)
})

test.each<MessageInitShape<typeof SuggestionSchema>>([{}, { outcome: 1 }, { outcome: 99 as 1 }])(
  '%j is refused',
  (message) => {
    expect(() => suggestionFromWire(create(SuggestionSchema, message))).toThrow('cannot be read')
  },
)
