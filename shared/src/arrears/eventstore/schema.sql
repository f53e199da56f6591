CREATE SCHEMA es;

-- One row a stream: where it is routed, and its state after its last event (a cache of the fold: state_version says of
-- which code). wake_on and wake_at are the next business date or instant at which the stream has something to decide.
CREATE TABLE es.stream (
  no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key text NOT NULL UNIQUE,
  kind text NOT NULL,
  debtor_id text NOT NULL,
  part smallint NOT NULL,
  version int NOT NULL,
  state_version int NOT NULL,
  wake_on date,
  wake_at timestamptz,
  state bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX stream_wake_on ON es.stream (part, wake_on) WHERE wake_on IS NOT NULL;
CREATE INDEX stream_wake_at ON es.stream (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX stream_debtor ON es.stream (debtor_id);

-- Event log and outbox in one: insert only.
CREATE TABLE es.event (
  position bigint PRIMARY KEY CHECK (position > 0),
  stream_no bigint NOT NULL,
  version int NOT NULL CHECK (version > 0),
  type text NOT NULL,
  schema_version smallint NOT NULL,
  occurred_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  data bytea NOT NULL CHECK (octet_length(data) <= 900000),
  meta bytea NOT NULL,
  UNIQUE (stream_no, version)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_freeze_min_age = 0);

CREATE FUNCTION es.forbid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON es.event FOR EACH STATEMENT EXECUTE FUNCTION es.forbid();

-- Answers to commands by idempotency key; kept at least seven days.
CREATE TABLE es.command (
  principal text,
  key text,
  fingerprint bytea NOT NULL,
  position bigint NOT NULL,
  events int NOT NULL,
  response bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (principal, key)
);

-- Where each reader of this log is: the relay, the sealer, own projections, reactions.
CREATE TABLE es.follower (name text PRIMARY KEY, position bigint NOT NULL DEFAULT 0) WITH (fillfactor = 10);

CREATE TABLE es.consumer_offset (
  consumer text,
  topic text,
  part int,
  next_offset bigint NOT NULL DEFAULT 0,
  epoch bigint NOT NULL,
  owner text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, topic, part)
) WITH (fillfactor = 10);

-- How fresh the facts of a publisher are, by partition: the clock of its last record or heartbeat applied here.
CREATE TABLE es.feed (
  consumer text,
  source text,
  part int,
  as_of timestamptz NOT NULL,
  PRIMARY KEY (consumer, source, part)
) WITH (fillfactor = 10);

-- The compact inbox for our own topics: the last version seen of each stream.
CREATE TABLE es.seen_version (
  consumer text,
  source text,
  stream_key text,
  version int NOT NULL,
  PRIMARY KEY (consumer, source, stream_key)
) WITH (fillfactor = 70);

-- The inbox for foreign topics, which have no versions.
CREATE TABLE es.seen_id (
  consumer text,
  source text,
  id text,
  seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, source, id)
);
CREATE INDEX seen_id_age ON es.seen_id (seen_at);

-- Records that could not be applied, and every later record of the same key, in order.
CREATE TABLE es.parked (
  consumer text,
  topic text,
  part int,
  "offset" bigint,
  key text NOT NULL,
  debtor_id text,
  raw_key bytea,
  headers bytea NOT NULL,
  value bytea,
  reason text NOT NULL,
  error text NOT NULL,
  attempts int NOT NULL DEFAULT 1,
  record_at timestamptz NOT NULL,
  parked_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, topic, part, "offset")
);
CREATE INDEX parked_key ON es.parked (consumer, topic, key, "offset");

-- Generations of read models.
CREATE SCHEMA read;
CREATE TABLE es.projection (
  name text,
  gen int,
  status text NOT NULL CHECK (status IN ('building', 'live', 'retired')),
  position bigint NOT NULL DEFAULT 0,
  code_version int NOT NULL,
  PRIMARY KEY (name, gen)
) WITH (fillfactor = 10);
CREATE UNIQUE INDEX one_live ON es.projection (name) WHERE status = 'live';

-- The Merkle tree over the log: complete tiles of 256 hashes by level, and signed heads.
CREATE TABLE es.tile (level smallint, idx bigint, hashes bytea NOT NULL, PRIMARY KEY (level, idx));
CREATE TABLE es.tree_head (
  size bigint PRIMARY KEY,
  root bytea NOT NULL,
  signature bytea NOT NULL,
  signed_at timestamptz NOT NULL
);

-- What an append writes, as rows: a driver encodes an array of rows faster than an array for each column.
-- `expected` 0 means a new stream; `stream` names an event's stream by its place in the call, from 1.
CREATE TYPE es.stream_write AS (
  key text, kind text, debtor_id text, part smallint, expected int, version int,
  state_version int, wake_on date, wake_at timestamptz, state bytea
);
CREATE TYPE es.event_write AS (
  stream int, version int, type text, schema_version smallint, occurred_at timestamptz, data bytea, meta bytea
);

