"""The event log of console."""

from alembic import op

from arrears.migrations import create_event_log

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_event_log(op)
