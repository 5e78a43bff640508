"""Sessions of pages over HTTP: what the cookie is good for, and what another site, a thief or time cannot do with it."""

import asyncio
import base64
import hashlib
import json

import pytest

from booking_api import clock
from booking_api.identity.sessions import memory
from tests.booking_api.signing_in.people import (
    NAME,
    NUMBER,
    PASSWORD,
    Browser,
    HeldClock,
    good,
    refused,
    register,
    second,
    sign_in,
    signed_in,
    with_app,
)

WISH = {"pool": 1, "units": [1]}


async def age(run, minutes: int, *, column: str) -> None:
    await run(f"UPDATE session SET {column} = {column} - make_interval(mins => :minutes)", minutes=minutes)


async def test_a_session_begins_is_seen_and_ends(client, run):
    await register(client)
    browser = Browser(client)
    begun = await browser.sign_in()
    assert begun.headers["set-cookie"] == f"{NAME}={browser.id}; Path=/; HttpOnly; SameSite=Lax"
    assert begun.headers["cache-control"] == "no-store"
    seen = await browser.send("GET", "/session")
    assert good(seen) == begun.json()
    assert seen.headers["cache-control"] == "no-store"
    assert good(await browser.send("GET", "/accounts/me"))["login"] == "zhang.wei"
    kept = browser.copy()
    ended = await browser.send("DELETE", "/session")
    assert ended.status_code == 204
    assert ended.headers["set-cookie"] == f"{NAME}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
    refused(await kept.send("GET", "/session"), 401, "session_ended")
    assert (await run("SELECT count(*) FROM session")).scalar_one() == 0


async def test_the_session_before_a_sign_in_ends_with_it_at_once(client, monkeypatch):
    """Though this worker has just seen it and would remember it for seconds."""
    monkeypatch.setattr(memory, "REMEMBERED_MS", 5_000)
    await register(client)
    browser = Browser(client)
    await browser.sign_in()
    before = browser.copy()
    good(await before.send("GET", "/session"))
    await browser.sign_in()
    assert browser.id != before.id
    refused(await before.send("GET", "/session"), 401, "session_ended")
    good(await browser.send("GET", "/session"))


async def test_a_wrong_password_gives_no_cookie(client, browser):
    stranger = Browser(client)
    body = {"login": "zhang.wei", "password": "not the password"}
    refused(await stranger.send("POST", "/session", json=body), 401, "sign_in_refused")
    assert stranger.id is None


async def test_with_a_second_factor_a_session_needs_both_steps(client, monkeypatch):
    held = HeldClock(monkeypatch)
    await register(client)
    secret, _ = await with_app(client, held, await signed_in(client))
    browser = Browser(client)
    body = {"login": "zhang.wei", "password": PASSWORD}
    given = refused(await browser.send("POST", "/session", json=body), 401, "second_factor_needed")["ticket"]
    assert browser.id is None
    step = {"ticket": given, "totp_code": held.code(secret)}
    cross = await browser.send("POST", "/session/second", json=step, Sec_Fetch_Site="cross-site")
    refused(cross, 403, "csrf_refused")
    good(await browser.send("POST", "/session/second", json=step))
    good(await browser.send("GET", "/session"))
    refused(await second(client, given, totp_code=held.code(secret)), 401, "ticket_refused")


async def test_an_id_known_before_a_sign_in_is_good_for_nothing_after_it(browser):
    planted = browser.copy()
    await browser.sign_in()
    assert browser.id != planted.id
    assert browser.csrf != planted.csrf
    refused(await planted.send("GET", "/session"), 401, "session_ended")
    good(await browser.send("GET", "/session"))


