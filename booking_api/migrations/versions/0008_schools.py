"""Schools and stations, their API keys, learners' consents, batches and substitutions."""

from pathlib import Path

from reservation.migrations import drop_tables, run_statements

revision = "platform0008"
down_revision = "platform0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    drop_tables(
        "substitution", "school_seat", "school_batch_row", "school_batch", "consent_request", "consent"
    )
    drop_tables("api_key", "organisation_change", "organisation")
