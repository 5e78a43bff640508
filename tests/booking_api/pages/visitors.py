"""Browsers without scripts: what they send, what a page shows them, and who they are signed in as."""

import re
from html.parser import HTMLParser

from httpx import AsyncClient
from sqlalchemy import text

from booking_api.identity.sessions.rows import begin_session
from booking_api.settings import Settings
from reservation.database import create_engine
from tests.apps import app_of
from tests.booking_api.signing_in.people import NAME, NUMBER, open_client

CSRF = re.compile(r'name="csrf" value="([^"]*)"')


class Shown(HTMLParser):
    """What a test asks of a page: its elements with their attributes, and its text."""

    def __init__(self, answer) -> None:
        super().__init__()
        assert answer.headers["content-type"] == "text/html; charset=utf-8", answer.text
        self.status = answer.status_code
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(answer.text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag, **wanted):
        """Every element of this tag with these attributes; `_` stands for `-`, `class_` for `class`."""
        return [
            attributes
            for name, attributes in self.elements
            if name == tag
            and all(
                attributes.get(key.rstrip("_").replace("_", "-")) == value for key, value in wanted.items()
            )
        ]


class Visiting:
    """One browser without scripts: its cookies, and the token of the last page it saw."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.cookies: dict[str, str] = {"gongdao_lang": "en"}
        self.csrf = ""

    async def get(self, path: str, **headers: str):
        return self._seen(await self.client.get(path, headers=headers | self._cookies()))

    async def post(self, path: str, files=None, **fields):
        data = {"csrf": self.csrf} | fields
        return self._seen(await self.client.post(path, data=data, files=files, headers=self._cookies()))

    async def page(self, path: str, **headers: str) -> Shown:
        return Shown(await self.get(path, **headers))

    def _cookies(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _seen(self, answer):
        for told in answer.headers.get_list("set-cookie"):
            name, _, value = told.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.client.cookies.clear()
        if found := CSRF.search(answer.text):
            self.csrf = found[1]
        return answer


async def account_row(
    database_url: str, account: str, *, verified: bool = True, roles: tuple[str, ...] = ()
) -> None:
    """An account as the register of accounts has it, without a password that anybody knows."""
    engine = create_engine(database_url, connections=1)
    try:
        async with engine.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO account (id, login, identity_number, name, phone, password_hash, verified_at, verified_by, roles)"
                    " VALUES (:id, :id, :number, :name, '13800138000', 'x', CASE WHEN :verified THEN now() END, CASE WHEN :verified THEN 'x' END, :roles)"
                ),
                {
                    "id": account,
                    # One number is one verified person: nothing here asks whether it could be a real one.
                    "number": f"{NUMBER[:-4]}{len(account):02}{sum(account.encode()) % 100:02}",
                    "name": f"Name of {account}",
                    "verified": verified,
                    "roles": list(roles),
                },
            )
    finally:
        await engine.dispose()


async def signed_in(client: AsyncClient, database_url: str, account: str) -> Visiting:
    """A browser in which this account has signed in."""
    engine = create_engine(database_url, connections=1)
    try:
        _, told = await begin_session(engine, account=account, instead_of=None)
    finally:
        await engine.dispose()
    browser = Visiting(client)
    browser.cookies[NAME] = told
    # A page with a form, which has the session's token.
    await browser.get("/sign-in")
    return browser


def opened(settings: Settings):
    """The application's client, whose requests run at once."""
    return open_client(app_of(settings))
