"""Events, notices, webhooks and their deliveries."""

from pathlib import Path

from reservation.migrations import drop_tables, run_statements

revision = "platform0004"
down_revision = "platform0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    drop_tables("delivery", "webhook", "notice", "event")
