"""The installation's identity provider: its discovery document, its keys, its token endpoint. Imports `outbound`, joserfc.

What was fetched is kept for a while, and fetched by one request at a time.
"""

import asyncio
import hashlib
import logging
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, urlencode

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from booking_api.identity.oidc.attempts import Attempt
from booking_api.identity.oidc.errors import IdTokenRefused, ProviderRefused, ProviderUnavailable
from booking_api.identity.oidc.id_token import Expected, Unbelievable, UnknownKey, subject_of
from booking_api.outbound import Outbound, OutboundError
from booking_api.settings import checked_url

log = logging.getLogger(__name__)

KEPT_S = 600
FETCHED_AGAIN_AFTER_S = 30
"""How soon keys are fetched again for a token that names an unknown one: not for every forged token."""
SILENT_S = 5
"""How long nobody waits for a provider that has just not answered."""
SCOPE = "openid"


class Discovery(msgspec.Struct, frozen=True):
    """The provider's own description (OpenID Connect Discovery 1.0, section 3); what we do not use is left out."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Granted(msgspec.Struct, frozen=True):
    """What the token endpoint gives for a code."""

    id_token: str
    access_token: str | None = None


class Client(NamedTuple):
    """What the provider knows us by."""

    issuer: str
    id: str
    secret: str
    redirect_uri: str
    page_redirect_uri: str
    """Where a browser comes back to a page, to be signed in by cookie; the provider has both on its list."""


class Provider:
    """One identity provider. `key` is what attempts are derived with; `now_s` gives seconds since 1970."""

    def __init__(self, outbound: Outbound, client: Client, *, key: bytes, now_s: Callable[[], int]) -> None:
        self.key = key
        self._outbound = outbound
        self._client = client
        self._now_s = now_s
        self._fetching = asyncio.Lock()
        self._known: tuple[Discovery, KeySet, int] | None = None
        self._silent_until_s = 0

    @property
    def issuer(self) -> str:
        """Who vouches."""
        return self._client.issuer

    async def authorization_url(self, attempt: Attempt, *, page: bool = False) -> str:
        """Where the browser is sent (RFC 6749, 4.1.1, with PKCE S256); `page` brings it back to a page.

        Raises:
            ProviderUnavailable: its description cannot be had.
        """
        discovery, _ = await self._described()
        challenge = urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=")
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._client.id,
                "redirect_uri": self._redirect_uri(page=page),
                "scope": SCOPE,
                "state": attempt.state,
                "nonce": attempt.nonce,
                "code_challenge": challenge.decode(),
                "code_challenge_method": "S256",
            }
        )
        endpoint = discovery.authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"

    async def check_sender(self, issuer: str | None) -> None:
        """Refuses an answer another provider sent (RFC 9207).

        Raises:
            ProviderRefused: it names another issuer, or none though this one always does.
            ProviderUnavailable: its description cannot be had.
        """
        discovery, _ = await self._described()
        always = discovery.authorization_response_iss_parameter_supported
        if issuer != self.issuer and (issuer is not None or always):
            raise ProviderRefused

    async def subject(self, attempt: Attempt, *, code: str, page: bool = False) -> str:
        """Whom the provider vouches for, for the code of this attempt.

        Raises:
            ProviderRefused: the code is not good.
            ProviderUnavailable: no answer, or none that can be read.
            IdTokenRefused: the token is not believed.
        """
        granted = await self._exchange(code, attempt.verifier, self._redirect_uri(page=page))
        expected = Expected(
            issuer=self.issuer,
            client_id=self._client.id,
            nonce=attempt.nonce,
            access_token=granted.access_token,
            now_s=self._now_s(),
        )
        try:
            try:
                return subject_of(granted.id_token, (await self._described())[1], expected)
            except UnknownKey:
                keys = (await self._described(older_than_s=FETCHED_AGAIN_AFTER_S))[1]
                return subject_of(granted.id_token, keys, expected)
        except Unbelievable as error:
            log.warning("identity provider: an ID token is not believed: %s", error)
            raise IdTokenRefused from error

    def _redirect_uri(self, *, page: bool) -> str:
        return self._client.page_redirect_uri if page else self._client.redirect_uri

    async def _exchange(self, code: str, verifier: str, redirect_uri: str) -> Granted:
        discovery, _ = await self._described()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        methods = discovery.token_endpoint_auth_methods_supported
        if "client_secret_basic" in methods or "client_secret_post" not in methods:
            pair = f"{quote(self._client.id, safe='')}:{quote(self._client.secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self._client.id, "client_secret": self._client.secret}
        try:
            # Asked once: a code is good for one exchange, a second one would end what the first was given.
            answer = await self._outbound.ask_once(
                "POST", discovery.token_endpoint, headers=headers, body=urlencode(form).encode()
            )
            if answer.status == 400:
                raise ProviderRefused
            if answer.status == 200:
                return msgspec.json.decode(answer.body, type=Granted)
            log.warning("identity provider: token endpoint: status %d", answer.status)
        except (OutboundError, msgspec.DecodeError) as error:
            log.warning("identity provider: token endpoint: %s", type(error).__name__)
        raise ProviderUnavailable

    async def _described(self, *, older_than_s: int = KEPT_S) -> tuple[Discovery, KeySet]:
        """Description and keys, fetched if what is kept is older than that.

        Raises:
            ProviderUnavailable: they cannot be had, or could not a moment ago.
        """
        async with self._fetching:
            if self._known is None or self._now_s() - self._known[2] >= older_than_s:
                discovery, keys = await self._fetch()
                self._known = discovery, keys, self._now_s()
            return self._known[0], self._known[1]

    async def _fetch(self) -> tuple[Discovery, KeySet]:
        if self._now_s() < self._silent_until_s:
            raise ProviderUnavailable
        try:
            url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            discovery = msgspec.json.decode(await self._document(url), type=Discovery)
            self._check(discovery)
            keys = KeySet.import_key_set(msgspec.json.decode(await self._document(discovery.jwks_uri)))
        except (OutboundError, msgspec.DecodeError, JoseError, ValueError, TypeError, KeyError) as error:
            log.warning("identity provider: %s: %s", type(error).__name__, error)
            self._silent_until_s = self._now_s() + SILENT_S
            raise ProviderUnavailable from error
        return discovery, keys

    def _check(self, discovery: Discovery) -> None:
        if discovery.issuer != self.issuer:
            raise ValueError("its description names another issuer")
        for endpoint in (discovery.authorization_endpoint, discovery.token_endpoint, discovery.jwks_uri):
            checked_url(endpoint)
            if self.issuer.startswith("https:") and not endpoint.startswith("https:"):
                raise ValueError("its description leads out of TLS")

    async def _document(self, url: str) -> bytes:
        answer = await self._outbound.ask_once("GET", url, headers={"Accept": "application/json"})
        if answer.status != 200:
            raise OutboundError(f"{url}: status {answer.status}")
        return answer.body
