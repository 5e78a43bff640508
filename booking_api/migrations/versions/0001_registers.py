"""Registers of certificates, licences, vehicles and violations, and their imports."""

from pathlib import Path

from reservation.migrations import drop_tables, run_statements

revision = "platform0001"
down_revision = None
branch_labels = ("platform",)
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    drop_tables("violation", "vehicle", "licence", "learner_certificate", "register_import")
