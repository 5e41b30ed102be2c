// Messages and values: there and back unchanged; what is malformed or missing is refused by the field's own name.

import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Explanation, SubjectTree, TraceNode } from '../../src/model/decision.ts'
import type { Precondition, RelationshipFilter } from '../../src/model/filter.ts'
import {
  formatRelationship,
  parseObject,
  parseRelationship,
  parseSubject,
} from '../../src/model/relationship-text.ts'
import type { Consistency } from '../../src/model/revision.ts'
import { questionFromWire } from '../../src/wire/answers.ts'
import { consistencyFromWire, consistencyToWire, cursorFromWire } from '../../src/wire/consistency.ts'
import { debugInformationToWire, type Trace } from '../../src/wire/debug-trace.ts'
import { explanationFromWire, explanationToWire } from '../../src/wire/explanation.ts'
import {
  filterFromWire,
  filterToWire,
  preconditionFromWire,
  preconditionToWire,
} from '../../src/wire/filters.ts'
import {
  PermissionRelationshipTreeSchema,
  RelationshipSchema,
  RelationshipUpdateSchema,
} from '../../src/wire/gen/authzed/api/v1/core_pb.ts'
import {
  CheckPermissionRequestSchema,
  ConsistencySchema,
  PreconditionSchema,
  RelationshipFilterSchema,
} from '../../src/wire/gen/authzed/api/v1/permission_service_pb.ts'
import { ExplanationSchema } from '../../src/wire/gen/cardea/v1/explain_pb.ts'
import { instantFromWire, instantToWire } from '../../src/wire/instant.ts'
import { convertEach } from '../../src/wire/invalid-field.ts'
import { decode, encode } from '../../src/wire/message-codec.ts'
import {
  relationshipFromWire,
  relationshipToWire,
  updateFromWire,
  updateToWire,
} from '../../src/wire/relationships.ts'
import { treeFromWire, treeToWire } from '../../src/wire/userset-tree.ts'

const relationships = [
  'document:a1#viewer@user:ann',
  'tenant/document:a/b|c=+-_1#viewer@tenant/group:ops#member',
  'document:a1#viewer@user:*',
  'document:a1#viewer@user:bob[office_hours]',
  'document:a1#viewer@user:bob[office_hours:{"zone":"utc","days":[1,2.5,null,true],"deep":{"x":"é"}}]',
  'document:a1#viewer@user:cy[expiration:2031-06-30T00:00:00.123Z]',
  'document:a1#viewer@user:di[office_hours:{"a":1}][expiration:1969-12-31T23:59:59.999Z]',
]

const refusal = (path: string, rest = '') =>
  expect.objectContaining({
    code: 'INVALID_ARGUMENT',
    facts: { field: path },
    message: expect.stringContaining(`validation error: ${path} ${rest}`),
  })

describe('relationships', () => {
  test.each(relationships)('%s', (text) => {
    const relationship = parseRelationship(text)
    const sent = decode(RelationshipSchema, encode(RelationshipSchema, relationshipToWire(relationship)))
    expect(relationshipFromWire(sent, '')).toEqual(relationship)
    expect(formatRelationship(relationshipFromWire(sent, ''))).toBe(formatRelationship(relationship))
  })

  test.each(['create', 'touch', 'delete'] as const)('update %s', (operation) => {
    const update = { operation, relationship: parseRelationship(relationships[4]!) }
    const sent = decode(RelationshipUpdateSchema, encode(RelationshipUpdateSchema, updateToWire(update)))
    expect(updateFromWire(sent)).toEqual(update)
  })

  test.each([
    ['resource', { resource: undefined }, 'is required'],
    ['resource.object_type', { 'resource.objectType': 'Document' }, '"Document" is malformed'],
    ['resource.object_id', { 'resource.objectId': '' }, '"" is malformed'],
    ['resource.object_id', { 'resource.objectId': 'a b' }, '"a b" is malformed'],
    ['resource.object_id', { 'resource.objectId': 'x'.repeat(1025) }, '"xxx'],
    ['resource.object_id', { 'resource.objectId': '*' }, 'cannot be the wildcard'],
    ['relation', { relation: '' }, '"" is malformed'],
    ['subject', { subject: undefined }, 'is required'],
    ['subject.object', { 'subject.object': undefined }, 'is required'],
    ['subject.object.object_id', { 'subject.object.objectId': 'a@b' }, '"a@b" is malformed'],
    ['subject.optional_relation', { 'subject.optionalRelation': 'x' }, '"x" is malformed'],
    [
      'subject.optional_relation',
      { 'subject.object.objectId': '*', 'subject.optionalRelation': 'member' },
      'must be empty for a wildcard',
    ],
    ['optional_caveat.caveat_name', { optionalCaveat: { caveatName: '' } }, '"" is malformed'],
    ['optional_expires_at', { optionalExpiresAt: { seconds: 10n ** 15n, nanos: 0 } }, 'is not an instant'],
    ['optional_expires_at', { optionalExpiresAt: { seconds: 0n, nanos: -1 } }, 'is not an instant'],
  ])('%s', (path, changes, rest) => {
    const message = create(RelationshipSchema, relationshipToWire(parseRelationship(relationships[0]!)))
    for (const [place, value] of Object.entries(changes)) {
      const names = place.split('.')
      const last = names.pop()!
      const parent = names.reduce<object>((object, name) => Reflect.get(object, name), message)
      Reflect.set(parent, last, value)
    }
    expect(() => relationshipFromWire(message, '')).toThrow(refusal(path, rest))
  })

  test('an item of a list is named by its position', () => {
    const good = create(RelationshipUpdateSchema, {
      operation: 2,
      relationship: relationshipToWire(parseRelationship(relationships[0]!)),
    })
    const bad = create(RelationshipUpdateSchema, { ...good, operation: 9 as never })
    expect(() => convertEach([good, good, bad], 'updates', updateFromWire)).toThrow(
      refusal('updates[2].operation', 'must be OPERATION_CREATE'),
    )
  })
})

