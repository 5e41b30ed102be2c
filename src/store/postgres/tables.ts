// The PostgreSQL tables, as numbered migrations that expand first and contract later. All names begin with cardea_,
// since an application's own tables may share the database.

import { randomBytes } from 'node:crypto'
import type { Client, ClientBase, Pool } from 'pg'
import { CardeaError } from '../../model/errors.ts'
import { connect, type PostgresConnection } from './connection.ts'
import { hash } from './digest-functions.ts'
import { createFunctions } from './functions.ts'
import { tablesVersion } from './tables-version.ts'

/**
 * One step of the tables. Programs of the step before go on reading and writing after `expand`; when it ends that, it
 * says from which version on programs may still read or write. Released steps never change. The functions are replaced
 * by those of the newest step, and go on serving every program that may write.
 */
interface Migration {
  readonly expand: string
  readonly minReader: number
  readonly minWriter: number
}

/**
 * Names and objects are kept once and meant by integers everywhere else. Neither is ever deleted, so that keys ascend
 * and are never given twice. Texts compare by bytes, whatever the database's collation.
 */
const tables = `
-- Identity and marks: tables_version, min_reader, min_writer, datastore_id, epoch, token_keys, oldest_revision, oldest_nonce.
CREATE TABLE cardea_meta (key text COLLATE "C" PRIMARY KEY, value text COLLATE "C" NOT NULL);

-- Types, relations and caveats; id 0 is the empty name.
CREATE TABLE cardea_name (id integer PRIMARY KEY, name text COLLATE "C" NOT NULL UNIQUE);
INSERT INTO cardea_name (id, name) VALUES (0, '');

CREATE TABLE cardea_object (
  key integer PRIMARY KEY,
  type integer NOT NULL,
  id text COLLATE "C" NOT NULL,
  UNIQUE (type, id)
);

-- resource and subject are object keys; relation, subject_relation and caveat are name ids.
CREATE TABLE cardea_relationship (
  resource integer NOT NULL,
  relation integer NOT NULL,
  subject integer NOT NULL,
  subject_relation integer NOT NULL,
  caveat integer,
  context text COLLATE "C",
  expires_at bigint,
  PRIMARY KEY (resource, relation, subject, subject_relation)
);
CREATE INDEX cardea_relationship_by_subject
  ON cardea_relationship (subject, relation, resource, subject_relation);
CREATE INDEX cardea_relationship_by_expiry ON cardea_relationship (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE cardea_log (
  revision bigint PRIMARY KEY,
  nonce text COLLATE "C" NOT NULL,
  committed_at bigint NOT NULL,
  schema_revision bigint NOT NULL,
  change_count integer NOT NULL,
  metadata text COLLATE "C"
);

-- operation: 1 touch, 2 delete. existed: whether a row was there before; the previous columns are its traits.
CREATE TABLE cardea_change (
  revision bigint NOT NULL,
  ordinal integer NOT NULL,
  operation smallint NOT NULL,
  resource integer NOT NULL,
  relation integer NOT NULL,
  subject integer NOT NULL,
  subject_relation integer NOT NULL,
  existed boolean NOT NULL,
  caveat integer,
  context text COLLATE "C",
  expires_at bigint,
  previous_caveat integer,
  previous_context text COLLATE "C",
  previous_expires_at bigint,
  PRIMARY KEY (revision, ordinal)
);

CREATE TABLE cardea_schema (revision bigint PRIMARY KEY, text text COLLATE "C" NOT NULL);

-- Rows of these two never outlive the transaction that wrote them.
CREATE UNLOGGED TABLE cardea_part (
  import uuid NOT NULL,
  ordinal integer NOT NULL,
  updates jsonb NOT NULL,
  PRIMARY KEY (import, ordinal)
);
CREATE UNLOGGED TABLE cardea_pending (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, write jsonb NOT NULL);
`

/** The rolling digest (store/digest.ts): null where it is not known, which is before the tables were first summed up. */
const digests = `
${hash}
ALTER TABLE cardea_name ADD COLUMN hash bigint GENERATED ALWAYS AS (cardea_hash(name)) STORED;
ALTER TABLE cardea_log ADD COLUMN digest bigint;
`

/** Index n leads from version n to version n + 1. */
const migrations: readonly Migration[] = [
  { expand: tables, minReader: 1, minWriter: 1 },
  { expand: digests, minReader: 1, minWriter: 1 },
]

