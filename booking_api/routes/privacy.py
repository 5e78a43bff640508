"""What is stored about a person: given to them, or erased."""

import unicodedata
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import PasswordRefused, UnknownAccount
from booking_api.identity.resting import resting_key
from booking_api.privacy import erase_person, export_person, login_of
from booking_api.privacy.errors import StillActive
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples_sign_in as examples
from booking_api.routes.accounts import NO_STORE


class EraseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The account's password, so that a token alone erases nobody."""

    password: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


@get(
    "/accounts/me/export",
    summary="Everything stored about me",
    tags=["accounts"],
    opt=told(UnknownAccount, answer=examples.EXPORT, sends={"Content-Disposition": "The file's name."}),
)
async def get_export(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[dict[str, Any]]:
    """One document: account, bookings with the salts of their log entries, rows of registers, sign-ins."""
    account, headers = await desk.gate.enter(request)
    document = await export_person(desk.kernel.engine, account_id=account.id)
    name = f"gongdao-{clock.today().isoformat()}.json"
    headers |= NO_STORE | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Answer(document | {"exported_at": clock.now()}, status_code=200, headers=headers)


@post(
    "/accounts/me/erase",
    summary="Erase me",
    tags=["accounts"],
    status_code=204,
    opt=told(UnknownAccount, PasswordRefused, StillActive, body=examples.PASSWORD_AGAIN),
)
async def post_erase(
    request: AnyRequest, data: JSONBody[EraseRequest], desk: NamedDependency[Desk]
) -> Response[None]:
    """Erases the account for good. Refused while there are bookings to come, open promises, roles, or what rules count.

    Registers' rows belong to the authority and stay. Tries at the password are limited as at sign-in.
    """
    account, headers = await desk.gate.enter(request)
    await desk.gate.attempt_sign_in(request, login=await login_of(desk.kernel.engine, account.id))
    await erase_person(
        desk.kernel.engine,
        desk.passwords,
        account_id=account.id,
        password=unicodedata.normalize("NFC", data.password),
        resting_key=resting_key(desk.key),
    )
    return Answer(None, status_code=204, headers=headers)
