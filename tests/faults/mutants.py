"""Kernels with one guard switched off, for negative controls. Imports `reservation`."""

from collections.abc import Callable

from sqlalchemy import text

from reservation import commit_batch


def _replace(statement: str, before: str, after: str) -> None:
    source = getattr(commit_batch, statement).text
    assert source.count(before) == 1, f"{statement} does not say {before!r} once"
    setattr(commit_batch, statement, text(source.replace(before, after)))


def verdict_ignored() -> None:
    """A confirm books although somebody else's verdict on its hold came first."""
    _replace(
        "CONFIRM_BATCH",
        "JOIN verdict v ON v.hold_id = a.claim_id\n    JOIN kept",
        "LEFT JOIN verdict v ON v.hold_id = a.claim_id\n    JOIN kept",
    )


def claimants_unsorted() -> None:
    """A batch inserts its claimants as they came, so that two batches may wait for each other."""
    _replace(
        "CONFIRM_BATCH",
        "SELECT claimant, :service, :rule, claim_id FROM asked ORDER BY claimant",
        "SELECT claimant, :service, :rule, claim_id FROM asked ORDER BY n",
    )


MUTANTS: dict[str, Callable[[], None]] = {
    "verdict_ignored": verdict_ignored,
    "claimants_unsorted": claimants_unsorted,
}
