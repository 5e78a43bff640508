"""People's accounts and their refresh tokens."""

from pathlib import Path

from reservation.migrations import drop_tables, run_statements

revision = "platform0002"
down_revision = "platform0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    drop_tables("refresh_token", "account")
