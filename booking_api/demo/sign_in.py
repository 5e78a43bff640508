"""Signing in to the demo by choosing who to be. These routes exist only where demo sign-ins are switched on.

Imports Litestar. Anybody can be anybody here, which is why the settings allow it on loopback only.
"""

from datetime import UTC, datetime

import msgspec
from joserfc.jwk import OKPKey
from litestar import Response, Router, get, post
from litestar.params import JSONBody

from booking_api import clock
from booking_api.demo.applicants import APPLICANTS, Applicant, applicant
from booking_api.errors import ApiError
from booking_api.identity.tokens import ACCOUNT_ID_LIMIT, issue_token

TOKEN_LIFE_S = 12 * 3_600
NO_STORE = {"Cache-Control": "no-store"}


class UnknownApplicant(ApiError):
    """The demo has nobody of this account id."""

    code = "unknown_applicant"
    status = 404
    sentence = "The demo has no applicant with this account. Choose one of `/demo/applicants`."


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who to be."""

    account: str


class SignedIn(msgspec.Struct, frozen=True):
    """A bearer token for the API and when it ends."""

    token: str
    expires_at: datetime


class Applicants(msgspec.Struct, frozen=True):
    """Everybody one can be."""

    applicants: tuple[Applicant, ...]


def sign_in_routes(key: OKPKey) -> Router:
    """The demo's sign-in, with the key that signs its tokens."""

    @post("/sign-in", status_code=200)
    async def post_sign_in(data: JSONBody[SignIn]) -> Response[SignedIn]:
        """Signs in as one of the demo's applicants."""
        person = applicant(data.account)
        if person is None:
            raise UnknownApplicant(account=data.account[:ACCOUNT_ID_LIMIT])
        now_s = clock.now_s()
        token = issue_token(
            key,
            account=person.account,
            now_s=now_s,
            life_s=TOKEN_LIFE_S,
            verified=True,
            vehicles=person.vehicles,
        )
        expires_at = datetime.fromtimestamp(now_s + TOKEN_LIFE_S, UTC)
        return Response(SignedIn(token, expires_at), headers=NO_STORE)

    @get("/applicants")
    async def get_applicants() -> Response[Applicants]:
        """Everybody one can be in the demo."""
        return Response(Applicants(APPLICANTS), headers=NO_STORE)

    return Router("/demo", route_handlers=[post_sign_in, get_applicants], include_in_schema=False)
