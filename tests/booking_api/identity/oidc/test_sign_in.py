"""Signing in through an identity provider that speaks OpenID Connect: accounts, links and their owners."""

from sqlalchemy import text

from tests.booking_api.identity.oidc.signing_in import (
    CALLBACK,
    LINKS,
    START,
    back,
    linked,
    provided,
    refused,
    registered,
    signed_in,
)


async def test_an_account_that_linked_an_identity_is_signed_in_by_it(both):
    client, idp = both
    await linked(client, idp)
    answer = await signed_in(client, idp)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["account"]["login"] == "zhang.wei"
    mine = {"Authorization": f"Bearer {told['access_token']}"}
    assert (await client.get("/api/v1/accounts/me", headers=mine)).json() == told["account"]
    again = await client.post("/api/v1/tokens", json={"refresh_token": told["refresh_token"]})
    assert again.status_code == 200


async def test_the_secret_goes_in_the_body_where_the_provider_wants_it_there(settings, token):
    async with provided(settings, auth_method="client_secret_post") as (client, idp):
        await linked(client, idp)
        assert (await signed_in(client, idp)).status_code == 200


async def test_an_identity_nobody_has_linked_opens_no_account(both, kernel):
    client, idp = both
    refused(await signed_in(client, idp), 403, "not_linked")
    async with kernel.engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM account"))).scalar_one() == 0


async def test_links_are_listed_and_removed_by_their_owner_only(both):
    client, idp = both
    mine = await linked(client, idp)
    theirs = await registered(client, login="li.na")
    assert (await client.get(LINKS, headers=theirs)).json() == {"external_identities": []}
    [found] = (await client.get(LINKS, headers=mine)).json()["external_identities"]
    assert (found["issuer"], found["subject"]) == (idp.issuer, "subject-1")
    one = f"{LINKS}/{found['id']}"
    refused(await client.delete(one, headers=theirs), 404, "unknown_external_identity")
    refused(await client.delete(f"{LINKS}/x", headers=mine), 404, "unknown_external_identity")
    assert (await client.delete(one, headers=mine)).status_code == 204
    refused(await signed_in(client, idp), 403, "not_linked")


async def test_an_identity_is_one_accounts_and_an_account_has_one_of_a_provider(both):
    client, idp = both
    mine = await linked(client, idp)
    await linked(client, idp)  # again: nothing changes
    assert len((await client.get(LINKS, headers=mine)).json()["external_identities"]) == 1
    theirs = await registered(client, login="li.na")
    asked = await client.post(LINKS, headers=theirs)
    taken = await back(client, idp.authorize(asked.json()["authorization_url"]))
    refused(taken, 409, "linked_elsewhere")
    idp.subject = "subject-2"
    asked = await client.post(LINKS, headers=mine)
    refused(await back(client, idp.authorize(asked.json()["authorization_url"])), 409, "linked_elsewhere")


async def test_without_a_provider_nothing_begins(client, token):
    refused(await client.get(START), 404, "oidc_off")
    refused(await client.get(CALLBACK, params={"state": "x", "code": "x"}), 404, "oidc_off")
    refused(await client.post(LINKS, headers=token("a")), 404, "oidc_off")
