"""Access tokens: Ed25519 JWT (RFC 7519, RFC 9864), short-lived, signed with a key kept in one file.

Imports joserfc. A token verified once is remembered until it expires, so that a client's next requests cost a look-up;
the memory is bounded and holds digests' worth of trust only within this process.
"""

import json
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OKPKey

from booking_api.errors import TokenExpired, TokenInvalid, TokenMissing

ALGORITHM = "Ed25519"
ISSUER = "gongdao"
AUDIENCE = "gongdao-api"
REMEMBERED = 10_000
TOKEN_LENGTH_LIMIT = 4_096
ACCOUNT_ID_LIMIT = 100


class Account(NamedTuple):
    """Who asks: the account's id, what its token vouches for, and until when.

    `verified`: a counter or a register has found the person behind it (I6). `roles` beside applicant, each a name and
    what it is for, such as `operator:cn-zj-hz`.
    """

    id: str
    vehicles: tuple[str, ...]
    expires_at_s: int
    verified: bool
    roles: frozenset[str]

    def scopes(self, role: str) -> frozenset[str]:
        """What the account has this role for: authorities, schools or stations; empty when it has it for none.

        >>> Account("p1", (), 0, True, frozenset(["operator:cn-zj-hz", "clerk:cn-zj"])).scopes("operator")
        frozenset({'cn-zj-hz'})
        """
        named = (text.partition(":") for text in self.roles)
        return frozenset(scope for name, _, scope in named if name == role)


class KeyFileError(ValueError):
    """The key file cannot be used; the message says why."""


def load_key(path: Path) -> OKPKey:
    """Reads the signing key.

    Raises:
        KeyFileError: it is not there, or not a private Ed25519 key.
    """
    try:
        key = OKPKey.import_key(json.loads(path.read_text()))
    except FileNotFoundError:
        raise KeyFileError(f"{path}: no key there; `gongdao serve` makes one") from None
    except (OSError, ValueError, JoseError) as error:
        raise KeyFileError(f"{path}: not an Ed25519 key in JWK form") from error
    if key.get("crv") != "Ed25519" or not key.is_private:
        raise KeyFileError(f"{path}: not a private Ed25519 key")
    return key


def make_key(path: Path) -> OKPKey:
    """The key in this file, made if there is none. Two processes that make it at once end with the same one.

    Raises:
        KeyFileError: what is there is not a key.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    if not path.exists():
        key = OKPKey.generate_key(ALGORITHM, auto_kid=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(key.as_dict(private=True), file)
            file.flush()
            os.fsync(file.fileno())
        # A link, not a rename: if another process made its key first, that one counts and no token is orphaned.
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return load_key(path)


def issue_token(
    key: OKPKey,
    *,
    account: str,
    now_s: int,
    life_s: int,
    verified: bool,
    roles: Sequence[str] = (),
    vehicles: Sequence[str] = (),
) -> str:
    """A token for one account, valid for `life_s` seconds from `now_s`.

    Raises:
        ValueError: the account id is empty or longer than ACCOUNT_ID_LIMIT.
    """
    if not 0 < len(account) <= ACCOUNT_ID_LIMIT:
        raise ValueError(f"account id must have 1 to {ACCOUNT_ID_LIMIT} characters")
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": account,
        "iat": now_s,
        "exp": now_s + life_s,
        "verified": verified,
        "roles": list(roles),
        "vehicles": list(vehicles),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])


class TokenVerifier:
    """Checks tokens with the public key and remembers the good ones until they expire."""

    def __init__(self, key: OKPKey, *, now_s: Callable[[], int]) -> None:
        self._key = OKPKey.import_key(key.as_dict(private=False))
        self._now_s = now_s
        self._registry = jwt.JWTClaimsRegistry(
            now=now_s,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            sub={"essential": True},
            exp={"essential": True},
        )
        self._known: OrderedDict[str, Account] = OrderedDict()

    def account(self, authorization: str | None) -> Account:
        """The account an Authorization header speaks for.

        Raises:
            TokenMissing: there is no bearer token.
            TokenInvalid: signature, issuer, audience or form is wrong.
            TokenExpired: its time is over.
        """
        if authorization is None or authorization[:7].lower() != "bearer ":
            raise TokenMissing(headers={"WWW-Authenticate": "Bearer"})
        token = authorization[7:].strip()
        account = self._known.get(token)
        if account is None:
            account = self._verify(token)
            self._known[token] = account
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        if account.expires_at_s <= self._now_s():
            self._known.pop(token, None)
            raise TokenExpired(headers=_CHALLENGE)
        return account

    def _verify(self, token: str) -> Account:
        if len(token) > TOKEN_LENGTH_LIMIT:
            raise TokenInvalid(headers=_CHALLENGE)
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            self._registry.validate(claims)
        except ExpiredTokenError:
            raise TokenExpired(headers=_CHALLENGE) from None
        except (JoseError, ValueError) as error:
            raise TokenInvalid(headers=_CHALLENGE) from error
        account, vehicles = claims["sub"], claims.get("vehicles", [])
        if not isinstance(account, str) or not 0 < len(account) <= ACCOUNT_ID_LIMIT:
            raise TokenInvalid(headers=_CHALLENGE)
        return Account(
            id=account,
            vehicles=tuple(map(str, vehicles)),
            expires_at_s=int(claims["exp"]),
            verified=claims.get("verified") is True,
            roles=frozenset(map(str, claims.get("roles", []))),
        )


_CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
