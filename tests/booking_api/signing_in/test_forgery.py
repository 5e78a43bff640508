"""A session's cookie, and what another site can do with the browser that has it: nothing."""

import pytest
from litestar.testing import RequestFactory
from msgspec.structs import replace

from booking_api.app import create_app
from booking_api.gate.cookies import SessionCookie
from booking_api.identity.sessions.errors import CsrfRefused
from tests.booking_api.signing_in.people import (
    NAME,
    PASSWORD,
    Browser,
    good,
    open_client,
    refused,
    register,
    signed_in,
)

WISH = {"pool": 1, "units": [1]}


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


def test_a_form_carries_the_token_in_a_field(settings):
    cookie, right = SessionCookie(settings), "A" * 43
    request = RequestFactory().post("/", headers={"X-CSRF-Token": right})
    cookie.check_write(request, csrf=right)
    cookie.check_write(RequestFactory().post("/"), csrf=right, form_token=right)
    for sent, field in ((request, ""), (request, "B" * 43), (RequestFactory().post("/"), None)):
        with pytest.raises(CsrfRefused):
            cookie.check_write(sent, csrf=right, form_token=field)