-- Append events to streams, all or nothing, in one round trip. Any stream whose version is not the expected one fails the
-- call with ES001. Returns the position before the first event appended.
CREATE FUNCTION es.append(
  p_streams es.stream_write[], p_events es.event_write[], p_now timestamptz,
  p_who text[] DEFAULT '{}', p_idem text[] DEFAULT '{}', p_fp bytea[] DEFAULT '{}', p_resp bytea[] DEFAULT '{}',
  p_first int[] DEFAULT '{}', p_count int[] DEFAULT '{}'
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE base bigint; nos bigint[]; recorded timestamptz;
BEGIN
  PERFORM pg_advisory_xact_lock('es.event'::regclass::oid::bigint);
  recorded := coalesce(p_now, clock_timestamp());  -- under the lock, so record time never runs against the positions
  SELECT coalesce(max(position), 0) INTO base FROM es.event;
  WITH u AS (
    SELECT * FROM unnest(p_streams)
      WITH ORDINALITY u(key, kind, debtor_id, part, expected, version, sv, wake_on, wake_at, state, i)
  ), ins AS (
    INSERT INTO es.stream (key, kind, debtor_id, part, version, state_version, wake_on, wake_at, state)
    SELECT key, kind, debtor_id, part, version, sv, wake_on, wake_at, state FROM u WHERE expected = 0
    ON CONFLICT (key) DO NOTHING RETURNING no, key
  ), upd AS (
    UPDATE es.stream s SET version = u.version, state_version = u.sv, wake_on = u.wake_on, wake_at = u.wake_at, state = u.state
      FROM u WHERE u.expected > 0 AND s.key = u.key AND s.version = u.expected RETURNING s.no, s.key
  ), done AS (SELECT * FROM ins UNION ALL SELECT * FROM upd)
  SELECT array_agg(done.no ORDER BY u.i) INTO nos FROM u JOIN done ON done.key = u.key;
  IF coalesce(cardinality(nos), 0) <> cardinality(p_streams) THEN
    RAISE EXCEPTION 'a stream has moved on' USING ERRCODE = 'ES001';
  END IF;
  INSERT INTO es.event (position, stream_no, version, type, schema_version, occurred_at, recorded_at, data, meta)
  SELECT base + e.i, nos[e.stream], e.version, e.type, e.schema, e.at, recorded, e.data, e.meta
    FROM unnest(p_events) WITH ORDINALITY e(stream, version, type, schema, at, data, meta, i);
  IF cardinality(p_idem) > 0 THEN
    INSERT INTO es.command (principal, key, fingerprint, position, events, response)
    SELECT w, k, f, base + first, n, r FROM unnest(p_who, p_idem, p_fp, p_resp, p_first, p_count) c(w, k, f, r, first, n);
  END IF;
  RETURN base;
END $$;

-- Take partitions over: a new epoch makes the former owner's next step fail.
CREATE FUNCTION es.claim(p_consumer text, p_topic text[], p_part int[], p_owner text)
RETURNS TABLE (topic text, part int, next_offset bigint, epoch bigint) LANGUAGE sql AS $$
  INSERT INTO es.consumer_offset AS o (consumer, topic, part, owner, epoch)
  SELECT p_consumer, t, p, p_owner, 1 FROM unnest(p_topic, p_part) u(t, p) ORDER BY t, p
  ON CONFLICT (consumer, topic, part) DO UPDATE SET owner = p_owner, epoch = o.epoch + 1, updated_at = now()
  RETURNING o.topic, o.part, o.next_offset, o.epoch
$$;

-- Move offsets by compare-and-swap; returns the partitions that moved. A partition that did not is somebody else's now.
CREATE FUNCTION es.advance(p_consumer text, p_topic text[], p_part int[], p_epoch bigint[], p_from bigint[], p_to bigint[])
RETURNS TABLE (topic text, part int) LANGUAGE sql AS $$
  WITH locked AS (
    SELECT o.topic, o.part, u.t_to FROM es.consumer_offset o
      JOIN unnest(p_topic, p_part, p_epoch, p_from, p_to) u(t, p, e, f, t_to) ON o.topic = u.t AND o.part = u.p
     WHERE o.consumer = p_consumer AND o.epoch = u.e AND o.next_offset = u.f AND u.t_to >= u.f
     ORDER BY o.topic, o.part FOR UPDATE OF o
  )
  UPDATE es.consumer_offset o SET next_offset = l.t_to, updated_at = now()
    FROM locked l WHERE o.consumer = p_consumer AND o.topic = l.topic AND o.part = l.part RETURNING o.topic, o.part
$$;

-- The live generations, under the shared swap lock: a rebuild that swaps waits for whoever is writing, and they for it.
CREATE FUNCTION es.live() RETURNS TABLE (name text, gen int, "position" bigint) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtext('es.swap'));
  RETURN QUERY SELECT p.name, p.gen, p.position FROM es.projection p WHERE p.status = 'live';
END $$;
