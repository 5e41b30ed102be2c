// The codec of checks reads what the general one reads, or leaves it; and writes what the general one writes.

import type { MessageInitShape } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BulkAnswer } from '../../src/authorizer/authorizer.ts'
import { CardeaError } from '../../src/model/errors.ts'
import { missingToWire, permissionshipToWire, questionFromWire } from '../../src/wire/answers.ts'
import { readBulkCheck, readCheck, writeBulkCheck, writeCheck } from '../../src/wire/check-codec.ts'
import { consistencyFromWire } from '../../src/wire/consistency.ts'
import {
  CheckBulkPermissionsRequestSchema,
  CheckBulkPermissionsResponseSchema,
  CheckPermissionRequestSchema,
  CheckPermissionResponseSchema,
} from '../../src/wire/gen/authzed/api/v1/permission_service_pb.ts'
import { decode, encode } from '../../src/wire/message-codec.ts'
import { statusFromError } from '../../src/wire/status.ts'

type Check = MessageInitShape<typeof CheckPermissionRequestSchema>
type Bulk = MessageInitShape<typeof CheckBulkPermissionsRequestSchema>

const letters = fc.constantFrom(...'abcxyz019_')
const name = fc.string({ unit: letters, maxLength: 62 }).map((middle) => `a${middle}z0`.slice(-64))
const type = fc.oneof(
  fc.constantFrom('user', 'document', 'team/folder'),
  name,
  fc.tuple(name, name).map(([one, two]) => `${one.slice(0, 50)}aa0/${two}`.slice(0, 128)),
)
const id = fc.string({ unit: fc.constantFrom(...'aZ09/_|-=+'), minLength: 1, maxLength: 300 })
const object = fc.record({ objectType: type, objectId: id })
const context = fc.dictionary(
  fc.string({ maxLength: 8 }),
  fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.array(fc.boolean(), { maxLength: 3 })),
  { minKeys: 1, maxKeys: 3, noNullPrototype: true },
)
const question = fc.record(
  {
    resource: object,
    permission: name,
    subject: fc.record({ object, optionalRelation: name }, { requiredKeys: ['object'] }),
    context,
  },
  { requiredKeys: ['resource', 'permission', 'subject'] },
)
const consistency = fc.constantFrom<NonNullable<Check['consistency']>>(
  { requirement: { case: 'minimizeLatency', value: true } },
  { requirement: { case: 'fullyConsistent', value: true } },
  { requirement: { case: 'atLeastAsFresh', value: { token: 'a-token' } } },
  { requirement: { case: 'atExactSnapshot', value: { token: 'a-token' } } },
)
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined })
const check: fc.Arbitrary<Check> = fc
  .tuple(question, maybe(consistency))
  .map(([asked, required]) => ({ ...asked, consistency: required }))
const bulk: fc.Arbitrary<Bulk> = fc.record({
  items: fc.array(question, { maxLength: 5 }),
  consistency: maybe(consistency),
})

/** What the general codec makes of it; undefined for a request that it refuses, or that asks for a trace. */
function checkInGeneral(bytes: Buffer) {
  try {
    const message = decode(CheckPermissionRequestSchema, bytes)
    if (message.withTracing) return undefined
    return { question: questionFromWire(message), consistency: consistencyFromWire(message.consistency) }
  } catch {
    return undefined
  }
}

function bulkInGeneral(bytes: Buffer) {
  try {
    const message = decode(CheckBulkPermissionsRequestSchema, bytes)
    if (message.withTracing) return undefined
    return {
      questions: message.items.map(questionFromWire),
      consistency: consistencyFromWire(message.consistency),
    }
  } catch {
    return undefined
  }
}

/** Bytes of a request that are changed, doubled, dropped or put in, fields of it said twice or not known. */
function damaged(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const piece = fc.oneof(
    fc.constantFrom(
      Buffer.from([48, 1]),
      Buffer.from([24, 1]),
      Buffer.from([122, 1, 65]),
      Buffer.from([26, 1, 98]),
      Buffer.from([42, 0]),
      Buffer.from([34, 0]),
      Buffer.from([18, 0]),
    ),
    fc.uint8Array({ maxLength: 3 }).map((some) => Buffer.from(some)),
  )
  return fc
    .tuple(bytes, piece, fc.nat(), fc.nat(4), fc.constantFrom('flip', 'cut', 'twice'))
    .map(([whole, more, place, drop, how]) => {
      if (how === 'twice') return Buffer.concat([whole, whole.subarray(0, place % (whole.length + 1))])
      const at = place % (whole.length + 1)
      const rest = how === 'cut' ? whole.subarray(0, at) : whole
      return Buffer.concat([rest.subarray(0, at), more, rest.subarray(at + drop)])
    })
}

const checkBytes = check.map((message) => encode(CheckPermissionRequestSchema, message))
const bulkBytes = bulk.map((message) => encode(CheckBulkPermissionsRequestSchema, message))

