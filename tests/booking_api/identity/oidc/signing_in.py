"""The application with an identity provider of its own, and the steps of signing in through it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar.testing import AsyncTestClient
from msgspec.structs import replace

from booking_api.settings import Rate
from tests.apps import app_of
from tests.booking_api.identity.oidc.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.peers import peer

START, CALLBACK = "/api/v1/sign-in/oidc", "/api/v1/sign-in/oidc/callback"
LINKS = "/api/v1/accounts/me/external-identities"
PASSWORD = "four horses, one cart"
ZHANG = {
    "login": "zhang.wei",
    "identity_number": "11010519491231002X",
    "name": "张伟",
    "phone": "13800138000",
    "password": PASSWORD,
}


@asynccontextmanager
async def provided(settings, **how) -> AsyncIterator[tuple[AsyncTestClient, IdentityProvider]]:
    """The application, with an identity provider of its own."""
    secret = settings.data / "oidc.secret"
    secret.write_text(f"{SECRET}\n")
    idp = IdentityProvider(**how)
    async with peer(idp.answer) as url:
        idp.issuer = url
        with_provider = replace(
            settings,
            oidc_issuer=url,
            oidc_client_id=CLIENT,
            oidc_client_secret_file=secret,
            account_rate=Rate(1_000, 1_000),
        )
        async with AsyncTestClient(app_of(with_provider)) as client:
            yield client, idp


def refused(answer, status, code):
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return answer.json()


async def begun(client) -> str:
    answer = await client.get(START, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.headers["location"]


async def back(client, brought, **changed):
    return await client.get(CALLBACK, params=brought | changed)


async def registered(client, **changed):
    await client.post("/api/v1/accounts", json=ZHANG | changed)
    who = {"login": (ZHANG | changed)["login"], "password": PASSWORD}
    told = (await client.post("/api/v1/sign-in", json=who)).json()
    return {"Authorization": f"Bearer {told['access_token']}"}


async def linked(client, idp, **changed):
    """An account linked to the provider's present subject; its headers."""
    mine = await registered(client, **changed)
    asked = await client.post(LINKS, headers=mine)
    assert asked.status_code == 201, asked.text
    done = await back(client, idp.authorize(asked.json()["authorization_url"]))
    assert done.status_code == 200, done.text
    assert done.json()["subject"] == idp.subject
    return mine


async def signed_in(client, idp, **changed):
    return await back(client, idp.authorize(await begun(client)), **changed)
