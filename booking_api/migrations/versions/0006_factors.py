"""Second factors, sessions of pages, and what happened to accounts."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

from reservation.migrations import drop_tables, run_statements

revision = "platform0006"
down_revision = "platform0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    drop_tables(
        "session_cookie",
        "session",
        "account_event",
        "key_challenge",
        "sign_in_ticket",
        "recovery_code",
        "security_key",
        "totp",
    )
    op.get_bind().execute(text("DROP FUNCTION account_event_stays"))
