// The SQL functions that write: one place where a transaction is judged, applied and stamped, whoever asks for it.

import { digestModulus } from '../digest.ts'
import { digest } from './digest-functions.ts'
import { find, guard } from './find-functions.ts'
import { garbage } from './garbage-functions.ts'
import { importCopied } from './import-functions.ts'

/**
 * A refusal inside the functions: SQLSTATE CD001 (40001 where a plain retry of the whole transaction is the cure),
 * with the facts as JSON in DETAIL. `code` is one of model/errors.ts.
 */
const refuse = `
CREATE OR REPLACE FUNCTION cardea_refuse(p_message text, p_detail jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING
    MESSAGE = 'Cardea: ' || p_message,
    DETAIL = p_detail::text,
    ERRCODE = CASE WHEN p_detail->>'code' IN ('SCHEMA_CHANGED', 'SERIALIZATION_FAILURE') THEN '40001' ELSE 'CD001' END;
END $$;
`

/**
 * The commit lock: held from here until the transaction is visible to everyone, so that revisions are given in the
 * order of commits. Every statement after it sees everything that was committed before, because READ COMMITTED takes a
 * snapshot per statement: hence no other isolation level. Who holds the lock never waits for anybody but the disk.
 */
const lock = `
CREATE OR REPLACE FUNCTION cardea_lock() RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    PERFORM cardea_refuse('relationships are written under READ COMMITTED; begin the transaction with it.',
      '{"code": "INVALID_ARGUMENT"}');
  END IF;
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  PERFORM pg_advisory_xact_lock((1128354116::bigint << 32) | 'cardea_log'::regclass::oid::bigint);
END $$;
`

/**
 * Applies updates, arrays of [operation, resource type, id, relation, subject type, id, relation, caveat, context,
 * expiry], and logs what they changed. Gives how many changes that were. Names and objects that are new get the next
 * ids in the order of first use.
 *
 * Each lookup is a subquery of its own, with a LIMIT where it must stay one: as joins, with statistics of yesterday, the
 * planner may walk all ids of a type for each update. A ctid holds still while the commit lock is held.
 */
