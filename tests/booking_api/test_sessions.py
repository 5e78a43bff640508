"""Sessions of pages over HTTP: what the cookie is good for, and what another site, a thief or time cannot do with it."""

import asyncio
import hashlib

import pytest
from httpx import AsyncClient
from msgspec.structs import replace
from sqlalchemy import text

from booking_api import clock
from booking_api.app import create_app
from booking_api.gate import limits
from booking_api.gate.cookies import SessionCookie
from booking_api.identity.passwords import Passwords
from booking_api.identity.sessions import memory
from reservation.database import create_engine
from tests.booking_api.people import (
    NUMBER,
    PASSWORD,
    HeldClock,
    events,
    good,
    open_client,
    quicken_hashes,
    refused,
    register,
    second,
    sign_in,
    signed_in,
    with_app,
)

NAME = "gongdao_session"
WISH = {"pool": 1, "units": [1]}
NEW_PASSWORD = "five oxen, no cart"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    quicken_hashes(monkeypatch)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Nothing is remembered, so that a test need not wait; tried by itself below."""
    monkeypatch.setattr(memory, "REMEMBERED_MS", 0)


@pytest.fixture
def app(settings, token):
    return create_app(settings)


@pytest.fixture
async def client(app):
    async with open_client(app) as client:
        yield client


@pytest.fixture
async def run(database_url):
    engine = create_engine(database_url, connections=1)

    async def execute(statement, **values):
        async with engine.begin() as connection:
            return await connection.execute(text(statement), values)

    yield execute
    await engine.dispose()


class Browser:
    """One browser: its cookie, and the token its page has been given."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.id: str | None = None
        self.csrf = ""

    async def send(self, method: str, path: str, *, json=None, **headers: str):
        """Sends with the cookie and the token, and takes what cookie comes; headers by name, `_` for `-`."""
        told = {name.replace("_", "-"): value.encode("latin-1") for name, value in headers.items()}
        if self.id:
            told = {"Cookie": f"theme=dark; {NAME}={self.id}", "X-CSRF-Token": self.csrf} | told
        answer = await self.client.request(method, f"/api/v1{path}", json=json, headers=told)
        self.client.cookies.clear()
        given = answer.headers.get("set-cookie", "").partition(";")[0].partition("=")
        if given[0] == NAME:
            self.id = given[2]
        return answer

    async def sign_in(self, **which):
        body = {"login": "zhang.wei", "password": PASSWORD} | which
        answer = await self.send("POST", "/session", json=body)
        self.csrf = good(answer)["csrf_token"]
        return answer

    def copy(self) -> "Browser":
        twin = Browser(self.client)
        twin.id, twin.csrf = self.id, self.csrf
        return twin


@pytest.fixture
async def browser(client):
    await register(client)
    browser = Browser(client)
    await browser.sign_in()
    return browser


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


async def test_over_tls_the_cookie_is_the_hosts_own_and_secure(settings, token):
    public = replace(settings, public_url="https://booking.example.cn", host="0.0.0.0")
    async with open_client(create_app(public)) as client:
        await register(client)
        body = {"login": "zhang.wei", "password": PASSWORD}
        answer = await client.post("/api/v1/session", json=body)
        good(answer)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-gongdao_session=")
        assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
        plain = {"Cookie": cookie.partition(";")[0].removeprefix("__Host-")}
        client.cookies.clear()
        refused(await client.get("/api/v1/session", headers=plain), 401, "token_missing")
        good(await client.get("/api/v1/session", headers={"Cookie": cookie.partition(";")[0]}))


async def test_where_a_network_could_read_the_cookie_there_is_none(settings, token):
    async with open_client(create_app(replace(settings, host="0.0.0.0"))) as client:
        await register(client)
        body = {"login": "zhang.wei", "password": PASSWORD}
        answer = await client.post("/api/v1/session", json=body)
        refused(answer, 409, "public_url_needed")
        assert "set-cookie" not in answer.headers


