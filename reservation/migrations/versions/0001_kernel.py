"""Pools, units, verdicts, claims, promises, bookings, entries, effects, idempotency."""

from pathlib import Path

from reservation.migrations import drop_tables, run_statements

revision = "0001"
down_revision = None
branch_labels = ("core",)
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    drop_tables(
        "idempotency",
        "effect",
        "entry",
        "booking",
        "promise",
        "active_claim",
        "hold_verdict",
        "unit",
        "pool",
        "authority",
    )
