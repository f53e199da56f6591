"""The keys of persons, each generation wrapped by the master key. Destroying one erases what it sealed everywhere."""

from alembic import op

from arrears.migrations import execute_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_script(
        op,
        """
        CREATE SCHEMA vault;
        CREATE TABLE vault.subject_key (
          debtor_id text,
          generation int,
          wrapped bytea NOT NULL,
          created_at timestamptz NOT NULL DEFAULT now(),
          destroyed_at timestamptz,
          PRIMARY KEY (debtor_id, generation)
        );
        """,
    )
