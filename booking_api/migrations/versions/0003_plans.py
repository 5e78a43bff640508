"""Plans and their sessions, authorities' figures, results, and who came."""

from pathlib import Path

from alembic import op

from reservation.migrations import drop_tables, run_statements

revision = "platform0003"
down_revision = "platform0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_statements(Path(__file__).with_suffix(".sql"))


def downgrade() -> None:
    drop_tables("attendance", "day_off", "authority_settings", "plan_session", "plan", "exam_result")
    op.drop_column("learner_certificate", "authority")