FOREIGN = [
    {"X_CSRF_Token": ""},
    {"X_CSRF_Token": "A" * 43},
    {"X_CSRF_Token": "é"},
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8001"},
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
]
OWN = [
    {"Origin": "http://127.0.0.1:8000", "Sec_Fetch_Site": "same-origin"},
    {"Origin": "http://localhost:8000"},
]


async def test_a_write_needs_the_token_and_comes_from_our_own_pages(browser):
    for headers in FOREIGN:
        told = refused(await browser.send("POST", "/holds", json=WISH, **headers), 403, "csrf_refused")
        assert "http://127.0.0.1:8000" in told["expected"]
        refused(await browser.send("DELETE", "/session", **headers), 403, "csrf_refused")
    for headers in OWN:
        refused(await browser.send("POST", "/holds", json=WISH, **headers), 403, "not_verified")
    good(await browser.send("GET", "/bookings", X_CSRF_Token="", Sec_Fetch_Site="cross-site"))


async def test_another_sessions_token_is_none(client, browser):
    await register(client, login="li.na", identity_number="440524188001010014")
    other = Browser(client)
    await other.sign_in(login="li.na")
    answer = await browser.send("DELETE", "/session", X_CSRF_Token=other.csrf)
    refused(answer, 403, "csrf_refused")


async def test_without_the_check_another_site_could_sign_somebody_out(browser, monkeypatch):
    """The negative control of the two tests above."""
    monkeypatch.setattr(SessionCookie, "check_write", lambda *_, **__: None)
    good(await browser.send("DELETE", "/session", X_CSRF_Token="", Origin="https://elsewhere.example"), 204)


async def test_with_an_access_token_the_cookie_is_not_looked_at(client, browser):
    mine = await signed_in(client)
    elsewhere = mine | {"Origin": "https://elsewhere.example", "X_CSRF_Token": ""}
    refused(await browser.send("POST", "/holds", json=WISH, **elsewhere), 403, "not_verified")
    refused(await browser.send("GET", "/session", Authorization="Bearer x"), 401, "token_invalid")
    refused(await browser.send("GET", "/session", **mine), 404, "session_missing")
    refused(await browser.send("DELETE", "/session", **mine), 404, "session_missing")


async def test_a_cookie_that_can_be_none_of_ours_is_none(client):
    for cookie in ("", NAME, f"{NAME}=", f"{NAME}=x", f"{NAME}=\xff" + "A" * 42, f"x{NAME}={'A' * 43}"):
        answer = await client.get("/api/v1/session", headers={"Cookie": cookie.encode("latin-1")})
        refused(answer, 401, "token_missing")


async def test_ids_nobody_has_are_refused_and_counted(client):
    answers = [await client.get("/api/v1/session", headers={"Cookie": f"{NAME}={n:043d}"}) for n in range(35)]
    assert {answer.json()["code"] for answer in answers} == {"session_ended", "rate_limited"}


async def test_another_site_cannot_sign_a_browser_in(client):
    await register(client)
    body = f'{{"login": "zhang.wei", "password": "{PASSWORD}"}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = await client.post("/api/v1/session", content=body, headers={"Content-Type": kind})
        assert answer.status_code in {400, 415}, kind
        assert "set-cookie" not in answer.headers
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        own = {"Content-Type": "application/json; charset=utf-8"}
        refused(
            await client.post("/api/v1/session", content=body, headers=own | headers), 403, "csrf_refused"
        )
    good(
        await client.post("/api/v1/session", content=body, headers=own | {"Origin": "http://localhost:8000"})
    )


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
    assert good(await browser.send("POST", "/verifications", json=body))["verified"] is True
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


async def test_neither_id_nor_token_is_stored(browser, run):
    row = (
        await run("SELECT s::text || c::text || encode(c.digest, 'escape') FROM session s, session_cookie c")
    ).scalar_one()
    assert browser.id not in row
    assert browser.csrf not in row
    digest = (await run("SELECT digest FROM session_cookie")).scalar_one()
    assert digest == hashlib.sha256(browser.id.encode()).digest()
