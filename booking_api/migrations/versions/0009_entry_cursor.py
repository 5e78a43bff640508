"""How far the log's entries have been told."""

from pathlib import Path

from reservation.migrations import drop_tables, run_statements

revision = "platform0009"
down_revision = "platform0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    drop_tables("entry_cursor")
