"""Fees of driving tests and every change of them."""

from pathlib import Path

from alembic import op

from reservation.migrations import drop_tables, run_statements

revision = "platform0005"
down_revision = "platform0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    drop_tables("fee_change", "fee")
    op.execute("DROP FUNCTION fee_change_stays()")
