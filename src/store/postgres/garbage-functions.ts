// The SQL functions that forget: old entries of the log, and rows that have long expired.

/** Garbage in small steps under the commit lock, so that no write is between a row and its change. */
export const garbage = `
CREATE OR REPLACE FUNCTION cardea_forget(p_before bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_oldest bigint;
  v_old record;
BEGIN
  PERFORM cardea_lock();
  SELECT value::bigint INTO v_oldest FROM cardea_meta WHERE key = 'oldest_revision';
  SELECT revision, nonce INTO v_old FROM cardea_log
  WHERE committed_at < p_before AND revision > v_oldest AND revision < (SELECT max(revision) FROM cardea_log)
  ORDER BY revision DESC LIMIT 1;
  IF NOT FOUND THEN RETURN 0; END IF;
  UPDATE cardea_meta SET value = v_old.revision::text WHERE key = 'oldest_revision';
  UPDATE cardea_meta SET value = v_old.nonce WHERE key = 'oldest_nonce';
  RETURN (SELECT count(*) FROM cardea_log WHERE revision > v_oldest AND revision <= v_old.revision);
END $$;

CREATE OR REPLACE FUNCTION cardea_sweep(p_limit integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_oldest bigint;
  v_count bigint;
BEGIN
  SELECT value::bigint INTO v_oldest FROM cardea_meta WHERE key = 'oldest_revision';
  DELETE FROM cardea_change WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM cardea_change WHERE revision <= v_oldest ORDER BY revision, ordinal LIMIT p_limit));
  GET DIAGNOSTICS v_count = ROW_COUNT;
  IF v_count > 0 THEN RETURN v_count; END IF;
  DELETE FROM cardea_log WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM cardea_log WHERE revision <= v_oldest ORDER BY revision LIMIT p_limit));
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

CREATE OR REPLACE FUNCTION cardea_remove_expired(p_before bigint, p_limit integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  PERFORM cardea_lock();
  DELETE FROM cardea_relationship WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM cardea_relationship WHERE expires_at < p_before LIMIT p_limit));
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;
`