describe('filters and preconditions', () => {
  const filters: RelationshipFilter[] = [
    {},
    { resourceType: 'document', resourceId: 'a', relation: 'viewer' },
    { resourceIdPrefix: 'a/' },
    { subject: { type: 'user' } },
    { subject: { type: 'user', id: '*', relation: '' } },
    { subject: { type: 'group', id: 'ops', relation: 'member' } },
  ]
  test.each(filters)('%j', (filter) => {
    const sent = decode(RelationshipFilterSchema, encode(RelationshipFilterSchema, filterToWire(filter)))
    expect(filterFromWire(sent, 'filter')).toEqual(filter)
  })

  test.each(['must_match', 'must_not_match'] as const)('%s', (operation) => {
    const precondition: Precondition = { operation, filter: filters[1]! }
    const sent = decode(PreconditionSchema, encode(PreconditionSchema, preconditionToWire(precondition)))
    expect(preconditionFromWire(sent)).toEqual(precondition)
  })

  test('an empty precondition has a code of its own', () => {
    expect(() => preconditionFromWire(create(PreconditionSchema, { operation: 2, filter: {} }))).toThrow(
      expect.objectContaining({ code: 'EMPTY_PRECONDITION' }),
    )
  })

  test.each([
    ['f', undefined],
    ['f.resource_type', { resourceType: 'x' }],
    ['f.optional_resource_id', { optionalResourceId: '*' }],
    ['f.optional_resource_id_prefix', { optionalResourceIdPrefix: 'a%' }],
    ['f.optional_relation', { optionalRelation: 'No' }],
    ['f.optional_subject_filter.subject_type', { optionalSubjectFilter: {} }],
    [
      'f.optional_subject_filter.optional_subject_id',
      { optionalSubjectFilter: { subjectType: 'user', optionalSubjectId: 'a b' } },
    ],
    [
      'f.optional_subject_filter.optional_relation',
      {
        optionalSubjectFilter: {
          subjectType: 'user',
          optionalSubjectId: '*',
          optionalRelation: { relation: 'member' },
        },
      },
    ],
  ])('%s is refused: %j', (path, init) => {
    const message = init && create(RelationshipFilterSchema, init as never)
    expect(() => filterFromWire(message, 'f')).toThrow(refusal(path))
  })
})

describe('consistency', () => {
  const all: (Consistency | undefined)[] = [
    undefined,
    { kind: 'minimize_latency' },
    { kind: 'fully_consistent' },
    { kind: 'at_least_as_fresh', token: 't' },
    { kind: 'at_exact_snapshot', token: 't' },
  ]
  test.each(all)('%j', (consistency) => {
    const init = consistencyToWire(consistency)
    const sent = init && decode(ConsistencySchema, encode(ConsistencySchema, init))
    expect(consistencyFromWire(sent)).toEqual(consistency)
  })

  test.each([
    ['consistency.requirement', {}],
    ['consistency.minimize_latency', { requirement: { case: 'minimizeLatency', value: false } }],
    ['consistency.fully_consistent', { requirement: { case: 'fullyConsistent', value: false } }],
    [
      'consistency.at_least_as_fresh.token',
      { requirement: { case: 'atLeastAsFresh', value: { token: '' } } },
    ],
  ])('%s is refused: %j', (path, init) => {
    expect(() => consistencyFromWire(create(ConsistencySchema, init as never))).toThrow(refusal(path))
  })

  test('an empty cursor is refused, an absent one is none', () => {
    expect(cursorFromWire(undefined)).toBeUndefined()
    expect(() => cursorFromWire({ token: '' })).toThrow(refusal('optional_cursor.token'))
  })
})

