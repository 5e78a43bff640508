"""An identity provider that speaks OpenID Connect on loopback, and can be told to lie."""

import base64
import hashlib
import hmac
import json
import secrets
from urllib.parse import parse_qsl, unquote, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from booking_api import clock
from tests.peers import Told

CLIENT, SECRET = "gongdao", "a secret of the client: 100%"
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
