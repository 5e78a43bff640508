"""When a learner declined a school's request."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

from reservation.migrations import run_statements

revision = "platform0011"
down_revision = "platform0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    op.get_bind().execute(text("ALTER TABLE consent_request DROP COLUMN declined_at"))
