// The SQL function that imports: a transaction's own table of copied rows becomes relationships, names, objects and
// changes, each by one statement over all of them.

/** Names of the columns that are copied, in order. */
export const copiedColumns =
  'at, resource_type, resource_id, relation, subject_type, subject_id, subject_relation, caveat, context, expires_at'

/** Gone with the transaction. `at` counts the rows. */
export const makeCopied = `CREATE TEMPORARY TABLE cardea_copied (
  at bigint NOT NULL,
  resource_type text COLLATE "C" NOT NULL, resource_id text COLLATE "C" NOT NULL, relation text COLLATE "C" NOT NULL,
  subject_type text COLLATE "C" NOT NULL, subject_id text COLLATE "C" NOT NULL,
  subject_relation text COLLATE "C" NOT NULL,
  caveat text COLLATE "C", context text COLLATE "C", expires_at bigint
) ON COMMIT DROP`

/** As cardea_apply does for some updates, all of them creates. */
export const importCopied = `
CREATE OR REPLACE FUNCTION cardea_import(p_revision bigint, p_now bigint) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  v_count integer;
  v_last bigint;
  v_conflict bigint;
BEGIN
  INSERT INTO cardea_name (id, name)
  SELECT (SELECT max(id) FROM cardea_name) + row_number() OVER (ORDER BY n.first), n.name
  FROM (
    SELECT name, min(first) AS first FROM (
      SELECT resource_type AS name, min(at) * 8 + 1 AS first FROM cardea_copied GROUP BY 1
      UNION ALL SELECT relation, min(at) * 8 + 2 FROM cardea_copied GROUP BY 1
      UNION ALL SELECT subject_type, min(at) * 8 + 3 FROM cardea_copied GROUP BY 1
      UNION ALL SELECT subject_relation, min(at) * 8 + 4 FROM cardea_copied GROUP BY 1
      UNION ALL SELECT caveat, min(at) * 8 + 5 FROM cardea_copied WHERE caveat IS NOT NULL GROUP BY 1
    ) AS used GROUP BY name
  ) AS n
  WHERE NOT EXISTS (SELECT FROM cardea_name AS known WHERE known.name = n.name);
  SELECT max(id) INTO v_last FROM cardea_name;
  IF v_last > 65535 THEN
    PERFORM cardea_refuse('a datastore holds at most 65535 names of types, relations and caveats.',
      '{"code": "LIMIT_EXCEEDED", "limit": "65535"}');
  END IF;

  SELECT coalesce(max(key), 0) INTO v_last FROM cardea_object;
  INSERT INTO cardea_object (key, type, id)
  SELECT v_last + row_number() OVER (ORDER BY o.first), o.type, o.id
  FROM (
    SELECT name.id AS type, used.id, min(used.first) AS first
    FROM (
      SELECT resource_type AS type, resource_id AS id, at * 2 AS first FROM cardea_copied
      UNION ALL SELECT subject_type, subject_id, at * 2 + 1 FROM cardea_copied
    ) AS used JOIN cardea_name AS name ON name.name = used.type
    GROUP BY name.id, used.id
  ) AS o
  WHERE NOT EXISTS (SELECT FROM cardea_object AS known WHERE known.type = o.type AND known.id = o.id);

  WITH wanted AS (
    SELECT c.at, ro.key AS resource, relation.id AS relation, so.key AS subject,
      subject_relation.id AS subject_relation, caveat.id AS caveat, c.context, c.expires_at
    FROM cardea_copied AS c
    JOIN cardea_name AS resource_type ON resource_type.name = c.resource_type
    JOIN cardea_name AS relation ON relation.name = c.relation
    JOIN cardea_name AS subject_type ON subject_type.name = c.subject_type
    JOIN cardea_name AS subject_relation ON subject_relation.name = c.subject_relation
    LEFT JOIN cardea_name AS caveat ON caveat.name = c.caveat
    JOIN cardea_object AS ro ON ro.type = resource_type.id AND ro.id = c.resource_id
    JOIN cardea_object AS so ON so.type = subject_type.id AND so.id = c.subject_id
  ), met AS MATERIALIZED (
    SELECT w.*, r.resource IS NOT NULL AS existed,
      r.resource IS NOT NULL AND (r.expires_at IS NULL OR r.expires_at > p_now) AS live,
      lag(w.at) OVER (PARTITION BY w.resource, w.relation, w.subject, w.subject_relation ORDER BY w.at) IS NOT NULL
        AS again,
      r.caveat AS was_caveat, r.context AS was_context, r.expires_at AS was_expires_at
    FROM wanted AS w
    LEFT JOIN cardea_relationship AS r ON r.resource = w.resource AND r.relation = w.relation
      AND r.subject = w.subject AND r.subject_relation = w.subject_relation
  ), put AS (
    INSERT INTO cardea_relationship (resource, relation, subject, subject_relation, caveat, context, expires_at)
    SELECT resource, relation, subject, subject_relation, caveat, context, expires_at FROM met WHERE NOT again
    ON CONFLICT (resource, relation, subject, subject_relation)
    DO UPDATE SET caveat = excluded.caveat, context = excluded.context, expires_at = excluded.expires_at
  ), logged AS (
    INSERT INTO cardea_change (revision, ordinal, operation, resource, relation, subject, subject_relation, existed,
      caveat, context, expires_at, previous_caveat, previous_context, previous_expires_at)
    SELECT p_revision, at, 1, resource, relation, subject, subject_relation, existed,
      caveat, context, expires_at, was_caveat, was_context, was_expires_at
    FROM met ORDER BY at
  )
  SELECT count(*), min(at) FILTER (WHERE live OR again) INTO v_count, v_conflict FROM met;
  IF v_conflict IS NOT NULL THEN
    PERFORM cardea_refuse('the relationship exists already; use touch to write it either way.',
      (SELECT jsonb_build_object('code', 'RELATIONSHIP_EXISTS', 'update', jsonb_build_array('create', resource_type,
        resource_id, relation, subject_type, subject_id, subject_relation, caveat, context, expires_at))
       FROM cardea_copied WHERE at = v_conflict));
  END IF;
  RETURN v_count;
END $$;
`
