// The SQL functions that look rows up: those that match a filter, and those that stand against a schema.

/** Live rows that match a filter; `p_more` may hold `caveat` (null: none) and `expiration`, as a schema guard does. */
export const find = `
CREATE OR REPLACE FUNCTION cardea_find(p_filter jsonb, p_now bigint, p_limit bigint, p_more jsonb)
RETURNS SETOF cardea_relationship
LANGUAGE plpgsql AS $$
DECLARE
  v_subject jsonb := p_filter->'subject';
  v_where text := '(r.expires_at IS NULL OR r.expires_at > $1)';
  v_resource_type integer;
  v_relation integer;
  v_subject_type integer;
  v_subject_relation integer;
  v_caveat integer;
BEGIN
  IF p_filter->>'resourceType' IS NOT NULL THEN
    SELECT id INTO v_resource_type FROM cardea_name WHERE name = p_filter->>'resourceType';
    IF NOT FOUND THEN RETURN; END IF;
    v_where := v_where || ' AND ro.type = $3';
  END IF;
  IF p_filter->>'resourceId' IS NOT NULL THEN v_where := v_where || ' AND ro.id = $4'; END IF;
  -- Ids are ASCII without DEL: all that begin with a prefix lie between it and itself with DEL.
  IF p_filter->>'resourceIdPrefix' <> '' THEN v_where := v_where || ' AND ro.id >= $5 AND ro.id < $5 || chr(127)'; END IF;
  IF p_filter->>'relation' IS NOT NULL THEN
    SELECT id INTO v_relation FROM cardea_name WHERE name = p_filter->>'relation';
    IF NOT FOUND THEN RETURN; END IF;
    v_where := v_where || ' AND r.relation = $6';
  END IF;
  IF v_subject->>'type' IS NOT NULL THEN
    SELECT id INTO v_subject_type FROM cardea_name WHERE name = v_subject->>'type';
    IF NOT FOUND THEN RETURN; END IF;
    v_where := v_where || ' AND so.type = $7';
  END IF;
  IF v_subject->>'id' IS NOT NULL THEN v_where := v_where || ' AND so.id = $8'; END IF;
  IF v_subject->>'relation' IS NOT NULL THEN
    SELECT id INTO v_subject_relation FROM cardea_name WHERE name = v_subject->>'relation';
    IF NOT FOUND THEN RETURN; END IF;
    v_where := v_where || ' AND r.subject_relation = $9';
  END IF;
  IF p_more ? 'caveat' THEN
    IF p_more->>'caveat' IS NULL THEN v_where := v_where || ' AND r.caveat IS NULL';
    ELSE
      SELECT id INTO v_caveat FROM cardea_name WHERE name = p_more->>'caveat';
      IF NOT FOUND THEN RETURN; END IF;
      v_where := v_where || ' AND r.caveat = $10';
    END IF;
  END IF;
  IF p_more ? 'expiration' THEN
    v_where := v_where || CASE WHEN (p_more->>'expiration')::boolean
      THEN ' AND r.expires_at IS NOT NULL' ELSE ' AND r.expires_at IS NULL' END;
  END IF;
  RETURN QUERY EXECUTE
    -- No JOIN: the planner begins on the side that the filter names most closely.
    'SELECT r.* FROM cardea_relationship AS r, cardea_object AS ro, cardea_object AS so
     WHERE ro.key = r.resource AND so.key = r.subject AND ' || v_where || ' LIMIT $2'
    USING p_now, p_limit, v_resource_type, p_filter->>'resourceId', p_filter->>'resourceIdPrefix', v_relation,
      v_subject_type, v_subject->>'id', v_subject_relation, v_caveat;
END $$;
`

/** Refuses when a guard of a schema write finds a live row. */
export const guard = `
CREATE OR REPLACE FUNCTION cardea_guard(p_now bigint, p_guards jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_guard jsonb;
  v_at bigint;
  v_row jsonb;
BEGIN
  FOR v_guard, v_at IN SELECT * FROM jsonb_array_elements(p_guards) WITH ORDINALITY LOOP
    SELECT jsonb_build_array('touch', rt.name, ro.id, relation.name, st.name, so.id, sr.name, caveat.name, r.context, r.expires_at)
    INTO v_row
    FROM cardea_find(v_guard->'filter', p_now, 1, v_guard) AS r
    JOIN cardea_object AS ro ON ro.key = r.resource JOIN cardea_name AS rt ON rt.id = ro.type
    JOIN cardea_object AS so ON so.key = r.subject JOIN cardea_name AS st ON st.id = so.type
    JOIN cardea_name AS relation ON relation.id = r.relation
    JOIN cardea_name AS sr ON sr.id = r.subject_relation
    LEFT JOIN cardea_name AS caveat ON caveat.id = r.caveat;
    IF FOUND THEN
      PERFORM cardea_refuse('a relationship stands against the schema.',
        jsonb_build_object('code', 'SCHEMA_BLOCKED_BY_DATA', 'at', v_at - 1, 'row', v_row));
    END IF;
  END LOOP;
END $$;
`
