"""A failure is told without the values in it, whoever logs it and however it was wrapped."""

import io
import logging
import traceback

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from reservation.failure import Discreet, describe, trace

NUMBER = "11010519491231002X"


@pytest.fixture
async def violation(kernel):
    """What PostgreSQL says when a number is there twice, wrapped by the driver and by SQLAlchemy."""
    with pytest.raises(IntegrityError) as raised:
        await _insert_twice(kernel.engine)
    # The control: a traceback would have told it.
    assert NUMBER in "".join(traceback.format_exception(raised.value))
    return raised.value


def test_a_violation_is_told_by_its_state_and_constraint(violation):
    assert describe(violation) == "IntegrityError UniqueViolationError sqlstate 23505 constraint only_once"
    assert describe(violation.orig.__cause__) == "UniqueViolationError sqlstate 23505 constraint only_once"


def test_a_trace_has_our_frames_and_every_error_of_the_chain_but_no_values(violation):
    ours = RuntimeError("our own words")
    ours.__cause__ = violation
    told = trace(ExceptionGroup("two", [ours, ValueError("plain")]))
    assert NUMBER not in told
    assert "in violation" in told
    assert "RuntimeError: our own words" in told
    assert "ValueError: plain" in told
    assert "constraint only_once" in told


async def test_a_value_that_cannot_be_an_argument_is_not_told_either(kernel):
    with pytest.raises(DBAPIError) as raised:
        async with kernel.engine.begin() as connection:
            await connection.execute(text("SELECT CAST(:n AS date)"), {"n": NUMBER})
    assert NUMBER in str(raised.value)
    assert NUMBER not in describe(raised.value) + trace(raised.value)


def test_loggers_that_never_heard_of_it_write_no_values(violation):
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(Discreet())
    foreign = logging.getLogger("foreign")
    foreign.addHandler(handler)
    foreign.propagate = False
    foreign.error("pool: %s", violation)
    foreign.error("closing %r", "it", exc_info=violation)
    foreign.error("of the driver: %s", asyncpg.DataError(f"invalid input: '{NUMBER}'"))
    foreign.error("without arguments")
    assert NUMBER not in written.getvalue()
    assert written.getvalue().count("only_once") >= 2
    assert "closing 'it'" in written.getvalue()
    assert "of the driver: DataError sqlstate 22000" in written.getvalue()


async def _insert_twice(engine):
    async with engine.begin() as connection:
        await connection.execute(
            text("CREATE TEMPORARY TABLE person (number text CONSTRAINT only_once UNIQUE) ON COMMIT DROP")
        )
        for _ in range(2):
            await connection.execute(text("INSERT INTO person VALUES (:n)"), {"n": NUMBER})
