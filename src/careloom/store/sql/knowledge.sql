-- knowledge_words: a passage as full text search reads it; its heading counts more.
CREATE OR REPLACE FUNCTION knowledge_words(p_language text, p_heading text, p_body text) RETURNS tsvector LANGUAGE sql AS $$
  SELECT setweight(to_tsvector(p_language::regconfig, p_heading), 'A') || to_tsvector(p_language::regconfig, p_body)
$$;

-- knowledge_collection_put: make a collection, or change it. Another language or model makes its words anew, or
-- takes its embeddings away. What is NULL stays.
CREATE OR REPLACE FUNCTION knowledge_collection_put(p_tenant text, p_store text, p_collection text, p_description text,
                                                    p_language text, p_model text, p_actor jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE v_known knowledge_collection; v knowledge_collection;
BEGIN
  PERFORM enter(p_tenant);
  SELECT * INTO v_known FROM knowledge_collection
    WHERE tenant = p_tenant AND store = p_store AND collection = p_collection FOR UPDATE;
  INSERT INTO knowledge_collection AS c (tenant, store, collection, description, language, model)
    VALUES (p_tenant, p_store, p_collection, coalesce(p_description, ''), coalesce(p_language, 'english'), nullif(p_model, ''))
    ON CONFLICT (tenant, store, collection) DO UPDATE SET description = coalesce(p_description, c.description),
      language = coalesce(p_language, c.language),
      model = CASE WHEN p_model IS NULL THEN c.model ELSE nullif(p_model, '') END, updated_at = clock_timestamp()
    RETURNING * INTO v;
  IF v.language <> v_known.language THEN
    UPDATE knowledge_passage SET words = knowledge_words(v.language, heading, body)
      WHERE tenant = p_tenant AND store = p_store AND collection = p_collection;
  END IF;
  IF v.model IS DISTINCT FROM v_known.model THEN
    UPDATE knowledge_passage SET embedded_by = NULL, embedding = NULL
      WHERE tenant = p_tenant AND store = p_store AND collection = p_collection AND embedded_by IS NOT NULL;
  END IF;
  PERFORM audit_record(p_tenant, p_store, 'knowledge.collection', 'Knowledge/' || p_collection, p_actor,
                       jsonb_build_object('language', v.language, 'model', v.model));
  RETURN to_jsonb(v) - 'tenant' - 'store';
END $$;

-- knowledge_collections: collections with what they hold; all when p_only is NULL. p_keys: collection to the name of
-- its model's embeddings as it is configured now.
CREATE OR REPLACE FUNCTION knowledge_collections(p_tenant text, p_store text, p_only text[], p_keys jsonb)
RETURNS TABLE (collection text, description text, language text, model text, updated_at timestamptz, documents bigint,
               passages bigint, embedded bigint) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT c.collection, c.description, c.language, c.model, c.updated_at,
      (SELECT count(*) FROM knowledge_document d
        WHERE d.tenant = p_tenant AND d.store = p_store AND d.collection = c.collection),
      s.passages, s.embedded
    FROM knowledge_collection c CROSS JOIN LATERAL (
      SELECT count(*) AS passages, count(*) FILTER (WHERE p.embedded_by = p_keys->>c.collection) AS embedded
        FROM knowledge_passage p WHERE p.tenant = p_tenant AND p.store = p_store AND p.collection = c.collection) s
    WHERE c.tenant = p_tenant AND c.store = p_store AND (p_only IS NULL OR c.collection = ANY (p_only))
    ORDER BY c.collection;
END $$;

-- knowledge_collection_delete: the collection with all it holds; false when there was none.
CREATE OR REPLACE FUNCTION knowledge_collection_delete(p_tenant text, p_store text, p_collection text, p_actor jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  DELETE FROM knowledge_collection WHERE tenant = p_tenant AND store = p_store AND collection = p_collection;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM knowledge_document WHERE tenant = p_tenant AND store = p_store AND collection = p_collection;
  DELETE FROM knowledge_version WHERE tenant = p_tenant AND store = p_store AND collection = p_collection;
  DELETE FROM knowledge_passage WHERE tenant = p_tenant AND store = p_store AND collection = p_collection;
  PERFORM audit_record(p_tenant, p_store, 'knowledge.delete', 'Knowledge/' || p_collection, p_actor, '{}');
  RETURN true;
END $$;

-- knowledge_put: keep a document's text and passages as a new version; the same again is none. More passages in the
-- store than p_most is CL006. The newest p_kept versions are kept, earlier ones are forgotten. Returns {version, created, changed}.
CREATE OR REPLACE FUNCTION knowledge_put(p_tenant text, p_store text, p_collection text, p_document text, p_about jsonb,
                                         p_body text, p_passages jsonb, p_most int, p_kept int, p_actor jsonb)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE v_known knowledge_document; v_language text; v_version int; v_gone int;
BEGIN
  PERFORM enter(p_tenant);
  PERFORM pg_advisory_xact_lock(hashtextextended('knowledge/' || p_tenant || '/' || p_store, 0));
  SELECT * INTO v_known FROM knowledge_document
    WHERE tenant = p_tenant AND store = p_store AND collection = p_collection AND document_id = p_document;
  IF v_known.sha256 = p_about->>'sha256' AND v_known.title = p_about->>'title'
     AND v_known.content_type = p_about->>'contentType' THEN
    RETURN jsonb_build_object('version', v_known.version, 'created', false, 'changed', false);
  END IF;
  IF jsonb_array_length(p_passages) - coalesce(v_known.passages, 0) + (SELECT coalesce(sum(d.passages), 0)
      FROM knowledge_document d WHERE d.tenant = p_tenant AND d.store = p_store) > p_most THEN
    PERFORM refuse('CL006', jsonb_build_object('message', 'The knowledge of a store has at most ' || p_most || ' passages',
      'code', 'knowledge_full', 'fix', 'delete documents that nobody needs'));
  END IF;
  INSERT INTO knowledge_collection (tenant, store, collection) VALUES (p_tenant, p_store, p_collection)
    ON CONFLICT DO NOTHING;
  SELECT language INTO v_language FROM knowledge_collection
    WHERE tenant = p_tenant AND store = p_store AND collection = p_collection;
  v_version := coalesce(v_known.version, 0) + 1;
  INSERT INTO knowledge_document (tenant, store, collection, document_id, version, title, content_type, sha256, characters,
      passages)
    VALUES (p_tenant, p_store, p_collection, p_document, v_version, p_about->>'title', p_about->>'contentType',
      p_about->>'sha256', length(p_body), jsonb_array_length(p_passages))
    ON CONFLICT (tenant, store, collection, document_id) DO UPDATE SET version = excluded.version, title = excluded.title,
      content_type = excluded.content_type, sha256 = excluded.sha256, characters = excluded.characters,
      passages = excluded.passages, updated_at = clock_timestamp();
  INSERT INTO knowledge_version (tenant, store, collection, document_id, version, title, content_type, sha256, body, actor)
    VALUES (p_tenant, p_store, p_collection, p_document, v_version, p_about->>'title', p_about->>'contentType',
      p_about->>'sha256', p_body, p_actor);
  DELETE FROM knowledge_version WHERE tenant = p_tenant AND store = p_store AND collection = p_collection
    AND document_id = p_document AND version <= v_version - p_kept;
  GET DIAGNOSTICS v_gone = ROW_COUNT;
  DELETE FROM knowledge_passage
    WHERE tenant = p_tenant AND store = p_store AND collection = p_collection AND document_id = p_document;
  INSERT INTO knowledge_passage (tenant, store, collection, document_id, number, version, heading, page, starts, ends,
      sha256, body, words)
    SELECT p_tenant, p_store, p_collection, p_document, one.n, v_version, one.v->>'heading', (one.v->>'page')::int,
      (one.v->>'starts')::int, (one.v->>'ends')::int, one.v->>'sha256', one.v->>'body',
      knowledge_words(v_language, one.v->>'heading', one.v->>'body')
    FROM jsonb_array_elements(p_passages) WITH ORDINALITY AS one(v, n);
  PERFORM audit_record(p_tenant, p_store, 'knowledge.put', 'Knowledge/' || p_collection || '/' || p_document, p_actor,
                       jsonb_build_object('version', v_version, 'sha256', p_about->>'sha256')
                       || CASE WHEN v_gone > 0 THEN jsonb_build_object('forgottenUpTo', v_version - p_kept) ELSE '{}' END);
  RETURN jsonb_build_object('version', v_version, 'created', v_version = 1, 'changed', true);
END $$;

-- knowledge_documents: the documents of a collection with how many of their passages are embedded by p_key.
CREATE OR REPLACE FUNCTION knowledge_documents(p_tenant text, p_store text, p_collection text, p_document text, p_key text)
RETURNS TABLE (document_id text, version int, title text, content_type text, sha256 text, characters int, passages int,
               embedded bigint, updated_at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT d.document_id, d.version, d.title, d.content_type, d.sha256, d.characters, d.passages,
      (SELECT count(*) FROM knowledge_passage p WHERE p.tenant = p_tenant AND p.store = p_store
        AND p.collection = p_collection AND p.document_id = d.document_id AND p.embedded_by = p_key), d.updated_at
    FROM knowledge_document d WHERE d.tenant = p_tenant AND d.store = p_store AND d.collection = p_collection
      AND (p_document IS NULL OR d.document_id = p_document) ORDER BY d.document_id;
END $$;

-- knowledge_text_of: one version of a document's text; the newest when none is named.
CREATE OR REPLACE FUNCTION knowledge_text_of(p_tenant text, p_store text, p_collection text, p_document text, p_version int)
RETURNS TABLE (version int, title text, content_type text, sha256 text, body text, at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT v.version, v.title, v.content_type, v.sha256, v.body, v.at FROM knowledge_version v
    WHERE v.tenant = p_tenant AND v.store = p_store AND v.collection = p_collection AND v.document_id = p_document
      AND (p_version IS NULL OR v.version = p_version) ORDER BY v.version DESC LIMIT 1;
END $$;

-- knowledge_delete: a document with all its versions; false when there was none.
CREATE OR REPLACE FUNCTION knowledge_delete(p_tenant text, p_store text, p_collection text, p_document text, p_actor jsonb)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  DELETE FROM knowledge_document
    WHERE tenant = p_tenant AND store = p_store AND collection = p_collection AND document_id = p_document;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM knowledge_version
    WHERE tenant = p_tenant AND store = p_store AND collection = p_collection AND document_id = p_document;
  DELETE FROM knowledge_passage
    WHERE tenant = p_tenant AND store = p_store AND collection = p_collection AND document_id = p_document;
  PERFORM audit_record(p_tenant, p_store, 'knowledge.delete', 'Knowledge/' || p_collection || '/' || p_document, p_actor, '{}');
  RETURN true;
END $$;

-- knowledge_pending: passages that have no embedding by p_key, at most p_limit.
CREATE OR REPLACE FUNCTION knowledge_pending(p_tenant text, p_store text, p_collection text, p_key text, p_limit int)
RETURNS TABLE (document_id text, number int, sha256 text, heading text, body text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT p.document_id, p.number, p.sha256, p.heading, p.body FROM knowledge_passage p
    WHERE p.tenant = p_tenant AND p.store = p_store AND p.collection = p_collection
      AND p.embedded_by IS DISTINCT FROM p_key ORDER BY p.document_id, p.number LIMIT p_limit;
END $$;

-- knowledge_embed: keep embeddings of passages that are still what was embedded: {document, number, sha256, vector}. When
-- the model answers with another length than before, it is another model: what it made before is to be made anew.
CREATE OR REPLACE FUNCTION knowledge_embed(p_tenant text, p_store text, p_collection text, p_key text, p_rows jsonb)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE v_count int;
BEGIN
  PERFORM enter(p_tenant);
  UPDATE knowledge_passage p SET embedded_by = NULL, embedding = NULL
    WHERE p.tenant = p_tenant AND p.store = p_store AND p.collection = p_collection AND p.embedded_by = p_key
      AND cardinality(p.embedding) <> jsonb_array_length(p_rows->0->'vector');
  UPDATE knowledge_passage p SET embedded_by = p_key,
      embedding = ARRAY(SELECT x::float4 FROM jsonb_array_elements_text(one.v->'vector') AS x)
    FROM jsonb_array_elements(p_rows) AS one(v)
    WHERE p.tenant = p_tenant AND p.store = p_store AND p.collection = p_collection
      AND p.document_id = one.v->>'document' AND p.number = (one.v->>'number')::int AND p.sha256 = one.v->>'sha256';
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- knowledge_matches: passages with words of the question. Rare words count more than frequent ones, and words that stand
-- close together (ts_rank_cd) decide between passages with the same words.
CREATE OR REPLACE FUNCTION knowledge_matches(p_tenant text, p_store text, p_collections text[], p_question text, p_limit int)
RETURNS TABLE (collection text, document_id text, number int, rank float8) LANGUAGE plpgsql AS $$
DECLARE v_passages float8;
BEGIN
  PERFORM enter(p_tenant);
  SELECT count(*) INTO v_passages FROM knowledge_passage p
    WHERE p.tenant = p_tenant AND p.store = p_store AND p.collection = ANY (p_collections);
  RETURN QUERY
    WITH term AS (
      SELECT c.collection AS place, w.word,
        ('''' || replace(replace(w.word, '\', '\\'), '''', '''''') || '''')::tsquery AS query
      FROM knowledge_collection c CROSS JOIN LATERAL (
        SELECT u.word FROM unnest(tsvector_to_array(to_tsvector(c.language::regconfig, p_question))) AS u(word)
        LIMIT 64) w
      WHERE c.tenant = p_tenant AND c.store = p_store AND c.collection = ANY (p_collections)),
    any_term AS (SELECT t.place, string_agg(t.query::text, ' | ')::tsquery AS query FROM term t GROUP BY t.place),
    hit AS MATERIALIZED (
      SELECT p.collection AS place, p.document_id AS document, p.number AS passage, p.words,
        ts_rank_cd(p.words, a.query, 33) AS cover
      FROM knowledge_passage p JOIN any_term a ON a.place = p.collection
      WHERE p.tenant = p_tenant AND p.store = p_store AND p.collection = ANY (p_collections) AND p.words @@ a.query),
    met AS (
      SELECT h.place, h.document, h.passage, h.cover, t.word
      FROM hit h JOIN term t ON t.place = h.place AND h.words @@ t.query),
    weight AS (SELECT m.word, ln(1 + v_passages / count(*)) AS weight FROM met m GROUP BY m.word)
    SELECT m.place, m.document, m.passage, sum(w.weight) + max(m.cover)
    FROM met m JOIN weight w ON w.word = m.word
    GROUP BY m.place, m.document, m.passage ORDER BY 4 DESC, 1, 2, 3 LIMIT p_limit;
END $$;

-- knowledge_vector_place: the schema of the extension vector; NULL where it is not installed or may not be used.
CREATE OR REPLACE FUNCTION knowledge_vector_place(p_tenant text) RETURNS text LANGUAGE sql AS $$
  SELECT n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = 'vector' AND has_schema_privilege(n.oid, 'USAGE')
$$;

-- knowledge_nearest: passages by the angle between their embedding and the question's, worked out by pgvector for each
-- of them. https://github.com/pgvector/pgvector
CREATE OR REPLACE FUNCTION knowledge_nearest(p_tenant text, p_store text, p_collections text[], p_key text,
                                             p_question float4[], p_limit int)
RETURNS TABLE (collection text, document_id text, number int, distance float8) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY EXECUTE format(
    'SELECT p.collection, p.document_id, p.number,
            (p.embedding::%1$I.vector OPERATOR(%1$I.<=>) $5::%1$I.vector)::float8 AS distance
     FROM careloom.knowledge_passage p WHERE p.tenant = $1 AND p.store = $2 AND p.collection = ANY ($3) AND p.embedded_by = $4
       AND cardinality(p.embedding) = cardinality($5)
     ORDER BY 4, 1, 2, 3 LIMIT $6', knowledge_vector_place(p_tenant))
    USING p_tenant, p_store, p_collections, p_key, p_question, p_limit;
END $$;

-- knowledge_embeddings: every embedding by p_key of p_length, in PostgreSQL's own form of an array, for a ranking without
-- pgvector.
CREATE OR REPLACE FUNCTION knowledge_embeddings(p_tenant text, p_store text, p_collections text[], p_key text, p_length int)
RETURNS TABLE (collection text, document_id text, number int, embedding bytea) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT p.collection, p.document_id, p.number, array_send(p.embedding) FROM knowledge_passage p
    WHERE p.tenant = p_tenant AND p.store = p_store AND p.collection = ANY (p_collections) AND p.embedded_by = p_key
      AND cardinality(p.embedding) = p_length
    ORDER BY 1, 2, 3;
END $$;

-- knowledge_passages: passages by their places {collection, document, number}, in that order.
CREATE OR REPLACE FUNCTION knowledge_passages(p_tenant text, p_store text, p_places jsonb)
RETURNS TABLE (collection text, document_id text, number int, version int, title text, heading text, page int, starts int,
               ends int, sha256 text, body text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM enter(p_tenant);
  RETURN QUERY SELECT p.collection, p.document_id, p.number, p.version, d.title, p.heading, p.page, p.starts, p.ends, p.sha256,
      p.body
    FROM jsonb_array_elements(p_places) WITH ORDINALITY AS one(v, n)
    JOIN knowledge_passage p ON p.tenant = p_tenant AND p.store = p_store AND p.collection = one.v->>'collection'
      AND p.document_id = one.v->>'document' AND p.number = (one.v->>'number')::int
    JOIN knowledge_document d ON d.tenant = p_tenant AND d.store = p_store AND d.collection = p.collection
      AND d.document_id = p.document_id
    ORDER BY one.n;
END $$;