async def test_after_a_quarter_of_an_hour_the_id_changes_and_the_token_does_not(browser, run):
    before = browser.copy()
    good(await browser.send("GET", "/session"))
    assert browser.id == before.id
    await age(run, 15, column="offered_at")
    # What the handler refuses still leaves the browser signed in: the new id was offered, the old one is good.
    refused(
        await before.copy().send("POST", "/factors/totp/activate", json={"code": "x"}), 404, "unknown_factor"
    )
    good(await browser.send("GET", "/session"))
    assert browser.id == before.id
    await age(run, 15, column="offered_at")
    await age(run, 2, column="used_at")
    answer = await browser.send("GET", "/session")
    assert browser.id != before.id
    assert good(answer)["csrf_token"] == browser.csrf
    good(await before.send("GET", "/session"))
    good(await browser.send("POST", "/sign-out", json={"refresh_token": "x"}), 204)
    good(await browser.send("GET", "/session"))
    good(await before.copy().send("GET", "/session"))
    ends = (await run("SELECT max(ends_at - now()) FROM session_cookie")).scalar_one()
    assert 25 < ends.total_seconds() <= 30


async def test_an_id_that_comes_long_after_it_was_replaced_ends_the_session(browser, run):
    stolen = browser.copy()
    await age(run, 15, column="offered_at")
    await age(run, 2, column="used_at")
    good(await browser.send("GET", "/session"))
    good(await browser.send("GET", "/session"))
    await run("UPDATE session_cookie SET ends_at = now() WHERE ends_at IS NOT NULL")
    refused(await stolen.send("GET", "/session"), 401, "session_ended")
    refused(await browser.send("GET", "/session"), 401, "session_ended")


async def test_of_requests_at_once_one_is_offered_the_new_id_and_all_are_served(browser, run):
    good(await browser.send("GET", "/session"))
    await age(run, 15, column="offered_at")
    await age(run, 2, column="used_at")
    tabs = [browser.copy() for _ in range(6)]
    for answer in await asyncio.gather(*(tab.send("GET", "/session") for tab in tabs)):
        good(answer)
    new = {tab.id for tab in tabs} - {browser.id}
    assert len(new) == 1
    answers = await asyncio.gather(*(tab.send("GET", "/session") for tab in tabs))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.parametrize(
    ("column", "minutes"), [("used_at", 31), ("expires_at", 12 * 60)], ids=["idle", "absolute"]
)
async def test_a_session_ends_by_its_time_and_is_cleared(client, browser, run, column, minutes):
    await age(run, minutes - 2, column=column)
    good(await browser.send("GET", "/session"))
    await age(run, minutes, column=column)
    late = browser.copy()
    await Browser(client).sign_in()
    assert (await run("SELECT count(*) FROM session")).scalar_one() == 1
    assert (await run("SELECT count(*) FROM session_cookie")).scalar_one() == 1
    refused(await late.send("GET", "/session"), 401, "session_ended")


async def test_a_session_over_time_is_refused_before_anybody_clears_it(browser, run):
    await age(run, 31, column="used_at")
    refused(await browser.send("GET", "/session"), 401, "session_ended")
    assert (await run("SELECT count(*) FROM session")).scalar_one() == 0


async def test_use_keeps_a_session_alive_and_is_written_down_once_a_minute(browser, run):
    await age(run, 29, column="used_at")
    good(await browser.send("GET", "/session"))
    await age(run, 29, column="used_at")
    good(await browser.send("GET", "/session"))
    noted = (await run("SELECT used_at FROM session")).scalar_one()
    good(await browser.send("GET", "/session"))
    assert (await run("SELECT used_at FROM session")).scalar_one() == noted


async def test_roles_and_verification_are_the_accounts_own_now(client, browser, token, run):
    body = {"login": "zhang.wei", "identity_number": NUMBER}
    refused(await browser.send("POST", "/verifications", json=body), 403, "role_missing")
    await run("UPDATE account SET roles = '{clerk:cn-zj-hz}'")
    # A clerk by now, who may only not vouch for themselves.
    refused(await browser.send("POST", "/verifications", json=body), 403, "own_account")
    refused(await browser.send("POST", "/holds", json=WISH), 403, "not_verified")
    await run("UPDATE account SET verified_at = now(), verified_by = 'counter:clerk-1'")
    # Past the gate, where an unverified account would have been stopped.
    refused(await browser.send("POST", "/holds", json=WISH), 404, "unknown_pool")


