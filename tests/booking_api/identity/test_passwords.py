"""Passwords: real argon2id, in threads, never more of them than can be afforded."""

import asyncio

import pytest

from booking_api.identity.passwords import (
    WAITING_LIMIT,
    Passwords,
    PasswordUnusable,
    checked_password,
)
from reservation.errors import Busy


@pytest.fixture
def passwords():
    made = Passwords()
    yield made
    made.close()


async def test_a_password_matches_its_own_hash_only(passwords):
    stored = await passwords.hash("four horses, one cart")
    assert stored.startswith("$argon2id$")
    assert await passwords.matches(stored, "four horses, one cart")
    assert not await passwords.matches(stored, "four horses, two carts")
    assert not await passwords.matches("not a hash", "four horses, one cart")
    assert await passwords.hash("four horses, one cart") != stored


async def test_a_login_nobody_has_costs_the_same_work(passwords, monkeypatch):
    asked = []
    monkeypatch.setattr(passwords, "_verify", lambda stored, _: asked.append(stored))
    assert not await passwords.matches(None, "whatever it is")
    assert len(asked) == 1
    assert asked[0].startswith("$argon2id$")


async def test_a_flood_is_told_to_come_back_and_the_loop_goes_on(passwords):
    tries = [asyncio.create_task(passwords.hash(f"password {n}")) for n in range(WAITING_LIMIT + 5)]
    await asyncio.sleep(0)
    outcomes = [task.exception() for task in tries if task.done()]
    assert len(outcomes) == 5
    assert all(isinstance(outcome, Busy) for outcome in outcomes)
    for task in tries:
        task.cancel()
    await asyncio.gather(*tries, return_exceptions=True)
    passwords.close()


@pytest.mark.parametrize("password", ["1234567890", "一二三四五六七八九十", "correct horse", "x1y2" * 32])
def test_long_is_enough(password):
    assert checked_password(password, told=("zhang.wei",)) == password


@pytest.mark.parametrize("password", ["", "123456789", "x" * 129, "ababababab", "ZHANG.WEI.1"])
def test_short_dull_or_known_is_not(password):
    with pytest.raises(PasswordUnusable):
        checked_password(password, told=("zhang.wei.1",))


def test_one_password_has_one_spelling():
    assert checked_password("cafe\u0301 noir, cafe\u0301", told=()) == "caf\u00e9 noir, caf\u00e9"
