// No dual write: an application's row and the grant on it in one SQLite transaction. Both are there, or neither is.
// Run it: node examples/in-transaction/sqlite.mjs [file]

import Database from 'better-sqlite3'
import { createAuthorizer, parseRelationship } from 'cardea'
import { openSqliteStore, relationshipsIn } from 'cardea/sqlite'

const path = process.argv[2] ?? 'app.db'

// In this process here; it could as well be a `cardea serve --datastore sqlite:app.db` on the same machine.
const authorizer = await createAuthorizer({ store: await openSqliteStore({ path }) })
await authorizer.writeSchema(`
  definition user {}
  definition document {
    relation owner: user
    permission view = owner
  }`)

// The application: its own handle on the same file, and its own tables.
const database = new Database(path)
database.pragma('synchronous = FULL')
database.exec('CREATE TABLE IF NOT EXISTS document (id TEXT PRIMARY KEY, title TEXT NOT NULL)')
const relationships = relationshipsIn(database)
const insert = database.prepare('INSERT INTO document VALUES (?, ?)')

const createDocument = database.transaction((id, title, grant) => {
  insert.run(id, title)
  relationships.write([{ operation: 'touch', relationship: parseRelationship(`document:${id}#${grant}`) }])
}).immediate

createDocument('plan', 'The plan', 'owner@user:ann')
await report('ann')

// A grant that the schema does not allow takes the row back with it.
try {
  createDocument('note', 'A note', 'reader@user:ann')
} catch (error) {
  console.log(`refused: ${error.message}`)
}
await report('ann')

database.close()
await authorizer.close()

async function report(user) {
  const seen = []
  const subject = { type: 'user', id: user, relation: '' }
  const question = { resourceType: 'document', permission: 'view', subject }
  const found = authorizer.lookupResources({ ...question, consistency: { kind: 'fully_consistent' } })
  for await (const { resourceId } of found) seen.push(resourceId)
  const rows = database.prepare('SELECT id FROM document').pluck().all()
  console.log(`documents: ${rows.join(', ')}; ${user} sees: ${seen.join(', ')}`)
}
