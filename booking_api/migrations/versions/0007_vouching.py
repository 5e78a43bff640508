"""The register of persons, codes sent to phones, identities at other providers, numbers of erased accounts."""

from pathlib import Path

from reservation.migrations import drop_tables, run_statements

revision = "platform0007"
down_revision = "platform0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    drop_tables("resting_number", "authorization_attempt", "external_identity", "verification_code", "person")