const apply = `
CREATE OR REPLACE FUNCTION cardea_apply(p_revision bigint, p_ordinal integer, p_now bigint, p_updates jsonb) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  v_count integer;
  v_last bigint;
  v_conflict bigint;
BEGIN
  INSERT INTO cardea_name (id, name)
  SELECT (SELECT max(id) FROM cardea_name) + row_number() OVER (ORDER BY n.first), n.name
  FROM (
    SELECT v.name, min(u.at * 8 + v.slot) AS first
    FROM jsonb_array_elements(p_updates) WITH ORDINALITY AS u (cells, at)
    CROSS JOIN LATERAL (VALUES (1, cells->>1), (2, cells->>3), (3, cells->>4), (4, cells->>6), (5, cells->>7)) AS v (slot, name)
    WHERE cells->>0 <> 'delete' AND v.name IS NOT NULL
    GROUP BY v.name
  ) AS n
  WHERE (SELECT id FROM cardea_name AS known WHERE known.name = n.name) IS NULL;
  IF FOUND THEN
    SELECT max(id) INTO v_last FROM cardea_name;
    IF v_last > 65535 THEN
      PERFORM cardea_refuse('a datastore holds at most 65535 names of types, relations and caveats.',
        '{"code": "LIMIT_EXCEEDED", "limit": "65535"}');
    END IF;
  END IF;

  SELECT coalesce(max(key), 0) INTO v_last FROM cardea_object;
  WITH fresh AS (
    SELECT name.id AS type, o.id, row_number() OVER (ORDER BY o.first) AS n
    FROM (
      SELECT v.type, v.id, min(u.at * 2 + v.slot) AS first
      FROM jsonb_array_elements(p_updates) WITH ORDINALITY AS u (cells, at)
      CROSS JOIN LATERAL (VALUES (0, cells->>1, cells->>2), (1, cells->>4, cells->>5)) AS v (slot, type, id)
      WHERE cells->>0 <> 'delete'
      GROUP BY v.type, v.id
    ) AS o
    CROSS JOIN LATERAL (SELECT id FROM cardea_name WHERE cardea_name.name = o.type LIMIT 1) AS name
    WHERE (SELECT key FROM cardea_object AS known WHERE known.type = name.id AND known.id = o.id) IS NULL
  )
  INSERT INTO cardea_object (key, type, id) SELECT v_last + n, type, id FROM fresh;

  WITH wanted AS MATERIALIZED (
    SELECT u.at, cells->>0 AS operation, ro.key AS resource, relation.id AS relation, so.key AS subject,
      subject_relation.id AS subject_relation, cells->>8 AS context, (cells->>9)::bigint AS expires_at,
      (SELECT id FROM cardea_name WHERE name = cells->>7) AS caveat
    FROM jsonb_array_elements(p_updates) WITH ORDINALITY AS u (cells, at)
    CROSS JOIN LATERAL (SELECT id FROM cardea_name WHERE name = cells->>1 LIMIT 1) AS resource_type
    CROSS JOIN LATERAL (SELECT id FROM cardea_name WHERE name = cells->>3 LIMIT 1) AS relation
    CROSS JOIN LATERAL (SELECT id FROM cardea_name WHERE name = cells->>4 LIMIT 1) AS subject_type
    CROSS JOIN LATERAL (SELECT id FROM cardea_name WHERE name = cells->>6 LIMIT 1) AS subject_relation
    CROSS JOIN LATERAL (
      SELECT key FROM cardea_object WHERE type = resource_type.id AND id = cells->>2 LIMIT 1) AS ro
    CROSS JOIN LATERAL (
      SELECT key FROM cardea_object WHERE type = subject_type.id AND id = cells->>5 LIMIT 1) AS so
  ), met AS MATERIALIZED (
    SELECT w.*, r.place, r.place IS NOT NULL AS existed,
      r.place IS NOT NULL AND (r.expires_at IS NULL OR r.expires_at > p_now) AS live,
      r.caveat AS was_caveat, r.context AS was_context, r.expires_at AS was_expires_at
    FROM wanted AS w
    LEFT JOIN LATERAL (
      SELECT ctid AS place, caveat, context, expires_at FROM cardea_relationship AS r
      WHERE r.resource = w.resource AND r.relation = w.relation AND r.subject = w.subject
        AND r.subject_relation = w.subject_relation LIMIT 1) AS r ON true
  ), effective AS MATERIALIZED (
    SELECT *, row_number() OVER (ORDER BY at) AS n FROM met
    WHERE CASE
      WHEN operation = 'delete' THEN existed
      ELSE NOT live OR (caveat, context, expires_at) IS DISTINCT FROM (was_caveat, was_context, was_expires_at)
    END
  ), gone AS (
    DELETE FROM cardea_relationship
    WHERE ctid = ANY (ARRAY(SELECT place FROM effective WHERE operation = 'delete'))
  ), put AS (
    INSERT INTO cardea_relationship (resource, relation, subject, subject_relation, caveat, context, expires_at)
    SELECT resource, relation, subject, subject_relation, caveat, context, expires_at
    FROM effective WHERE operation <> 'delete'
    ON CONFLICT (resource, relation, subject, subject_relation)
    DO UPDATE SET caveat = excluded.caveat, context = excluded.context, expires_at = excluded.expires_at
  ), logged AS (
    INSERT INTO cardea_change (revision, ordinal, operation, resource, relation, subject, subject_relation, existed,
      caveat, context, expires_at, previous_caveat, previous_context, previous_expires_at)
    SELECT p_revision, p_ordinal + n, CASE operation WHEN 'delete' THEN 2 ELSE 1 END,
      resource, relation, subject, subject_relation, existed,
      CASE WHEN operation <> 'delete' THEN caveat END, CASE WHEN operation <> 'delete' THEN context END,
      CASE WHEN operation <> 'delete' THEN expires_at END, was_caveat, was_context, was_expires_at
    FROM effective
  )
  SELECT (SELECT count(*) FROM effective), (SELECT min(at) FROM met WHERE operation = 'create' AND live)
  INTO v_count, v_conflict;
  IF v_conflict IS NOT NULL THEN
    PERFORM cardea_refuse('the relationship exists already; use touch to write it either way.',
      jsonb_build_object('code', 'RELATIONSHIP_EXISTS', 'update', p_updates->(v_conflict - 1)::integer));
  END IF;
  RETURN v_count;
END $$;
`

const remove = `
CREATE OR REPLACE FUNCTION cardea_delete(p_revision bigint, p_now bigint, p_delete jsonb) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  v_limit bigint := (p_delete->>'limit')::bigint;
  v_partial boolean := (p_delete->>'allowPartial')::boolean;
  v_max bigint := (p_delete->>'maxChanges')::bigint;
  v_found bigint := v_max + 1;
  v_count bigint;
BEGIN
  IF v_limit > 0 THEN v_found := least(v_found, CASE WHEN v_partial THEN v_limit ELSE v_limit + 1 END); END IF;
  WITH doomed AS MATERIALIZED (
    SELECT *, row_number() OVER () AS n FROM cardea_find(p_delete->'filter', p_now, v_found, '{}')
  ), gone AS (
    DELETE FROM cardea_relationship WHERE ctid = ANY (ARRAY(
      SELECT (SELECT r.ctid FROM cardea_relationship AS r WHERE r.resource = d.resource AND r.relation = d.relation
        AND r.subject = d.subject AND r.subject_relation = d.subject_relation)
      FROM doomed AS d))
  ), logged AS (
    INSERT INTO cardea_change (revision, ordinal, operation, resource, relation, subject, subject_relation, existed,
      previous_caveat, previous_context, previous_expires_at)
    SELECT p_revision, n, 2, resource, relation, subject, subject_relation, true, caveat, context, expires_at
    FROM doomed
  )
  SELECT count(*) INTO v_count FROM doomed;
  IF v_limit > 0 AND v_count > v_limit THEN
    PERFORM cardea_refuse('more relationships match than may be deleted at once.',
      '{"code": "TOO_MANY_RELATIONSHIPS_FOR_TRANSACTIONAL_DELETE"}');
  END IF;
  IF v_count > v_max THEN
    PERFORM cardea_refuse('more relationships match than one transaction may change.',
      '{"code": "LIMIT_EXCEEDED", "setting": "maxChangesPerTransaction"}');
  END IF;
  RETURN v_count;
END $$;
`

