"""Accounts for tests of what signed-in people do: registered over HTTP, quick to hash."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Litestar
from pyotp.totp import TOTP

from booking_api import clock
from booking_api.identity import passwords

NUMBER = "11010519491231002X"
OTHER_NUMBER = "440524188001010014"
PASSWORD = "four horses, one cart"
ZHANG = {
    "login": "zhang.wei",
    "identity_number": NUMBER,
    "name": "张伟",
    "phone": "13800138000",
    "password": PASSWORD,
}


def quicken_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with small parameters: its cost is argon2-cffi's own affair, not these tests'."""
    quick = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "PasswordHasher", lambda: quick)


@asynccontextmanager
async def open_client(app: Litestar) -> AsyncIterator[AsyncClient]:
    """A client whose requests run at once: the framework's own sends the next when the last is answered."""
    ready, over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        # In a task of its own, because a fixture ends in another task than it began in.
        async with app.lifespan():
            ready.set()
            await over.wait()

    living = asyncio.create_task(live())
    began = asyncio.create_task(ready.wait())
    await asyncio.wait({living, began}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if ready.is_set():
            transport = ASGITransport(app=app)
            async with AsyncClient(transport=transport, base_url="http://testserver.local") as client:
                yield client
    finally:
        began.cancel()
        over.set()
        await living


class HeldClock:
    """Seconds that pass only when a test says so; a little behind, so that no token is of the future."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = clock.now_s() - 300
        monkeypatch.setattr(clock, "now_s", lambda: self.now_s)

    def next_step(self) -> None:
        self.now_s += 30

    def code(self, secret: str, *, steps: int = 0) -> str:
        return TOTP(secret).at(self.now_s + 30 * steps)


NAME = "gongdao_session"


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


def refused(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    return answer.json()


def good(answer, status=200):
    assert answer.status_code == status, answer.text
    return answer.json() if status != 204 else None


async def register(client, **changed):
    return good(await client.post("/api/v1/accounts", json=ZHANG | changed), 201)["id"]


async def sign_in(client, login="zhang.wei", password=PASSWORD):
    return await client.post("/api/v1/sign-in", json={"login": login, "password": password})


async def signed_in(client, **which):
    tokens = good(await sign_in(client, **which))
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def ticket(client, **which):
    return refused(await sign_in(client, **which), 401, "second_factor_needed")["ticket"]


async def second(client, ticket, **factor):
    return await client.post("/api/v1/sign-in/second", json={"ticket": ticket, **factor})


async def set_up_app(client, mine):
    return good(await client.post("/api/v1/factors/totp", json={"password": PASSWORD}, headers=mine))[
        "secret"
    ]


async def activate_app(client, mine, code):
    return await client.post("/api/v1/factors/totp/activate", json={"code": code}, headers=mine)


async def with_app(client, held, mine):
    """(secret, recovery codes) of an app that is active; its last code used is one of the step before."""
    secret = await set_up_app(client, mine)
    codes = good(await activate_app(client, mine, held.code(secret)))["recovery_codes"]
    held.next_step()
    return secret, codes


async def events(client, mine):
    told = good(await client.get("/api/v1/accounts/me/events", headers=mine))["events"]
    return [(event["kind"], event["by"]) for event in told]
