"""Visits at a counter, and who did what in them."""

from pathlib import Path

from reservation.migrations import drop_tables, run_statements

revision = "platform0010"
down_revision = "platform0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    drop_tables("counter_act", "counter_visit")
