"""What a provider says of itself and of a person who declines, and what it may not lead to."""

import pytest

from booking_api import clock
from booking_api.identity.oidc import provider as provider_module
from booking_api.identity.oidc.provider import Client, Discovery, Provider
from booking_api.outbound import Outbound
from tests.booking_api.identity.oidc.identity_provider import CLIENT, SECRET
from tests.booking_api.identity.oidc.signing_in import (
    START,
    back,
    begun,
    linked,
    provided,
    refused,
    signed_in,
)


async def test_a_person_who_declines_is_told_and_nothing_of_the_providers_words_comes_back(both):
    client, idp = both
    brought = idp.authorize(await begun(client))
    answer = await back(
        client,
        {"state": brought["state"], "error": "access_denied", "error_description": "<b>evil</b>"},
    )
    refused(answer, 403, "provider_refused")
    assert "evil" not in answer.text


async def test_an_answer_of_another_provider_is_refused(both):
    client, idp = both
    await linked(client, idp)
    refused(await signed_in(client, idp, iss="http://127.0.0.1:1"), 403, "provider_refused")
    assert (await signed_in(client, idp, iss=idp.issuer)).status_code == 200


async def test_a_provider_that_always_names_itself_must_do_so(settings, token):
    async with provided(settings) as (client, idp):
        idp.description = {"authorization_response_iss_parameter_supported": True}
        refused(await signed_in(client, idp), 403, "provider_refused")


async def test_a_description_that_cannot_be_believed_is_not_used(both, monkeypatch):
    monkeypatch.setattr(provider_module, "SILENT_S", 0)
    client, idp = both
    for idp.description in (
        {"issuer": "http://127.0.0.1:1"},
        {"token_endpoint": "http://192.0.2.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": 7},
    ):
        answer = await client.get(START, follow_redirects=False)
        refused(answer, 503, "provider_unavailable")
        assert answer.headers["Retry-After"] == "30"


async def test_a_provider_on_tls_does_not_lead_to_plain_addresses_of_this_machine():
    client = Client(
        issuer="https://login.example.cn", id=CLIENT, secret=SECRET, redirect_uri="x", page_redirect_uri="y"
    )
    provider = Provider(Outbound(), client, key=b"k", now_s=clock.now_s)
    endpoints = dict.fromkeys(("authorization_endpoint", "token_endpoint", "jwks_uri"), f"{client.issuer}/x")
    provider._check(Discovery(issuer=client.issuer, **endpoints))
    for name in endpoints:
        led = endpoints | {name: "http://127.0.0.1:9464/metrics"}
        with pytest.raises(ValueError, match="out of TLS"):
            provider._check(Discovery(issuer=client.issuer, **led))


async def test_nobody_waits_for_a_provider_that_has_just_not_answered(both, monkeypatch):
    client, idp = both
    idp.description = {"issuer": "http://127.0.0.1:1"}
    for _ in range(3):
        refused(await client.get(START, follow_redirects=False), 503, "provider_unavailable")
    assert len(idp.seen) == 1