/** Marks by key; undefined when the datastore has no tables. */
export async function readMarks(
  database: ClientBase | Pool,
): Promise<ReadonlyMap<string, string> | undefined> {
  const there = await database.query(`SELECT 1 FROM pg_class WHERE oid = to_regclass('cardea_meta')`)
  if (there.rows.length === 0) return undefined
  const { rows } = await database.query<{ key: string; value: string }>('SELECT key, value FROM cardea_meta')
  return new Map(rows.map(({ key, value }) => [key, value]))
}

/**
 * CONFIG_INVALID unless this program can read the tables as they are. Whether it may write is judged with each write:
 * a newer program may migrate them while this one runs.
 */
export function assertUsable(
  marks: ReadonlyMap<string, string> | undefined,
): asserts marks is ReadonlyMap<string, string> {
  const refuse = (message: string) => {
    throw new CardeaError('CONFIG_INVALID', message, {
      known_version: String(tablesVersion),
      ...(marks === undefined ? {} : { tables_version: marks.get('tables_version')! }),
    })
  }
  if (marks === undefined) {
    return refuse('The database holds no Cardea tables yet; run cardea migrate on it once.')
  }
  const mark = (key: string) => Number(marks.get(key))
  const version = mark('tables_version')
  if (version < tablesVersion) {
    refuse(
      `The database's tables have version ${version}, this program needs ${tablesVersion}; run cardea migrate.`,
    )
  }
  if (mark('min_reader') > tablesVersion) throw readerTooOld(mark('min_reader'))
}

/** A newer program has migrated the tables to what this one would misread. */
export function readerTooOld(minReader: number): CardeaError {
  return new CardeaError(
    'CONFIG_INVALID',
    `The database was migrated by a newer Cardea: its tables ask readers for version ${minReader}, this program knows ${tablesVersion}. Update it.`,
    { known_version: String(tablesVersion), min_reader: String(minReader) },
  )
}

/**
 * Makes the tables or brings them to {@link tablesVersion}, in one transaction; several processes may do so at once,
 * and services of the version before may run meanwhile. Resolves with the versions before and after. Errors:
 * CONFIG_INVALID (tables of a newer program, not UTF-8), UNAVAILABLE, STORE_FAILED.
 */
export async function migratePostgres(
  connection: PostgresConnection,
): Promise<{ readonly from: number; readonly to: number }> {
  return await connect(connection, async (client) => {
    await client.query('BEGIN')
    // One at a time in this database; the second one finds everything done.
    await client.query(`SELECT pg_advisory_xact_lock(1128354116, 1)`)
    // Whoever waits for a table keeps all those waiting who come after.
    await client.query(`SET LOCAL lock_timeout = '5s'`)
    const from = await migrate(client)
    await client.query('COMMIT')
    // Alone, since writers wait for it: everything is summed up once.
    if (from === 1) await client.query('SELECT cardea_reseal()')
    return { from, to: Math.max(from, tablesVersion) }
  })
}

async function migrate(client: Client): Promise<number> {
  const marks = await readMarks(client)
  const version = Number(marks?.get('tables_version') ?? 0)
  if (version >= tablesVersion) {
    assertUsable(marks)
    return version
  }
  const { rows } = await client.query<{ encoding: string; schema: string | null }>(
    `SELECT current_setting('server_encoding') AS encoding, quote_ident(current_schema()) AS schema`,
  )
  const { encoding, schema } = rows[0]!
  if (encoding !== 'UTF8') {
    throw new CardeaError(
      'CONFIG_INVALID',
      `The database's encoding is ${encoding}; make one with ENCODING 'UTF8'.`,
      { encoding },
    )
  }
  if (schema === null) {
    throw new CardeaError('CONFIG_INVALID', 'No schema of the search_path exists; create it or name another.')
  }
  const missing = migrations.slice(version)
  for (const { expand } of missing) await client.query(expand)
  await client.query(createFunctions(schema))
  const { minReader, minWriter } = missing.at(-1)!
  await setMarks(client, {
    ...(version === 0 ? newDatastore() : {}),
    tables_version: String(tablesVersion),
    min_reader: String(minReader),
    min_writer: String(minWriter),
  })
  return version
}

/** Marks of a new datastore. */
function newDatastore(): { readonly [key: string]: string } {
  return {
    datastore_id: randomBytes(16).toString('hex'),
    epoch: '1',
    token_keys: randomBytes(32).toString('hex'),
    oldest_revision: '0',
    oldest_nonce: '',
  }
}

async function setMarks(client: Client, marks: { readonly [key: string]: string }): Promise<void> {
  await client.query(
    `INSERT INTO cardea_meta (key, value) SELECT * FROM unnest($1::text[], $2::text[])
     ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    [Object.keys(marks), Object.values(marks)],
  )
}