describe('requests', () => {
  test('as clients write them are read as the general codec reads them', () => {
    fc.assert(
      fc.property(checkBytes, (bytes) => {
        const read = readCheck(bytes)
        expect(read).toBeDefined()
        expect(read).toEqual(checkInGeneral(bytes))
      }),
      { numRuns: 300 },
    )
    fc.assert(
      fc.property(bulkBytes, (bytes) => {
        const { spans, ...read } = readBulkCheck(bytes)!
        expect(read).toEqual(bulkInGeneral(bytes))
        expect(spans.length).toBe(2 * read.questions.length)
      }),
      { numRuns: 300 },
    )
  })

  test('that are damaged are left, or read as the general codec reads them', () => {
    let left = 0
    let read = 0
    const same = (one: object | undefined, general: object | undefined) => {
      if (one === undefined) left += 1
      else {
        read += 1
        expect(one).toEqual(general)
      }
    }
    fc.assert(
      fc.property(damaged(checkBytes), (bytes) => same(readCheck(bytes), checkInGeneral(bytes))),
      { numRuns: 3000 },
    )
    fc.assert(
      fc.property(damaged(bulkBytes), (bytes) => {
        const asked = readBulkCheck(bytes)
        same(asked && { questions: asked.questions, consistency: asked.consistency }, bulkInGeneral(bytes))
      }),
      { numRuns: 3000 },
    )
    expect(left).toBeGreaterThan(1000)
    expect(read).toBeGreaterThan(100)
  })

  const plain = { resource: { objectType: 'document', objectId: 'a' }, permission: 'view' }
  const subject = { object: { objectType: 'user', objectId: 'ann' } }
  test.each<[string, Check]>([
    ['a trace', { ...plain, subject, withTracing: true }],
    ['no permission', { ...plain, permission: '', subject }],
    ['no subject', plain],
    ['a wildcard', { ...plain, subject: { object: { objectType: 'user', objectId: '*' } } }],
    ['a malformed type', { ...plain, subject: { object: { objectType: 'Us', objectId: 'a' } } }],
    [
      'an id of 1025 bytes',
      { ...plain, resource: { objectType: 'document', objectId: 'a'.repeat(1025) }, subject },
    ],
    ['an empty consistency', { ...plain, subject, consistency: {} }],
    ['a number that JSON does not have', { ...plain, subject, context: { a: 1 } }],
  ])('%s: left', (what, message) => {
    const bytes = encode(CheckPermissionRequestSchema, message)
    if (what.startsWith('a number')) bytes.writeDoubleLE(Number.NaN, bytes.indexOf(17) + 1)
    expect(readCheck(bytes)).toBeUndefined()
  })

  test('an item with a context that says nothing is left, for it is not echoed', () => {
    const items = [{ ...plain, subject, context: {} }]
    expect(readBulkCheck(encode(CheckBulkPermissionsRequestSchema, { items }))).toBeUndefined()
    expect(readCheck(encode(CheckPermissionRequestSchema, items[0]!))?.question.context).toEqual({})
  })
})

const answer: fc.Arbitrary<BulkAnswer> = fc.oneof(
  fc.constantFrom<BulkAnswer>(
    { permissionship: 'has', missing: [] },
    { permissionship: 'no', missing: [] },
    {
      error: new CardeaError('UNKNOWN_DEFINITION', 'There is no such definition.', { definition_name: 'x' }),
    },
  ),
  fc
    .uniqueArray(fc.string({ minLength: 1, maxLength: 200 }), { minLength: 1, maxLength: 3 })
    .map((missing): BulkAnswer => ({ permissionship: 'conditional', missing })),
)

describe('answers', () => {
  test('to one check are what the general codec writes', () => {
    fc.assert(
      fc.property(fc.constantFrom('t1', 't2', 'a longer token'), answer, (token, given) => {
        if (given.error !== undefined) return
        expect(writeCheck(token, given)).toEqual(
          encode(CheckPermissionResponseSchema, {
            checkedAt: { token },
            permissionship: permissionshipToWire(given.permissionship),
            partialCaveatInfo: missingToWire(given),
          }),
        )
      }),
    )
  })

  test('to many are what the general codec writes', () => {
    const many = fc
      .array(fc.tuple(question, answer), { maxLength: 6 })
      .map((pairs) => ({ items: pairs.map(([item]) => item), answers: pairs.map(([, given]) => given) }))
    fc.assert(
      fc.property(many, ({ items, answers }) => {
        const request = encode(CheckBulkPermissionsRequestSchema, { items })
        const written = writeBulkCheck(request, readBulkCheck(request)!, 'a-token', answers)
        const general = encode(CheckBulkPermissionsResponseSchema, {
          checkedAt: { token: 'a-token' },
          pairs: answers.map((given, at) => ({
            request: items[at]!,
            response:
              given.error !== undefined
                ? { case: 'error' as const, value: statusFromError(given.error) }
                : {
                    case: 'item' as const,
                    value: {
                      permissionship: permissionshipToWire(given.permissionship),
                      partialCaveatInfo: missingToWire(given),
                    },
                  },
          })),
        })
        expect(written).toEqual(general)
      }),
      { numRuns: 300 },
    )
  })
})
