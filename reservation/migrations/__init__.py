"""The core's schema versions (Alembic). Services keep theirs on branches of their own."""

from pathlib import Path

from alembic import op
from sqlalchemy import text


def run_statements(path: Path) -> None:
    """Runs a version's SQL file, statement by statement, in the version's transaction."""
    for statement in path.read_text().split(";\n"):
        if statement.strip():
            op.get_bind().execute(text(statement))


def drop_tables(*names: str) -> None:
    """Takes a version's tables away, the referring ones named first."""
    for name in names:
        op.get_bind().execute(text(f"DROP TABLE {name}"))
