// The SQLite tables, as numbered migrations. All names begin with cardea_, since an application's own tables may
// share the file.

import type Database from 'better-sqlite3'
import { CardeaError } from '../../model/errors.ts'

/**
 * Index n holds the statements that lead from version n to version n + 1. Released entries never change.
 *
 * Names and objects are kept once and meant by integers everywhere else. Neither is ever deleted, so that keys ascend
 * without holes and are never given twice. TEXT columns compare by bytes (BINARY is SQLite's default collation).
 */
const migrations: readonly string[] = [
  `
  -- Identity and marks: tables_version, datastore_id, epoch, token_keys, oldest_revision, oldest_nonce.
  CREATE TABLE cardea_meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

  -- Types, relations and caveats; id 0 is the empty name.
  CREATE TABLE cardea_name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  INSERT INTO cardea_name (id, name) VALUES (0, '');

  CREATE TABLE cardea_object (
    key INTEGER PRIMARY KEY,
    type INTEGER NOT NULL,
    id TEXT NOT NULL,
    UNIQUE (type, id)
  ) STRICT;

  -- resource and subject are object keys; relation, subject_relation and caveat are name ids.
  CREATE TABLE cardea_relationship (
    resource INTEGER NOT NULL,
    relation INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    subject_relation INTEGER NOT NULL,
    caveat INTEGER,
    context TEXT,
    expires_at INTEGER,
    PRIMARY KEY (resource, relation, subject, subject_relation)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX cardea_relationship_by_subject
    ON cardea_relationship (subject, relation, resource, subject_relation);
  CREATE INDEX cardea_relationship_by_expiry
    ON cardea_relationship (expires_at) WHERE expires_at IS NOT NULL;

  CREATE TABLE cardea_log (
    revision INTEGER PRIMARY KEY,
    nonce TEXT NOT NULL,
    committed_at INTEGER NOT NULL,
    schema_revision INTEGER NOT NULL,
    change_count INTEGER NOT NULL,
    metadata TEXT
  ) STRICT;

  -- operation: 1 touch, 2 delete. existed: whether a row was there before; the previous columns are its traits.
  CREATE TABLE cardea_change (
    revision INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    operation INTEGER NOT NULL,
    resource INTEGER NOT NULL,
    relation INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    subject_relation INTEGER NOT NULL,
    existed INTEGER NOT NULL,
    caveat INTEGER,
    context TEXT,
    expires_at INTEGER,
    previous_caveat INTEGER,
    previous_context TEXT,
    previous_expires_at INTEGER,
    PRIMARY KEY (revision, ordinal)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE cardea_schema (revision INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
  `,
]

/** The version of the tables that this program reads and writes. */
export const tablesVersion = migrations.length

/** The version of a file's tables; 0 when it has none. */
export function versionOf(database: Database.Database): number {
  const there = database
    .prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'cardea_meta'`)
    .get()
  if (there === undefined) return 0
  return versionStatement(database).get()!
}

/** Reads the version of tables that are there. */
export function versionStatement(database: Database.Database): Database.Statement<[], number> {
  return database
    .prepare<[], number>(`SELECT value FROM cardea_meta WHERE key = 'tables_version'`)
    .safeIntegers(false)
    .pluck()
}

/** CONFIG_INVALID for a file that a newer program wrote. */
export function assertKnownVersion(version: number, path: string): void {
  if (version <= tablesVersion) return
  throw new CardeaError(
    'CONFIG_INVALID',
    `${path} was written by a newer Cardea (tables version ${version}; this program knows ${tablesVersion}). Use that version or a later one.`,
    { path, tables_version: String(version), known_version: String(tablesVersion) },
  )
}

/**
 * Brings the tables to {@link tablesVersion}, in one transaction; several processes may do so at once. `initial` fills
 * the marks of a datastore that is made by this.
 */
export function migrate(
  database: Database.Database,
  path: string,
  initial: () => { readonly [key: string]: unknown },
): void {
  const found = versionOf(database)
  assertKnownVersion(found, path)
  if (found === tablesVersion) return
  database
    .transaction(() => {
      // Again, now that nobody else can be at it.
      const version = versionOf(database)
      assertKnownVersion(version, path)
      if (version === tablesVersion) return
      for (const statements of migrations.slice(version)) database.exec(statements)
      const mark = database.prepare('INSERT OR REPLACE INTO cardea_meta (key, value) VALUES (?, ?)')
      if (version === 0) for (const [key, value] of Object.entries(initial())) mark.run(key, value)
      database.exec(
        `INSERT OR REPLACE INTO cardea_meta (key, value) VALUES ('tables_version', ${tablesVersion})`,
      )
    })
    .immediate()
}
