"""What audit knows of each log: how far it is checked, the tree over the copy, the heads received, causes not found yet."""

from alembic import op

from arrears.migrations import execute_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE SCHEMA audit;

CREATE TABLE audit.progress (
  service text PRIMARY KEY,
  checked bigint NOT NULL DEFAULT 0,
  recorded_at timestamptz
) WITH (fillfactor = 10);

-- Tiles of the tree that audit grows over its copy, as es.tile of the publisher.
CREATE TABLE audit.tile (
  service text,
  level smallint,
  idx bigint,
  hashes bytea NOT NULL,
  PRIMARY KEY (service, level, idx)
);

-- Every head that a publisher sent, kept for ever: two different roots of one size would show that it told two stories.
CREATE TABLE audit.head (
  service text,
  size bigint,
  root bytea,
  signature bytea NOT NULL,
  signed_at timestamptz NOT NULL,
  verdict text NOT NULL DEFAULT 'pending' CHECK (verdict IN ('pending', 'ok', 'bad_signature', 'hash_mismatch')),
  PRIMARY KEY (service, size, root)
);
CREATE INDEX head_pending ON audit.head (service, size) WHERE verdict = 'pending';
CREATE INDEX head_ok ON audit.head (service, size) WHERE verdict = 'ok';

CREATE TABLE audit.head_offset (part int PRIMARY KEY, next_offset bigint NOT NULL) WITH (fillfactor = 10);

CREATE TABLE audit.open_cause (
  service text,
  position bigint,
  cause_service text NOT NULL,
  cause_position bigint NOT NULL,
  PRIMARY KEY (service, position)
);
"""


def upgrade() -> None:
    execute_script(op, TABLES)
