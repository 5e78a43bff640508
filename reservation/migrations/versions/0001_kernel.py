"""Pools, units, verdicts, claims, promises, bookings, entries, effects, idempotency."""

from alembic import op
from sqlalchemy import text

from reservation.tables import metadata

revision = "0001"
down_revision = None
branch_labels = ("core",)
depends_on = None

_TABLES = (
    "authority",
    "pool",
    "unit",
    "hold_verdict",
    "active_claim",
    "promise",
    "booking",
    "entry",
    "effect",
    "idempotency",
)
_PARTITIONS = 8


def upgrade() -> None:
    connection = op.get_bind()
    metadata.create_all(connection, tables=[metadata.tables[name] for name in _TABLES], checkfirst=False)
    for number in range(_PARTITIONS):
        connection.execute(
            text(
                f"CREATE TABLE active_claim_{number} PARTITION OF active_claim "
                f"FOR VALUES WITH (MODULUS {_PARTITIONS}, REMAINDER {number})"
            )
        )


def downgrade() -> None:
    metadata.drop_all(op.get_bind(), tables=[metadata.tables[name] for name in _TABLES])
