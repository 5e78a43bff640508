"""Check-in at the door, for stations."""

from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from booking_api import clock
from booking_api.attendance.checking_in import CheckedIn, check_in
from booking_api.attendance.errors import AnotherSite, CheckInClosed, UnknownCode
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.organisations.stations import sites_of
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples_bookings as examples
from booking_api.tickets.check_in import check_in_key, parse_code
from reservation.errors import NotActive
from reservation.transaction import transaction


class CheckInRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of the code on a booking, scanned or typed."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


@post(
    "/check-ins",
    summary="Check in",
    tags=["stations"],
    status_code=200,
    opt=told(
        UnknownCode,
        AnotherSite,
        CheckInClosed,
        NotActive,
        body=examples.CHECK_IN,
        answer=examples.CHECKED_IN,
    ),
)
async def post_check_in(
    request: AnyRequest, data: JSONBody[CheckInRequest], desk: NamedDependency[Desk]
) -> Response[CheckedIn]:
    """Notes that the person of this code is there, and says who that must be: compare the card they show.

    Scanned again, the answer is the same with `repeated`, and says when it was scanned first.
    """
    account, headers = await desk.gate.enter(request)
    booking_id = parse_code(data.code, key=check_in_key(desk.key))
    if booking_id is None:
        raise UnknownCode
    stations = sorted(account.scopes("station"))
    async with transaction(desk.kernel.engine) as connection:
        done = await check_in(
            connection,
            booking_id=booking_id,
            sites=await sites_of(connection, stations),
            station=f"station:{stations[0]}",
            by=account.id,
            now=clock.now(),
        )
    return Answer(done, status_code=200, headers=headers)
