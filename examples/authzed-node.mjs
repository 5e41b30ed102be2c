// The client of SpiceDB's users, unchanged, against Cardea: checks and lookups over gRPC.
// Run it beside a running server (npm start): it finds address and key in .cardea/connection.json.

import { readFileSync } from 'node:fs'
import { v1 } from '@authzed/authzed-node'

const { grpcAddr, presharedKey } = connection()
const client = v1.NewClient(presharedKey, grpcAddr, v1.ClientSecurity.INSECURE_PLAINTEXT_CREDENTIALS)

const subject = (id) =>
  v1.SubjectReference.create({ object: v1.ObjectReference.create({ objectType: 'user', objectId: id }) })
const fullyConsistent = v1.Consistency.create({
  requirement: { oneofKind: 'fullyConsistent', fullyConsistent: true },
})

for (const user of ['alice', 'bob']) {
  const { permissionship } = await client.promises.checkPermission(
    v1.CheckPermissionRequest.create({
      consistency: fullyConsistent,
      resource: v1.ObjectReference.create({ objectType: 'document', objectId: 'search-design' }),
      permission: 'view',
      subject: subject(user),
    }),
  )
  const found = await client.promises.lookupResources(
    v1.LookupResourcesRequest.create({
      consistency: fullyConsistent,
      resourceObjectType: 'document',
      permission: 'view',
      subject: subject(user),
    }),
  )
  const may = permissionship === v1.CheckPermissionResponse_Permissionship.HAS_PERMISSION ? 'may' : 'may not'
  console.log(`${user} ${may} view document:search-design, and sees ${found.length} documents in all`)
}
client.close()

function connection() {
  try {
    return JSON.parse(readFileSync('.cardea/connection.json', 'utf8'))
  } catch {
    console.error('No server runs in this folder. Start one in another terminal: npm start')
    process.exit(1)
  }
}
