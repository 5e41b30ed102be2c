// No dual write: an application's row and the grant on it in one PostgreSQL transaction. Both are there, or neither is.
// Run it: DATABASE_URL=postgres://user:password@host/database node examples/in-transaction/postgres.mjs

import { createAuthorizer, parseRelationship } from 'cardea'
import { migratePostgres, openPostgresStore, refusalOfCommit, relationshipsIn } from 'cardea/postgres'
import pg from 'pg'

const connectionString = process.env.DATABASE_URL
if (connectionString === undefined) {
  console.error('Set DATABASE_URL, such as postgres://user:password@localhost/database.')
  process.exit(2)
}

// In this process here; it could as well be any number of `cardea serve --datastore postgres://...`.
await migratePostgres({ connectionString })
const authorizer = await createAuthorizer({ store: await openPostgresStore({ connectionString }) })
await authorizer.writeSchema(`
  definition user {}
  definition document {
    relation owner: user
    permission view = owner
  }`)

// The application: its own client, and its own tables.
const client = new pg.Client({ connectionString })
await client.connect()
await client.query('CREATE TABLE IF NOT EXISTS document (id text PRIMARY KEY, title text NOT NULL)')
const relationships = relationshipsIn(client)

async function createDocument(id, title, grant) {
  await client.query('BEGIN')
  try {
    await client.query('INSERT INTO document VALUES ($1, $2)', [id, title])
    const relationship = parseRelationship(`document:${id}#${grant}`)
    await relationships.write([{ operation: 'touch', relationship }])
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    // What COMMIT refused for a reason of Cardea's says so.
    throw refusalOfCommit(error) ?? error
  }
}

await createDocument('plan', 'The plan', 'owner@user:ann')
await report('ann')

// A grant that the schema does not allow takes the row back with it.
try {
  await createDocument('note', 'A note', 'reader@user:ann')
} catch (error) {
  console.log(`refused: ${error.message}`)
}
await report('ann')

await client.end()
await authorizer.close()

async function report(user) {
  const seen = []
  const subject = { type: 'user', id: user, relation: '' }
  const question = { resourceType: 'document', permission: 'view', subject }
  const found = authorizer.lookupResources({ ...question, consistency: { kind: 'fully_consistent' } })
  for await (const { resourceId } of found) seen.push(resourceId)
  const { rows } = await client.query('SELECT id FROM document')
  console.log(`documents: ${rows.map(({ id }) => id).join(', ')}; ${user} sees: ${seen.join(', ')}`)
}
