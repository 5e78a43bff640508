"""Who ended a booking, and when its session was over."""

from pathlib import Path

from alembic import op

from reservation.migrations import run_statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    op.drop_column("booking", "concluded_at")
    op.drop_column("booking", "ended_by")
