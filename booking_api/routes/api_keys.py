"""API keys, for whoever acts for a school or station: make, list, revoke. Only people manage keys."""

from datetime import timedelta
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import InvalidRequest, NotYourOrganisation
from booking_api.gate.access import KEY_SCOPES
from booking_api.identity.tokens import Account
from booking_api.organisations.errors import (
    OrganisationSuspended,
    TooManyKeys,
    UnknownKey,
    UnknownOrganisation,
)
from booking_api.organisations.keys import ApiKey, NewKey, find_key, keys_of, make_key, revoke_key
from booking_api.organisations.register import enter_organisation
from booking_api.plans.rows import Code
from booking_api.registers.rows import Word
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples_schools as examples
from booking_api.routes.organisations import OrganisationId
from reservation.transaction import transaction

DAYS_LIMIT = 366
NO_STORE = {"Cache-Control": "no-store"}
OF_AN_ORGANISATION = (NotYourOrganisation, UnknownOrganisation, OrganisationSuspended)
SCOPES = sorted(set(KEY_SCOPES.values()))


class KeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For which organisation, what the key is for, what it may do, and for how long."""

    organisation: Code
    name: Word
    scopes: Annotated[
        list[Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(min_length=1, max_length=20)
    ]
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=DAYS_LIMIT)]


class Keys(msgspec.Struct, frozen=True):
    """Good ones first, the newest first."""

    keys: list[ApiKey]


@post(
    "/api-keys",
    summary="Make an API key",
    tags=["keys"],
    status_code=201,
    opt=told(*OF_AN_ORGANISATION, TooManyKeys, body=examples.NEW_API_KEY, answer=examples.MADE_API_KEY),
)
async def post_api_key(
    request: AnyRequest, data: JSONBody[KeyRequest], desk: NamedDependency[Desk]
) -> Response[NewKey]:
    """The key's text is told this once. Send it as `Authorization: Bearer gdk_...`; its scopes say what it may do."""
    account, headers = await desk.gate.enter(request)
    unknown = sorted(set(data.scopes) - set(SCOPES))
    if unknown:
        raise InvalidRequest(errors=[{"field": "scopes", "reason": f"of {', '.join(SCOPES)}"}])
    expires_at = clock.now() + timedelta(days=data.expires_in_days)
    async with transaction(desk.kernel.engine) as connection:
        await _enter(connection, account, data.organisation)
        made = await make_key(
            connection,
            organisation=data.organisation,
            name=data.name,
            scopes=data.scopes,
            expires_at=expires_at,
            by=account.id,
        )
    return Answer(made, status_code=201, headers=headers | NO_STORE)


@get(
    "/organisations/{organisation:str}/api-keys",
    summary="An organisation's API keys",
    tags=["keys"],
    opt=told(*OF_AN_ORGANISATION, answer=examples.API_KEYS),
)
async def get_api_keys(
    request: AnyRequest, organisation: OrganisationId, desk: NamedDependency[Desk]
) -> Response[Keys]:
    """How each begins, what it may do, the day of its last use; never its secret."""
    account, headers = await desk.gate.enter(request, reads=True)
    async with transaction(desk.kernel.reads) as connection:
        await _enter(connection, account, organisation)
        found = await keys_of(connection, organisation)
    return Answer(Keys(found), status_code=200, headers=headers)


@delete(
    "/api-keys/{key_id:str}",
    summary="Revoke an API key",
    tags=["keys"],
    status_code=204,
    opt=told(UnknownKey, UnknownOrganisation, OrganisationSuspended),
)
async def delete_api_key(
    request: AnyRequest, key_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """Ends a key for good: here at once, at other workers within five seconds."""
    account, headers = await desk.gate.enter(request)
    if not key_id.isalnum():
        raise UnknownKey(key=key_id[:64])
    async with transaction(desk.kernel.engine) as connection:
        key = await find_key(connection, key_id)
        try:
            await _enter(connection, account, key.organisation)
        except NotYourOrganisation:
            raise UnknownKey(key=key_id[:64]) from None
        await revoke_key(connection, key_id, by=account.id)
    desk.gate.keys.forget(key_id)
    return Answer(None, status_code=204, headers=headers)


async def _enter(connection: AsyncConnection, account: Account, organisation: str) -> None:
    scopes = account.scopes("school") | account.scopes("station")
    await enter_organisation(connection, organisation, kind=None, scopes=scopes)
