// The SQL functions of the rolling digest: the same sums as store/digest.ts, beside the rows they are of.

import { digestModulus, digestTextFactor, digestWeights } from '../digest.ts'

const [ofResource, ofRelation, ofSubject, ofSubjectRelation, ofCaveat, ofContext] = digestWeights

/** The digests of some rows; the names that they mean by id are looked up. */
const sumOf = (rows: string) => `
  SELECT sum((x * x % ${digestModulus} * x % ${digestModulus} + x) % ${digestModulus} * r.sign) AS digest
  FROM (${rows}) AS r,
  LATERAL (SELECT (r.resource * ${ofResource}::bigint
    + (SELECT hash FROM cardea_name WHERE id = r.relation) * ${ofRelation}
    + r.subject * ${ofSubject}::bigint
    + (SELECT hash FROM cardea_name WHERE id = r.subject_relation) * ${ofSubjectRelation}
    + CASE WHEN r.caveat IS NULL THEN 0 ELSE (SELECT hash FROM cardea_name WHERE id = r.caveat) * ${ofCaveat}
        + cardea_hash(coalesce(r.context, '')) * ${ofContext} END) % ${digestModulus} AS x) AS mixed`

/** Of a text's UTF-8. A column of the names is made with it. */
export const hash = `
CREATE OR REPLACE FUNCTION cardea_hash(p_text text) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  v_bytes bytea := convert_to(p_text, 'UTF8');
  v_hash bigint := 0;
BEGIN
  FOR v_at IN 0 .. length(v_bytes) - 1 LOOP
    v_hash := (v_hash * ${digestTextFactor} + get_byte(v_bytes, v_at) + 1) % ${digestModulus};
  END LOOP;
  RETURN v_hash;
END $$;
`

export const digest = `
CREATE OR REPLACE FUNCTION cardea_digest_of_changes(p_revision bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT coalesce(sum(digest), 0) FROM (${sumOf(`
    SELECT 1 AS sign, resource, relation, subject, subject_relation, caveat, context
    FROM cardea_change WHERE revision = p_revision AND operation = 1 AND expires_at IS NULL
    UNION ALL
    SELECT -1, resource, relation, subject, subject_relation, previous_caveat, previous_context
    FROM cardea_change WHERE revision = p_revision AND existed AND previous_expires_at IS NULL`)}) AS changes);
END $$;

-- For whoever has changed the tables by hand: the log says from now on what they hold, and every reader loads again.
CREATE OR REPLACE FUNCTION cardea_reseal() RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_head cardea_log;
  v_random text := replace(gen_random_uuid()::text, '-', '');
BEGIN
  PERFORM cardea_lock();
  SELECT * INTO v_head FROM cardea_log ORDER BY revision DESC LIMIT 1;
  v_head.digest := (SELECT coalesce(sum(digest), 0) % ${digestModulus} FROM (${sumOf(`
    SELECT 1 AS sign, resource, relation, subject, subject_relation, caveat, context
    FROM cardea_relationship WHERE expires_at IS NULL`)}) AS rows);
  INSERT INTO cardea_log (revision, nonce, committed_at, schema_revision, change_count, digest)
  VALUES (coalesce(v_head.revision, 0) + 1, left(v_random, 8) || right(v_random, 8), cardea_now(),
    coalesce(v_head.schema_revision, 0), 0, v_head.digest);
  PERFORM pg_notify('cardea', (coalesce(v_head.revision, 0) + 1)::text);
  RETURN v_head.digest;
END $$;
`
