"""The hot statements, read once from `sql/`. Imports SQLAlchemy only."""

from importlib.resources import files

from sqlalchemy import TextClause, text


def _read(name: str) -> TextClause:
    return text((files("reservation") / "sql" / f"{name}.sql").read_text())


LOCK_UNITS = _read("lock_units")
CONFIRM_BATCH = _read("confirm_batch")
UNDO_PARTIAL = _read("undo_partial")
RECALL = _read("recall")
