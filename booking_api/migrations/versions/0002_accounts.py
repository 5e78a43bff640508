"""People's accounts and their refresh tokens."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

revision = "platform0002"
down_revision = "platform0001"
branch_labels = None
depends_on = None

_TABLES = "refresh_token account"


def upgrade() -> None:
    for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n"):
        if statement.strip():
            op.get_bind().execute(text(statement))


def downgrade() -> None:
    for table in _TABLES.split():
        op.get_bind().execute(text(f"DROP TABLE {table}"))