test('a question without resource or subject is refused', () => {
  expect(() => questionFromWire(create(CheckPermissionRequestSchema, {}))).toThrow(
    refusal('resource', 'is required'),
  )
  const half = create(CheckPermissionRequestSchema, { resource: { objectType: 'document', objectId: 'a' } })
  expect(() => questionFromWire(half)).toThrow(refusal('subject', 'is required'))
})

test('instants keep their milliseconds, before and after 1970', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (ms) => {
      expect(instantFromWire(instantToWire(ms), 'at')).toBe(ms)
    }),
  )
})

const leaf = (name: string): TraceNode => ({
  resource: parseObject('document:a'),
  name,
  kind: 'relation',
  operation: 'relation',
  permissionship: 'has',
  relationship: parseRelationship(
    'document:a#viewer@user:ann[office:{"z":1}][expiration:2031-06-30T00:00:00Z]',
  ),
  caveat: { name: 'office', expression: 'z == 1', result: 'true', context: { z: 1 }, missing: [] },
  children: [],
})

const explanation: Explanation = {
  permissionship: 'conditional',
  missing: ['now'],
  proof: [parseRelationship('document:a#viewer@user:ann')],
  absences: [
    { resource: parseObject('document:a'), permission: 'banned', subject: parseSubject('user:ann') },
  ],
  reason: {
    kind: 'context_missing',
    resource: parseObject('document:a'),
    name: 'viewer',
    via: [parseRelationship('document:a#viewer@user:ann')],
    missing: ['now'],
  },
  tree: {
    resource: parseObject('document:a'),
    name: 'view',
    kind: 'permission',
    operation: 'union',
    permissionship: 'conditional',
    children: [
      leaf('viewer'),
      {
        resource: parseObject('document:a'),
        name: 'view',
        kind: 'permission',
        operation: 'intersection',
        permissionship: 'no',
        children: [leaf('editor'), leaf('owner')],
      },
    ],
  },
}

describe('explanations', () => {
  test('travel whole', () => {
    const sent = decode(ExplanationSchema, encode(ExplanationSchema, explanationToWire(explanation)))
    expect(explanationFromWire(sent)).toEqual(explanation)
  })

  test('a trace of 20,000 steps travels, too', () => {
    let tree = leaf('viewer')
    for (let depth = 0; depth < 20_000; depth += 1) tree = { ...leaf('member'), children: [tree] }
    const sent = decode(
      ExplanationSchema,
      encode(ExplanationSchema, explanationToWire({ ...explanation, tree })),
    )
    let depth = 0
    for (let node = explanationFromWire(sent).tree; node.children.length > 0; node = node.children[0]!)
      depth += 1
    expect(depth).toBe(20_000)
  })

  test('as a debug trace, operators are passed over and depth is bounded', () => {
    const subject = parseSubject('user:ann')
    const { check, schemaUsed } = debugInformationToWire(explanation, subject, ' definition user {}\n')
    expect(schemaUsed).toBe('definition user {}')
    expect(check).toMatchObject({ permission: 'view', permissionType: 2, result: 3 })
    const traces = (trace: Trace | undefined): Trace[] =>
      trace?.resolution?.case === 'subProblems' ? (trace.resolution.value.traces as Trace[]) : []
    expect(traces(check).map((trace) => trace.permission)).toEqual(['viewer', 'editor', 'owner'])
    expect(traces(check)[0]).toMatchObject({
      permissionType: 1,
      result: 2,
      resolution: { case: 'wasCachedResult', value: false },
      caveatEvaluationInfo: { caveatName: 'office', result: 3 },
    })
    let tree = leaf('viewer')
    for (let depth = 0; depth < 20_000; depth += 1) tree = { ...leaf('member'), children: [tree] }
    let depth = 0
    const deep = debugInformationToWire({ ...explanation, tree }, subject, '')
    for (let trace = deep.check; traces(trace).length > 0; trace = traces(trace)[0]) depth += 1
    expect(depth).toBe(45)
  })
})

describe('userset trees', () => {
  const resource = parseObject('document:a')
  const tree: SubjectTree = {
    resource,
    name: 'view',
    kind: 'exclusion',
    children: [
      {
        resource,
        name: 'viewer',
        kind: 'leaf',
        subjects: [parseSubject('user:ann'), parseSubject('user:*')],
      },
      {
        resource,
        name: 'view',
        kind: 'union',
        children: [{ resource, name: 'banned', kind: 'leaf', subjects: [] }],
      },
    ],
  }

  test('travel whole', () => {
    const bytes = encode(PermissionRelationshipTreeSchema, treeToWire(tree))
    expect(treeFromWire(decode(PermissionRelationshipTreeSchema, bytes))).toEqual(tree)
  })

  test('one that clients could not read is refused', () => {
    let deep = tree
    for (let depth = 0; depth < 100; depth += 1)
      deep = { resource, name: 'view', kind: 'union', children: [deep] }
    expect(() => treeToWire(deep)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }))
  })
})
