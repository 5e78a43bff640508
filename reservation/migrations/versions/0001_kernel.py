"""Pools, units, verdicts, claims, promises, bookings, entries, effects, idempotency."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

revision = "0001"
down_revision = None
branch_labels = ("core",)
depends_on = None

_TABLES = "idempotency effect entry booking promise active_claim hold_verdict unit pool authority"


def upgrade() -> None:
    for statement in Path(__file__).with_suffix(".sql").read_text().split(";\n"):
        if statement.strip():
            op.get_bind().execute(text(statement))


def downgrade() -> None:
    for table in _TABLES.split():
        op.get_bind().execute(text(f"DROP TABLE {table}"))
