// The codec made from descriptors equals the protobuf runtime's own, in both directions, for every message of the API.

import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf'
import { AnySchema, TimestampSchema } from '@bufbuild/protobuf/wkt'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { file_authzed_api_v1_core } from '../../src/wire/gen/authzed/api/v1/core_pb.ts'
import { file_authzed_api_v1_debug } from '../../src/wire/gen/authzed/api/v1/debug_pb.ts'
import { file_authzed_api_v1_experimental_service } from '../../src/wire/gen/authzed/api/v1/experimental_service_pb.ts'
import {
  CheckPermissionRequestSchema,
  file_authzed_api_v1_permission_service,
} from '../../src/wire/gen/authzed/api/v1/permission_service_pb.ts'
import { file_authzed_api_v1_schema_service } from '../../src/wire/gen/authzed/api/v1/schema_service_pb.ts'
import {
  file_authzed_api_v1_watch_service,
  WatchRequestSchema,
} from '../../src/wire/gen/authzed/api/v1/watch_service_pb.ts'
import { file_cardea_v1_explain } from '../../src/wire/gen/cardea/v1/explain_pb.ts'
import { file_cardea_v1_write } from '../../src/wire/gen/cardea/v1/write_pb.ts'
import { file_google_rpc_error_details } from '../../src/wire/gen/google/rpc/error_details_pb.ts'
import { file_google_rpc_status } from '../../src/wire/gen/google/rpc/status_pb.ts'
import { decode, encode } from '../../src/wire/message-codec.ts'

const files = [
  file_authzed_api_v1_core,
  file_authzed_api_v1_debug,
  file_authzed_api_v1_permission_service,
  file_authzed_api_v1_schema_service,
  file_authzed_api_v1_watch_service,
  file_authzed_api_v1_experimental_service,
  file_cardea_v1_explain,
  file_cardea_v1_write,
  file_google_rpc_status,
  file_google_rpc_error_details,
]

function nested(message: DescMessage): DescMessage[] {
  return [message, ...message.nestedMessages.flatMap(nested)]
}

const messages = [
  ...files.flatMap((file) => file.messages.flatMap(nested)).filter((desc) => !desc.proto.options?.mapEntry),
  TimestampSchema,
  AnySchema,
]

/**
 * Texts with all widths of UTF-8, and long enough to need lengths of several bytes. None begins with a byte order mark,
 * which the runtime loses.
 */
const text = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\0'), minLength: 40, maxLength: 300 }),
  )
  .filter((some) => !some.startsWith('\ufeff'))

const json = fc.dictionary(
  fc.oneof(text, fc.constant('__proto__')),
  fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constant(null),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      text,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(text, tie('value'), { maxKeys: 3 }),
    ),
  })).value,
  { maxKeys: 4, noNullPrototype: true },
)

const scalarValues: { readonly [Type in ScalarType]?: fc.Arbitrary<unknown> } = {
  [ScalarType.STRING]: text,
  [ScalarType.BOOL]: fc.boolean(),
  [ScalarType.UINT32]: fc.nat(0xffffffff),
  [ScalarType.INT32]: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  [ScalarType.UINT64]: fc.bigInt(0n, 2n ** 64n - 1n),
  [ScalarType.INT64]: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  [ScalarType.DOUBLE]: fc.double(),
  [ScalarType.BYTES]: fc.uint8Array({ maxLength: 300 }),
}

function anyValue(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.fieldKind === 'map') return fc.dictionary(text, text, { maxKeys: 4, noNullPrototype: true })
  const single = field.message
    ? field.message.typeName === 'google.protobuf.Struct'
      ? json
      : anyMessage(field.message, depth - 1)
    : field.enum
      ? fc.constantFrom(...field.enum.values.map(({ number }) => number), 77, -1)
      : scalarValues[field.scalar as ScalarType]!
  return field.fieldKind === 'list' ? fc.array(single, { maxLength: 4 }) : single
}

function anyMessage(desc: DescMessage, depth: number): fc.Arbitrary<unknown> {
  const parts: Record<string, fc.Arbitrary<unknown>> = {}
  for (const member of desc.members) {
    if (member.kind === 'oneof') {
      const arms = member.fields
        .filter((field) => depth > 0 || !field.message)
        .map((field) => anyValue(field, depth).map((value) => ({ case: field.localName, value })))
      parts[member.localName] = fc.oneof(fc.constant({ case: undefined }), ...arms)
    } else if (depth > 0 || !member.message) {
      const value = anyValue(member, depth)
      parts[member.localName] =
        member.message && member.fieldKind === 'message' ? fc.option(value, { nil: undefined }) : value
    }
  }
  return fc.record(parts).map((init) => create(desc, init as never))
}