/**
 * One transaction, under the commit lock: judges its conditions, applies what it asks for, stamps it. Gives its head
 * (the present one when it changed nothing) and how many rows changed.
 */
const transaction = `
CREATE OR REPLACE FUNCTION cardea_transaction(p_write jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_head cardea_log;
  v_now bigint := coalesce((p_write->>'nowMs')::bigint, cardea_now());
  v_schema bigint;
  v_count integer := 0;
  v_condition jsonb;
  v_at bigint;
  v_found boolean;
  v_part record;
  v_random text := replace(gen_random_uuid()::text, '-', '');
  v_min_writer integer;
  v_digest bigint;
BEGIN
  SELECT * INTO v_head FROM cardea_log ORDER BY revision DESC LIMIT 1;
  IF NOT FOUND THEN v_head := ROW(0, '', 0, 0, 0, NULL, 0)::cardea_log; END IF;
  -- Programs that do not say their version are of the first one.
  SELECT value::integer INTO v_min_writer FROM cardea_meta WHERE key = 'min_writer';
  IF coalesce((p_write->>'program')::integer, 1) < v_min_writer THEN
    PERFORM cardea_refuse('the tables were migrated and are written by newer programs only; update this one.',
      jsonb_build_object('code', 'READ_ONLY', 'minWriter', v_min_writer));
  END IF;
  IF (p_write->>'schemaRevision')::bigint <> v_head.schema_revision THEN
    PERFORM cardea_refuse('the schema has changed since the write was validated; validate again and retry.',
      jsonb_build_object('code', 'SCHEMA_CHANGED', 'inForce', v_head.schema_revision,
        'validated', p_write->'schemaRevision'));
  END IF;
  IF (p_write->>'baseRevision')::bigint <> v_head.revision THEN
    PERFORM cardea_refuse('the head has moved since the revision that the write depends on; read again and retry.',
      jsonb_build_object('code', 'SERIALIZATION_FAILURE', 'head', v_head.revision, 'base', p_write->'baseRevision'));
  END IF;
  FOR v_condition, v_at IN SELECT * FROM jsonb_array_elements(p_write->'preconditions') WITH ORDINALITY LOOP
    SELECT EXISTS (SELECT FROM cardea_find(v_condition->'filter', v_now, 1, '{}')) INTO v_found;
    IF v_found <> (v_condition->>'operation' = 'must_match') THEN
      PERFORM cardea_refuse('a precondition does not hold: ' || v_condition::text,
        jsonb_build_object('code', 'PRECONDITION_FAILED', 'at', v_at - 1, 'precondition', v_condition));
    END IF;
  END LOOP;

  v_schema := v_head.schema_revision;
  IF p_write ? 'updates' THEN
    v_count := cardea_apply(v_head.revision + 1, 0, v_now, p_write->'updates');
  ELSIF p_write ? 'copied' THEN
    v_count := cardea_import(v_head.revision + 1, v_now);
  ELSIF p_write ? 'import' THEN
    -- As programs of version 1 import.
    FOR v_part IN SELECT updates FROM cardea_part WHERE import = (p_write->>'import')::uuid ORDER BY ordinal LOOP
      v_count := v_count + cardea_apply(v_head.revision + 1, v_count, v_now, v_part.updates);
    END LOOP;
    DELETE FROM cardea_part WHERE import = (p_write->>'import')::uuid;
  ELSIF p_write ? 'delete' THEN
    v_count := cardea_delete(v_head.revision + 1, v_now, p_write->'delete');
  ELSIF p_write ? 'schemaText' THEN
    PERFORM cardea_guard(v_now, p_write->'guards');
    v_schema := v_head.revision + 1;
    INSERT INTO cardea_schema (revision, text) VALUES (v_schema, p_write->>'schemaText');
  END IF;

  IF v_count > 0 OR p_write ? 'schemaText' THEN
    -- Never negative: % keeps the sign of what is divided.
    v_digest := ((v_head.digest + cardea_digest_of_changes(v_head.revision + 1)) % ${digestModulus} + ${digestModulus}) % ${digestModulus};
    INSERT INTO cardea_log (revision, nonce, committed_at, schema_revision, change_count, metadata, digest)
    VALUES (v_head.revision + 1, left(v_random, 8) || right(v_random, 8),
      coalesce((p_write->>'committedAtMs')::bigint, cardea_now()), v_schema, v_count, p_write->>'metadata', v_digest)
    RETURNING * INTO v_head;
    -- Hurries the followers. A transaction that notifies cannot be prepared: PREPARE TRANSACTION, which would keep the
    -- commit lock for as long as it pleases, is thereby refused.
    PERFORM pg_notify('cardea', v_head.revision::text);
  END IF;
  RETURN jsonb_build_object('count', v_count, 'head', jsonb_build_object('revision', v_head.revision,
    'nonce', v_head.nonce, 'committedAtMs', v_head.committed_at, 'schemaRevision', v_head.schema_revision));
END $$;

CREATE OR REPLACE FUNCTION cardea_now() RETURNS bigint
LANGUAGE sql AS $$ SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;
`

