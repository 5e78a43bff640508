"""What callers and logs are told of our own failures: that there was one and where, never whose data it was."""

import logging

import pytest
from sqlalchemy import text

from booking_api.log import configure

NUMBER = "11010519491231002X"


@pytest.fixture
async def guarded(kernel):
    """A constraint nobody expects: registering meets it with the person's number in the error."""
    async with kernel.engine.begin() as connection:
        await connection.execute(
            text("ALTER TABLE account ADD CONSTRAINT no_such_people CHECK (identity_number = '')")
        )


async def test_a_constraint_that_fails_unexpectedly_is_logged_without_the_row(
    client, guarded, caplog, capsys, monkeypatch
):
    # The route expects a login that is taken and nothing else: what it does with another violation is its bug.
    monkeypatch.setattr("booking_api.identity.accounts.IntegrityError", ZeroDivisionError)
    body = {
        "login": "zhang.wei",
        "identity_number": NUMBER,
        "name": "张伟",
        "phone": "13800138000",
        "password": "four horses, one cart",
    }
    before = logging.getLogger().handlers[:]
    configure("json")
    logging.getLogger().addHandler(caplog.handler)
    try:
        answer = await client.post("/api/v1/accounts", json=body)
    finally:
        logging.getLogger().handlers[:] = before
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    written = caplog.text + capsys.readouterr().err + answer.text
    assert "no_such_people" in written
    assert "register_account" in written
    assert NUMBER not in written
    assert "Failing row" not in written