describe('the codec equals the protobuf runtime', () => {
  test.each(messages.map((desc) => [desc.typeName, desc] as const))('%s', (_name, desc) => {
    fc.assert(
      fc.property(anyMessage(desc, 3), (message) => {
        const theirs = toBinary(desc, message as never)
        expect(decode(desc, theirs)).toEqual(fromBinary(desc, theirs))
        expect(fromBinary(desc, new Uint8Array(encode(desc, message as never)))).toEqual(
          fromBinary(desc, theirs),
        )
      }),
      { numRuns: 60 },
    )
  })

  test('every message of the API is looked at', () => {
    expect(messages.length).toBeGreaterThan(110)
  })
})

const bytes = (...parts: (number | string | Buffer)[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part as string))),
  )

describe('bytes that are not what the runtime would write', () => {
  test('a message field that comes twice is merged', () => {
    // resource {type: "doc"}, then resource {id: "a"}
    const twice = bytes(0x12, 5, 0x0a, 3, 'doc', 0x12, 3, 0x12, 1, 'a')
    const { resource } = decode(CheckPermissionRequestSchema, twice)
    expect(resource).toMatchObject({ objectType: 'doc', objectId: 'a' })
    expect(decode(CheckPermissionRequestSchema, twice)).toEqual(
      fromBinary(CheckPermissionRequestSchema, twice),
    )
  })

  test('the last arm of a oneof wins', () => {
    // consistency {minimize_latency: true, fully_consistent: true}
    const both = bytes(0x0a, 4, 0x08, 1, 0x20, 1)
    expect(decode(CheckPermissionRequestSchema, both).consistency?.requirement).toEqual({
      case: 'fullyConsistent',
      value: true,
    })
  })

  test('unknown fields of every wire type are passed over', () => {
    const unknown = bytes(0xf8, 0x07, 1, 0xf9, 0x07, '12345678', 0xfa, 0x07, 2, 'xy', 0xfd, 0x07, '1234')
    const message = decode(CheckPermissionRequestSchema, bytes(unknown, 0x1a, 4, 'view'))
    expect(message.permission).toBe('view')
  })

  test('repeated enums may be packed or not', () => {
    expect(decode(WatchRequestSchema, bytes(0x20, 1, 0x20, 3)).optionalUpdateKinds).toEqual([1, 3])
    expect(decode(WatchRequestSchema, bytes(0x22, 2, 1, 3)).optionalUpdateKinds).toEqual([1, 3])
  })

  test('a context key named __proto__ is a key like others', () => {
    const context = JSON.parse('{"__proto__": {"admin": true}, "a": 1}')
    const message = decode(CheckPermissionRequestSchema, encode(CheckPermissionRequestSchema, { context }))
    expect(Object.keys(message.context!).sort()).toEqual(['__proto__', 'a'])
    expect((message.context as { admin?: boolean }).admin).toBeUndefined()
  })
})

describe('malformed bytes are refused with their place', () => {
  const deepStruct = () => {
    let value = bytes(0x20, 1)
    for (let depth = 0; depth < 200; depth += 1) {
      const list = Buffer.concat([Buffer.from([0x0a, ...varint(value.length)]), value])
      value = Buffer.concat([Buffer.from([0x32, ...varint(list.length)]), list])
    }
    const entry = Buffer.concat([bytes(0x0a, 1, 'k'), Buffer.from([0x12, ...varint(value.length)]), value])
    const struct = Buffer.concat([Buffer.from([0x0a, ...varint(entry.length)]), entry])
    return Buffer.concat([Buffer.from([0x2a, ...varint(struct.length)]), struct])
  }
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]

  test.each([
    ['ends inside a number', bytes(0x80), /ends inside a number at byte/],
    ['ends inside a text', bytes(0x1a, 9, 'view'), /beyond its message/],
    ['a nested length beyond its parent', bytes(0x12, 4, 0x0a, 20, 'ab'), /beyond its message/],
    ['not UTF-8', bytes(0x1a, 2, 0xc3, 0x28), /not UTF-8/],
    ['a number of eleven bytes', Buffer.alloc(12, 0xff), /more than ten bytes/],
    ['field number 0', bytes(0x02, 1, 'x'), /number 0/],
    ['a group', bytes(0xfb, 0x07, 0xfc, 0x07), /wire type 3/],
    [
      'infinity in a context',
      bytes(0x2a, 16, 0x0a, 14, 0x0a, 1, 'k', 0x12, 9, 0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f),
      /not finite/,
    ],
    ['a context of 200 levels', deepStruct(), /100 levels/],
  ])('%s', (_name, input, message) => {
    expect(() => decode(CheckPermissionRequestSchema, input)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }),
    )
  })

  test('whatever the bytes, the answer is a message or INVALID_ARGUMENT', () => {
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.uint8Array({ maxLength: 200 }), (desc, input) => {
        try {
          decode(desc, input)
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
        }
      }),
      { numRuns: 3000 },
    )
  })
})
