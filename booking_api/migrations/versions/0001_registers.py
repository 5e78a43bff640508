"""Registers of certificates, licences, vehicles and violations, and their imports."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

revision = "platform0001"
down_revision = None
branch_labels = ("platform",)
depends_on = None

_TABLES = "violation vehicle licence learner_certificate register_import"


def upgrade() -> None:
    for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n"):
        if statement.strip():
            op.get_bind().execute(text(statement))


def downgrade() -> None:
    for table in _TABLES.split():
        op.get_bind().execute(text(f"DROP TABLE {table}"))
