"""Who is signed in, and sign-ins under way."""

from alembic import op

from arrears.migrations import execute_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Cookies are stored hashed: who reads this table cannot become anybody. Times are real, never the virtual clock.
TABLES = """
CREATE SCHEMA console;

CREATE TABLE console.session (
  token_hash bytea PRIMARY KEY,
  subject text NOT NULL,
  name text NOT NULL,
  tenant text NOT NULL,
  roles text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX session_expires ON console.session (expires_at);

CREATE TABLE console.sign_in (
  token_hash bytea PRIMARY KEY,
  state text NOT NULL,
  nonce text NOT NULL,
  code_verifier text NOT NULL,
  next_path text NOT NULL,
  expires_at timestamptz NOT NULL
);
"""


def upgrade() -> None:
    execute_script(op, TABLES)