async def test_a_worker_remembers_for_five_seconds_and_forgets_what_it_ended(
    app, client, browser, run, monkeypatch
):
    monkeypatch.setattr(memory, "REMEMBERED_MS", 5_000)
    good(await browser.send("GET", "/session"))
    await run("DELETE FROM session")
    good(await browser.send("GET", "/accounts/me"))
    real = clock.now_ms
    sessions = app.dependencies["desk"].dependency().sessions
    monkeypatch.setattr(sessions, "_now_ms", lambda: real() + 5_000)
    refused(await browser.send("GET", "/session"), 401, "session_ended")
    await browser.sign_in()
    good(await browser.send("GET", "/session"))
    ended = browser.copy()
    good(await browser.send("DELETE", "/session"), 204)
    refused(await ended.send("GET", "/session"), 401, "session_ended")


async def test_what_a_worker_remembers_is_bounded(app, client, browser, monkeypatch):
    monkeypatch.setattr(memory, "SESSIONS_REMEMBERED", 2)
    sessions = app.dependencies["desk"].dependency().sessions
    for _ in range(4):
        one = Browser(client)
        await one.sign_in()
        good(await one.send("GET", "/session"))
    assert len(sessions._known) == 2


@pytest.mark.parametrize("by", ["cookie", "token"])
async def test_signing_out_everywhere_ends_sessions_and_refresh_tokens(client, browser, by):
    tokens, other = good(await sign_in(client)), Browser(client)
    await other.sign_in()
    mine = {"Authorization": f"Bearer {tokens['access_token']}"} if by == "token" else {}
    good(await browser.send("DELETE", "/sessions", **mine), 204)
    refused(await other.send("GET", "/session"), 401, "session_ended")
    answer = await client.post("/api/v1/tokens", json={"refresh_token": tokens["refresh_token"]})
    refused(answer, 401, "refresh_refused")


async def test_neither_id_nor_token_is_stored(browser, run):
    row = (
        await run("SELECT s::text || c::text || encode(c.digest, 'escape') FROM session s, session_cookie c")
    ).scalar_one()
    assert browser.id not in row
    assert browser.csrf not in row
    digest = (await run("SELECT digest FROM session_cookie")).scalar_one()
    assert digest == hashlib.sha256(browser.id.encode()).digest()


async def test_a_session_has_the_vehicles_of_its_person_as_a_token_has(app, client, run, browser):
    await run("UPDATE account SET verified_at = now(), verified_by = 'test'")
    made = await run(
        "INSERT INTO register_import (register, source, file, sha256, rows, bad_rows) "
        "VALUES ('vehicle', 't', '', '', 1, 0) RETURNING id"
    )
    await run(
        "INSERT INTO vehicle (plate, plate_kind, identity_number, registered, valid_until, seats, import_id) "
        "SELECT plate, '02', :number, '2020-01-01', '2030-01-01', 5, :import_id "
        "FROM unnest(ARRAY['\u6d59A1', '\u6d59A2']) AS p (plate)",
        number=NUMBER,
        import_id=made.scalar_one(),
    )
    sessions = app.dependencies["desk"].dependency().sessions
    claims = good(await sign_in(client))["access_token"].split(".")[1]
    vouched = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["vehicles"]
    assert vouched == ["\u6d59A1", "\u6d59A2"]
    assert (await sessions.find(browser.id)).account.vehicles == ("\u6d59A1", "\u6d59A2")
    await run("DELETE FROM vehicle WHERE plate = '\u6d59A1'")
    assert (await sessions.find(browser.id)).account.vehicles == ("\u6d59A2",)
    await run("UPDATE account SET verified_at = NULL, verified_by = NULL")
    assert (await sessions.find(browser.id)).account.vehicles == ()
