"""What a log may say of a failure: which, where, and never the values in it. Imports SQLAlchemy and asyncpg's errors.

PostgreSQL puts rows into its errors (`DETAIL: Key (identity_number)=(...) already exists`, `invalid input syntax for
type date: "..."`), and drivers put arguments into theirs. Logs are read by more people than tables are.
"""

import logging
import traceback
from typing import cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy.exc import StatementError

CHAIN_LIMIT = 10


def describe(error: BaseException) -> str:
    """One line: a database error by its types, SQLSTATE and constraint; any other by its type and sentence.

    >>> describe(asyncpg.UniqueViolationError("duplicate key: (identity_number)=(11010519491231002X)"))
    'UniqueViolationError sqlstate 23505'
    >>> describe(OSError("no route to host"))
    'OSError: no route to host'
    """
    if not _speaks_of_rows(error):
        return f"{type(error).__name__}: {error}".partition("\n")[0]
    words, state, constraint = [type(error).__name__], None, None
    driver: BaseException | None = error
    # SQLAlchemy wraps its adapter's error, and that wraps the driver's: the innermost knows the constraint.
    while driver is not None and _speaks_of_rows(driver):
        if type(driver).__name__ not in words:
            words.append(type(driver).__name__)
        state = getattr(driver, "sqlstate", None) or state
        constraint = getattr(driver, "constraint_name", None) or constraint
        driver = getattr(driver, "orig", None) or driver.__cause__
    if state:
        words += ["sqlstate", str(state)]
    if constraint:
        words += ["constraint", str(constraint)]
    return " ".join(words)


def trace(error: BaseException) -> str:
    """Where it happened: the frames of the error and of those that led to it, each told as `describe` does."""
    chain: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in chain and len(chain) < CHAIN_LIMIT:
        chain.append(each)
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    parts: list[str] = []
    for one in reversed(chain):
        parts += ["".join(traceback.format_tb(one.__traceback__)), describe(one)]
        if isinstance(one, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", one)
            parts += [trace(inside) for inside in group.exceptions]
    return "\n".join(part for part in parts if part)


class Discreet(logging.Filter):
    """Lets every record pass, with its errors told by `describe` and `trace`: for whoever logs without asking us."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true."""
        if isinstance(record.args, tuple):
            record.args = tuple(_discreet(value) for value in record.args)
        if record.exc_info and record.exc_info[1] is not None:
            record.msg, record.args = f"{record.getMessage()}\n{trace(record.exc_info[1])}", None
            record.exc_info = record.exc_text = None
        return True


def _discreet(value: object) -> object:
    return describe(value) if isinstance(value, BaseException) and _speaks_of_rows(value) else value


def _speaks_of_rows(error: BaseException) -> bool:
    adapted = any(kind.__module__ == "sqlalchemy.dialects.postgresql.asyncpg" for kind in type(error).__mro__)
    return adapted or isinstance(error, StatementError | asyncpg.PostgresError | asyncpg.InterfaceError)
