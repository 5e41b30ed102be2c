// The client that SpiceDB's users have, unmodified, against `cardea serve`; and the same data after a restart.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { v1 } from '@authzed/authzed-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { emptyFolder, started } from './run-cardea.ts'

const folder = emptyFolder()
const words = [
  'serve',
  '--datastore',
  'sqlite:./cardea.db',
  '--grpc-addr',
  '127.0.0.1:0',
  '--http-addr',
  '127.0.0.1:0',
]

const schema = `definition user {}

definition group {
  relation member: user | group#member
}

definition document {
  relation viewer: user | group#member
  relation banned: user
  permission view = viewer - banned
}`

const object = (objectType: string, objectId: string) => v1.ObjectReference.create({ objectType, objectId })
const subject = (type: string, id: string, optionalRelation = '') =>
  v1.SubjectReference.create({ object: object(type, id), optionalRelation })
const row = (resource: v1.ObjectReference, relation: string, who: v1.SubjectReference) =>
  v1.Relationship.create({ resource, relation, subject: who })
const touch = (relationship: v1.Relationship) =>
  v1.RelationshipUpdate.create({ operation: v1.RelationshipUpdate_Operation.TOUCH, relationship })
const fully = v1.Consistency.create({ requirement: { oneofKind: 'fullyConsistent', fullyConsistent: true } })
const { HAS_PERMISSION, NO_PERMISSION } = v1.CheckPermissionResponse_Permissionship

describe('cardea serve, asked by authzed-node', () => {
  let server: Awaited<ReturnType<typeof started>>
  let client: ReturnType<typeof v1.NewClient>
  const connect = () => {
    const { grpcAddr, presharedKey } = JSON.parse(
      readFileSync(join(folder, '.cardea', 'connection.json'), 'utf8'),
    )
    client = v1.NewClient(presharedKey, grpcAddr, v1.ClientSecurity.INSECURE_PLAINTEXT_CREDENTIALS)
  }
  const check = async (id: string, user: string) => {
    const response = await client.promises.checkPermission(
      v1.CheckPermissionRequest.create({
        consistency: fully,
        resource: object('document', id),
        permission: 'view',
        subject: subject('user', user),
      }),
    )
    return response.permissionship
  }

  beforeAll(async () => {
    server = await started(words, folder, 'Cardea is serving')
    connect()
  })
  afterAll(async () => {
    client.close()
    expect(await server.stop()).toBe(0)
  })

  test('writes a schema and relationships, checks, looks up, reads and deletes', async () => {
    await client.promises.writeSchema(v1.WriteSchemaRequest.create({ schema }))
    expect((await client.promises.readSchema(v1.ReadSchemaRequest.create())).schemaText).toContain(
      'definition document',
    )
    const { writtenAt } = await client.promises.writeRelationships(
      v1.WriteRelationshipsRequest.create({
        updates: [
          touch(row(object('group', 'eng'), 'member', subject('user', 'ann'))),
          touch(row(object('group', 'eng'), 'member', subject('user', 'eve'))),
          touch(row(object('document', 'plan'), 'viewer', subject('group', 'eng', 'member'))),
          touch(row(object('document', 'note'), 'viewer', subject('user', 'ann'))),
          touch(row(object('document', 'plan'), 'banned', subject('user', 'eve'))),
        ],
      }),
    )
    expect(writtenAt?.token).toBeTruthy()
    expect(await check('plan', 'ann')).toBe(HAS_PERMISSION)
    expect(await check('plan', 'eve')).toBe(NO_PERMISSION)
    expect(await check('plan', 'nobody')).toBe(NO_PERMISSION)

    const bulk = await client.promises.checkBulkPermissions(
      v1.CheckBulkPermissionsRequest.create({
        consistency: fully,
        items: ['ann', 'eve'].map((user) =>
          v1.CheckBulkPermissionsRequestItem.create({
            resource: object('document', 'plan'),
            permission: 'view',
            subject: subject('user', user),
          }),
        ),
      }),
    )
    const answers = bulk.pairs.map(({ response }) =>
      response.oneofKind === 'item' ? response.item.permissionship : undefined,
    )
    expect(answers).toEqual([HAS_PERMISSION, NO_PERMISSION])

    const found = await client.promises.lookupResources(
      v1.LookupResourcesRequest.create({
        consistency: fully,
        resourceObjectType: 'document',
        permission: 'view',
        subject: subject('user', 'ann'),
      }),
    )
    expect(found.map(({ resourceObjectId }) => resourceObjectId).sort()).toEqual(['note', 'plan'])

    const rows = await client.promises.readRelationships(
      v1.ReadRelationshipsRequest.create({
        consistency: fully,
        relationshipFilter: v1.RelationshipFilter.create({ resourceType: 'document' }),
      }),
    )
    expect(rows).toHaveLength(3)

    const deleted = await client.promises.deleteRelationships(
      v1.DeleteRelationshipsRequest.create({
        relationshipFilter: v1.RelationshipFilter.create({
          resourceType: 'document',
          optionalResourceId: 'note',
        }),
      }),
    )
    expect(deleted.deletedAt?.token).toBeTruthy()
    expect(await check('note', 'ann')).toBe(NO_PERMISSION)
  })

  test('keeps everything over a restart', async () => {
    client.close()
    expect(await server.stop()).toBe(0)
    server = await started(words, folder, 'Cardea is serving')
    connect()
    expect(await check('plan', 'ann')).toBe(HAS_PERMISSION)
    expect(await check('plan', 'eve')).toBe(NO_PERMISSION)
    expect(await check('note', 'ann')).toBe(NO_PERMISSION)
  })
})