/** Several transactions in one durable commit: each has its own revision, a refused one undoes only itself. */
const write = `
CREATE OR REPLACE FUNCTION cardea_write(p_writes jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_results jsonb[] := '{}';
  v_write jsonb;
  v_detail text;
BEGIN
  PERFORM cardea_lock();
  FOR v_write IN SELECT * FROM jsonb_array_elements(p_writes) LOOP
    BEGIN
      v_results := v_results || cardea_transaction(v_write);
    EXCEPTION WHEN SQLSTATE 'CD001' OR serialization_failure THEN
      GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
      IF v_detail NOT LIKE '{"%' THEN RAISE; END IF;
      v_results := v_results || jsonb_build_object('refused', v_detail::jsonb);
    END;
  END LOOP;
  RETURN to_jsonb(v_results);
END $$;
`

/**
 * Writes of an application's own transaction wait here, unseen and in nobody's way, and are applied at its COMMIT. So
 * a transaction that idles holds nothing that another writer needs.
 */
const pending = `
CREATE OR REPLACE FUNCTION cardea_commit_pending() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM cardea_lock();
  PERFORM set_config('cardea.written', cardea_transaction(NEW.write)::text, true);
  DELETE FROM cardea_pending WHERE id = NEW.id;
  RETURN NULL;
END $$;

-- Replacing it would wait for every transaction that has a write pending.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'cardea_pending'::regclass AND tgname = 'cardea_commit') THEN
    CREATE CONSTRAINT TRIGGER cardea_commit AFTER INSERT ON cardea_pending
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cardea_commit_pending();
  END IF;
END $$;
`

/** Doors of the functions: called directly, so each carries the settings that the ones below rely on. */
const doors = [
  'cardea_write(jsonb)',
  'cardea_commit_pending()',
  'cardea_forget(bigint)',
  'cardea_sweep(integer)',
  'cardea_remove_expired(bigint, integer)',
  'cardea_reseal()',
]

/**
 * Names resolve in the datastore's own schema, whatever the caller's search_path. Plans go by index: they are made when
 * tables may still be small and kept while these grow, where a hash over a whole table would be the end of small writes.
 */
function settingsOf(door: string, schema: string): string {
  const settings = [
    `search_path = ${schema}, pg_temp`,
    'enable_seqscan = off',
    'enable_hashjoin = off',
    'enable_mergejoin = off',
    // Joins go from the updates to the tables, as they are written.
    'join_collapse_limit = 1',
    'jit = off',
  ]
  return settings.map((setting) => `ALTER FUNCTION ${door} SET ${setting};`).join('\n')
}

/** An import works on everything at once: there, hashes over whole tables are what is wanted. */
const importSettings = [
  'enable_seqscan = on',
  'enable_hashjoin = on',
  'enable_mergejoin = on',
  'join_collapse_limit = 12',
  `work_mem = '64MB'`,
]

/** The statements that make the functions, or replace those of another version; `schema` is a quoted identifier. */
export function createFunctions(schema: string): string {
  const bodies = [
    refuse,
    lock,
    find,
    apply,
    remove,
    guard,
    digest,
    importCopied,
    transaction,
    write,
    pending,
    garbage,
  ]
  return [
    ...bodies,
    ...doors.map((door) => settingsOf(door, schema)),
    ...['cardea_import(bigint, bigint)', 'cardea_reseal()'].map((whole) =>
      importSettings.map((setting) => `ALTER FUNCTION ${whole} SET ${setting};`).join('\n'),
    ),
  ].join('\n')
}
