"""Signing in to the demo by choosing who to be. These routes exist only where demo sign-ins are switched on.

Imports Litestar. Anybody can be anybody here, which is why the settings allow it on loopback only.
"""

from datetime import UTC, datetime

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from booking_api import clock
from booking_api.demo.applicants import APPLICANTS, Applicant, applicant
from booking_api.desk import Desk
from booking_api.errors import ApiError
from booking_api.identity.accounts import find_person
from booking_api.identity.tokens import ACCOUNT_ID_LIMIT, issue_token
from booking_api.registers.asking import vehicles_of

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


def sign_in_routes() -> Router:
    """The demo's sign-in."""

    @post("/sign-in", status_code=200)
    async def post_sign_in(data: JSONBody[SignIn], desk: NamedDependency[Desk]) -> Response[SignedIn]:
        """Signs in as one of the demo's people, with what their account and the registers say now."""
        if applicant(data.account) is None:
            raise UnknownApplicant(account=data.account[:ACCOUNT_ID_LIMIT])
        person, now_s = await find_person(desk.kernel.reads, data.account), clock.now_s()
        async with desk.kernel.reads.connect() as connection:
            vehicles = (await vehicles_of(connection, [person.id]))[person.id]
        token = issue_token(
            desk.key,
            account=person.id,
            now_s=now_s,
            life_s=TOKEN_LIFE_S,
            verified=person.verified,
            roles=person.roles,
            vehicles=vehicles,
        )
        expires_at = datetime.fromtimestamp(now_s + TOKEN_LIFE_S, UTC)
        return Response(SignedIn(token, expires_at), headers=NO_STORE)

    @get("/applicants")
    async def get_applicants() -> Response[Applicants]:
        """Everybody one can be in the demo."""
        return Response(Applicants(APPLICANTS), headers=NO_STORE)

    return Router("/demo", route_handlers=[post_sign_in, get_applicants], include_in_schema=False)
