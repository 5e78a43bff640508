"""The password is changed by who knows it, and whoever used the old one is out."""

import asyncio

from booking_api.gate import limits
from booking_api.identity.passwords import Passwords
from tests.booking_api.signing_in.people import (
    NUMBER,
    PASSWORD,
    Browser,
    events,
    good,
    refused,
    sign_in,
    signed_in,
)

NEW_PASSWORD = "five oxen, no cart"


async def test_a_changed_password_ends_every_other_session_and_refresh_token(client, browser, run):
    owed = "INSERT INTO sign_in_ticket SELECT '\\x00', id, 0, now() + interval '1 minute' FROM account"
    await run(owed)
    tokens, other = good(await sign_in(client)), Browser(client)
    await other.sign_in()
    body = {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    good(await browser.send("POST", "/accounts/me/password", json=body), 204)
    good(await browser.send("GET", "/session"))
    refused(await other.send("GET", "/session"), 401, "session_ended")
    answer = await client.post("/api/v1/tokens", json={"refresh_token": tokens["refresh_token"]})
    refused(answer, 401, "refresh_refused")
    refused(await sign_in(client), 401, "sign_in_refused")
    assert (await run("SELECT count(*) FROM sign_in_ticket")).scalar_one() == 0
    mine = await signed_in(client, password=NEW_PASSWORD)
    assert [kind for kind, _ in await events(client, mine)] == ["password_changed"]
    back = {"old_password": NEW_PASSWORD, "new_password": PASSWORD}
    good(await client.post("/api/v1/accounts/me/password", json=back, headers=mine), 204)
    refused(await browser.send("GET", "/session"), 401, "session_ended")


async def test_a_password_is_changed_by_who_knows_it_and_to_one_that_can_be(browser):
    for body, status, code in (
        ({"old_password": "not the password", "new_password": NEW_PASSWORD}, 403, "password_refused"),
        ({"old_password": PASSWORD, "new_password": "short"}, 400, "invalid_request"),
        ({"old_password": PASSWORD, "new_password": NUMBER}, 400, "invalid_request"),
    ):
        refused(await browser.send("POST", "/accounts/me/password", json=body), status, code)
    await browser.sign_in()


async def test_of_two_changes_at_once_one_counts(browser, monkeypatch):
    both, hash_now = asyncio.Barrier(2), Passwords.hash

    async def hash_together(self, password):
        """When both have shown that they know the old password."""
        await both.wait()
        return await hash_now(self, password)

    monkeypatch.setattr(Passwords, "hash", hash_together)
    bodies = [{"old_password": PASSWORD, "new_password": f"{NEW_PASSWORD} {n}"} for n in range(2)]
    answers = await asyncio.gather(
        *(browser.copy().send("POST", "/accounts/me/password", json=body) for body in bodies)
    )
    assert sorted(answer.status_code for answer in answers) == [204, 403]


async def test_guessing_the_old_password_is_slowed_like_a_sign_in(browser):
    body = {"old_password": "guess number n", "new_password": NEW_PASSWORD}
    answers = [
        await browser.send("POST", "/accounts/me/password", json=body)
        for _ in range(limits.SIGN_IN_RATE.burst + 1)
    ]
    assert [answer.status_code for answer in answers][-2:] == [429, 429]
