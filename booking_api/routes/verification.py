"""Being verified without a counter: a source knows the person, a code reaches the phone it has on record."""

from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import AlreadyVerified, PersonHasAccount, RecentlyErased, UnknownAccount
from booking_api.identity.accounts import Person
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples_sign_in as examples
from booking_api.routes.examples import PERSON
from booking_api.verification import Started, match, send_code, switched_on, try_code
from booking_api.verification.errors import (
    CodeRefused,
    MessageNotSent,
    NotMatched,
    SourceUnavailable,
    VerificationOff,
)


class MessageCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The six digits of the message."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}\Z")]


@post(
    "/accounts/me/verification",
    summary="Be verified online",
    tags=["accounts"],
    status_code=202,
    opt=told(
        VerificationOff,
        UnknownAccount,
        AlreadyVerified,
        NotMatched,
        SourceUnavailable,
        MessageNotSent,
        answer=examples.VERIFICATION_STARTED,
    ),
)
async def post_my_verification(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Started]:
    """Sends a code to the phone the authority has on record, if number, name and phone of the account are all right.

    A code sent before is good no more. `not_matched` does not say which of the three is wrong.
    """
    account, headers = await desk.gate.enter(request)
    verification = switched_on(desk.verification)
    await desk.gate.ask_for_code(request, account)
    found = await match(desk.kernel.engine, verification, account=account.id)
    await desk.gate.send_code(phone=found.phone)
    started = await send_code(desk.kernel.engine, verification, account=account.id, to=found)
    return Answer(started, status_code=202, headers=headers)


@post(
    "/accounts/me/verification/code",
    summary="Type the code",
    tags=["accounts"],
    status_code=200,
    opt=told(
        VerificationOff,
        CodeRefused,
        PersonHasAccount,
        RecentlyErased,
        AlreadyVerified,
        body=examples.CODE,
        answer=PERSON,
    ),
)
async def post_my_code(
    request: AnyRequest, data: JSONBody[MessageCode], desk: NamedDependency[Desk]
) -> Response[Person]:
    """Verifies the account. A code has five tries. From the next sign-in or refresh on the person may hold."""
    account, headers = await desk.gate.enter(request)
    verification = switched_on(desk.verification)
    person = await try_code(desk.kernel.engine, verification, account=account.id, code=data.code)
    return Answer(person, status_code=200, headers=headers)
