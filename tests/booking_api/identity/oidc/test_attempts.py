"""A sign-in that was begun ends once, in time, in the browser that began it; nothing secret of it is stored or seen."""

from urllib.parse import parse_qsl, urlsplit

from msgspec.structs import replace
from sqlalchemy import text

from tests.booking_api.identity.oidc.signing_in import (
    LINKS,
    START,
    back,
    begun,
    linked,
    provided,
    refused,
    registered,
    signed_in,
)


async def test_a_code_and_a_state_are_good_once(both):
    client, idp = both
    await linked(client, idp)
    brought = idp.authorize(await begun(client))
    cookies = dict(client.cookies)
    assert (await back(client, brought)).status_code == 200
    client.cookies.update(cookies)
    refused(await back(client, brought), 403, "sign_in_attempt_refused")
    # The code in another sign-in of one's own: the provider has spent it.
    fresh = idp.authorize(await begun(client))
    refused(await back(client, fresh, code=brought["code"]), 403, "provider_refused")


async def test_a_stolen_code_is_worth_nothing_in_another_sign_in(both):
    """The code was not spent, but its challenge is that of the sign-in it was issued for."""
    client, idp = both
    await linked(client, idp)
    stolen = idp.authorize(await begun(client))
    refused(await signed_in(client, idp, code=stolen["code"]), 403, "provider_refused")


async def test_a_sign_in_ends_in_the_browser_that_began_it(both):
    """Else somebody could sign another person in as themselves, or have them link their identity to a foreign account."""
    client, idp = both
    mine = await registered(client)
    for url in (
        await begun(client),
        (await client.post(LINKS, headers=mine)).json()["authorization_url"],
    ):
        brought = idp.authorize(url)
        client.cookies.clear()
        refused(await back(client, brought), 403, "sign_in_attempt_refused")
        await begun(client)  # a cookie, but of another sign-in
        refused(await back(client, brought), 403, "sign_in_attempt_refused")
    assert (await client.get(LINKS, headers=mine)).json() == {"external_identities": []}


async def test_an_unknown_state_is_refused(both):
    client, idp = both
    for state in ("x", "", "é\x00"):
        refused(await signed_in(client, idp, state=state), 403, "sign_in_attempt_refused")


async def test_a_sign_in_lasts_ten_minutes(both, kernel):
    client, idp = both
    await linked(client, idp)
    brought = idp.authorize(await begun(client))
    async with kernel.engine.begin() as connection:
        await connection.execute(text("UPDATE authorization_attempt SET expires_at = now()"))
    refused(await back(client, brought), 403, "sign_in_attempt_refused")
    await begun(client)
    async with kernel.engine.connect() as connection:
        left = await connection.execute(text("SELECT count(*) FROM authorization_attempt"))
        assert left.scalar_one() == 1


async def test_no_secret_of_a_sign_in_is_stored_as_it_is(both, kernel):
    client, _ = both
    request = dict(parse_qsl(urlsplit(await begun(client)).query))
    async with kernel.engine.connect() as connection:
        row = (
            await connection.execute(
                text("SELECT encode(state_digest, 'escape') || a::text FROM authorization_attempt a")
            )
        ).scalar_one()
    for secret in (request["state"], request["nonce"], *client.cookies.values()):
        assert secret not in row


async def test_the_cookie_is_out_of_reach_for_scripts_and_neighbours(settings, token):
    public = replace(settings, public_url="https://booking.example.cn")
    async with provided(public) as (client, _):
        answer = await client.get(START, follow_redirects=False)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-gongdao-oidc=")
        assert cookie.endswith("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure")
        query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        assert query["redirect_uri"] == "https://booking.example.cn/api/v1/sign-in/oidc/callback"
