"""Signing in through an identity provider that speaks OpenID Connect on loopback, and everything that must not pass."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from litestar.testing import AsyncTestClient
from msgspec.structs import replace
from sqlalchemy import text

from booking_api import clock
from booking_api.app import create_app
from booking_api.identity import passwords
from booking_api.identity.oidc import provider as provider_module
from booking_api.identity.oidc.provider import Client, Discovery, Provider
from booking_api.outbound import Outbound
from booking_api.settings import Rate
from tests.peers import Told, peer

CLIENT, SECRET = "gongdao", "a secret of the client: 100%"
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
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
KEYS = {
    "RS256": RSA,
    "PS256": RSA,
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
}


def by_hand(header, claims, secret):
    """A token no library would make: no signature at all, or one keyed with what everybody knows."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signed = b".".join(parts)
    mac = hmac.new(secret, signed, hashlib.sha256).digest() if header["alg"] == "HS256" else b""
    return b".".join([signed, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()


class IdentityProvider:
    """Discovery, keys, and a token endpoint that checks the client, the code and its PKCE challenge."""

    def __init__(self, *, auth_method: str = "client_secret_basic") -> None:
        self.issuer = ""
        self.auth_method = auth_method
        self.subject = "subject-1"
        self.codes: dict[str, dict[str, str]] = {}
        self.algorithm = "RS256"
        self.key = None
        self.published = {key.kid: key for key in KEYS.values()}
        self.claims: dict[str, object] = {}
        self.description: dict[str, object] = {}
        self.seen: list[str] = []

    async def answer(self, asked):
        self.seen.append(asked.path)
        if asked.path == "/.well-known/openid-configuration":
            return self._described()
        if asked.path == "/keys":
            public = [key.as_dict(private=False) for key in self.published.values()]
            return Told(200, json.dumps({"keys": public}).encode())
        return self._token(asked) if (asked.method, asked.path) == ("POST", "/token") else Told(404)

    def _described(self):
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": [self.auth_method],
        }
        return Told(200, json.dumps(told | self.description).encode())

    def authorize(self, url: str) -> dict[str, str]:
        """The person agrees: what the browser brings back to the callback."""
        request = dict(parse_qsl(urlsplit(url).query))
        assert url.startswith(f"{self.issuer}/authorize?tenant=1&")
        assert request["response_type"] == "code"
        assert request["client_id"] == CLIENT
        assert "openid" in request["scope"].split()
        assert request["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = request
        return {"code": code, "state": request["state"]}

    def _known_client(self, asked) -> bool:
        if self.auth_method == "client_secret_post":
            return (asked.form.get("client_id"), asked.form.get("client_secret")) == (CLIENT, SECRET)
        kind, _, pair = asked.headers.get("authorization", "").partition(" ")
        client, _, secret = base64.b64decode(pair).decode().partition(":")
        return kind == "Basic" and (unquote(client), unquote(secret)) == (CLIENT, SECRET)

    def _token(self, asked):
        if not self._known_client(asked):
            return Told(401, b'{"error": "invalid_client"}')
        form = asked.form
        request = self.codes.pop(form.get("code", ""), None)
        if request is None or form["grant_type"] != "authorization_code":
            return Told(400, b'{"error": "invalid_grant"}')
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if (proof.rstrip(b"=").decode(), form["redirect_uri"]) != (
            request["code_challenge"],
            request["redirect_uri"],
        ):
            return Told(400, b'{"error": "invalid_grant"}')
        access = secrets.token_urlsafe(16)
        told = {"access_token": access, "token_type": "Bearer", "id_token": self._signed(request, access)}
        return Told(200, json.dumps(told).encode())

    def _signed(self, request, access):
        now = clock.now_s()
        digest = (hashlib.sha512 if self.algorithm == "Ed25519" else hashlib.sha256)(access.encode()).digest()
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": self.subject,
            "iat": now,
            "exp": now + 300,
            "nonce": request["nonce"],
            "at_hash": base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode(),
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        if isinstance(self.key, bytes):
            return by_hand({"alg": self.algorithm, "kid": "rsa"}, claims, self.key)
        key = self.key or KEYS[self.algorithm]
        header = {"alg": self.algorithm, "kid": key.kid}
        return jwt.encode(header, claims, key, algorithms=[self.algorithm])


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    quick = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "PasswordHasher", lambda: quick)


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
        async with AsyncTestClient(create_app(with_provider)) as client:
            yield client, idp


@pytest.fixture
async def both(settings, token):
    async with provided(settings) as pair:
        yield pair


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


async def test_every_algorithm_of_ours_signs_in(both):
    client, idp = both
    await linked(client, idp)
    for idp.algorithm in KEYS:
        assert (await signed_in(client, idp)).status_code == 200


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


CLAIMS = [
    {"nonce": "of another sign-in"},
    {"nonce": None},
    {"nonce": ["x"]},
    {"iss": "http://127.0.0.1:1"},
    {"iss": None},
    {"aud": "another client"},
    {"aud": None},
    {"aud": [CLIENT, "another client"]},
    {"azp": "another client"},
    {"exp": 1},
    {"exp": None},
    {"exp": "tomorrow"},
    {"iat": 2**40},
    {"iat": None},
    {"nbf": 2**40},
    {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    {"at_hash": 1},
    {"sub": ""},
    {"sub": None},
    {"sub": 7},
    {"sub": "x" * 256},
    {"sub": "a\x00b"},
]


async def test_a_token_that_is_not_of_this_sign_in_is_not_believed(both):
    client, idp = both
    await linked(client, idp)
    told = []
    for idp.claims in CLAIMS:
        told.append((idp.claims, (await signed_in(client, idp)).json().get("code")))
    assert told == [(wrong, "id_token_refused") for wrong in CLAIMS]


async def test_several_audiences_and_no_hash_are_believed_where_the_standard_says_so(both):
    """The positive control of the claims above."""
    client, idp = both
    await linked(client, idp)
    idp.claims = {"aud": [CLIENT, "another client"], "azp": CLIENT, "at_hash": None}
    assert (await signed_in(client, idp)).status_code == 200


FORGERIES = {
    "alg none": lambda: ("none", b""),
    "HS256 with the public key": lambda: ("HS256", RSA.as_pem(private=False)),
    "HS256 with the client's secret": lambda: ("HS256", SECRET.encode()),
    "another key under a known name": lambda: ("RS256", RSAKey.generate_key(2048, {"kid": "rsa"})),
    "another key under no known name": lambda: ("RS256", RSAKey.generate_key(2048, {"kid": "evil"})),
}


async def test_a_token_the_provider_has_not_signed_is_not_believed(both):
    client, idp = both
    await linked(client, idp)
    told = {}
    for name, forgery in FORGERIES.items():
        idp.algorithm, idp.key = forgery()
        told[name] = (await signed_in(client, idp)).json().get("code")
    assert told == dict.fromkeys(FORGERIES, "id_token_refused")


async def test_a_new_key_is_fetched_but_not_for_every_forged_token(both, monkeypatch):
    client, idp = both
    await linked(client, idp)
    idp.key = ECKey.generate_key("P-256", {"kid": "new"})
    idp.algorithm = "ES256"
    idp.published["new"] = idp.key
    refused(await signed_in(client, idp), 403, "id_token_refused")
    assert idp.seen.count("/keys") == 1
    monkeypatch.setattr(provider_module, "FETCHED_AGAIN_AFTER_S", 0)
    assert (await signed_in(client, idp)).status_code == 200
    assert idp.seen.count("/keys") == 2


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


async def test_without_a_provider_nothing_begins(client, token):
    refused(await client.get(START), 404, "oidc_off")
    refused(await client.get(CALLBACK, params={"state": "x", "code": "x"}), 404, "oidc_off")
    refused(await client.post(LINKS, headers=token("a")), 404, "oidc_off")
