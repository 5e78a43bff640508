"""Check-in at the door, for stations."""

from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from booking_api import clock
from booking_api.attendance.checking_in import CheckedIn, check_in
from booking_api.attendance.errors import AnotherSite, CardDiffers, CheckInClosed, UnknownCode
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import InvalidRequest
from booking_api.organisations.stations import sites_of
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples_bookings as examples
from booking_api.tickets.check_in import check_in_key, parse_code
from reservation.claim_id import pool_of
from reservation.errors import NotActive
from reservation.transaction import transaction

ONE_OF_TWO = "give `code`, or `booking` and `card_end` for somebody without it"


class CheckInRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of the code on a booking, scanned or typed.

    For somebody without it: the booking, and the last six characters of the number on the card they show.
    """

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    booking: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    card_end: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] | None = None


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
        CardDiffers,
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
    by_card = data.booking is not None and data.card_end is not None
    if (data.code is not None) == by_card or (data.booking is None) != (data.card_end is None):
        raise InvalidRequest(errors=[{"field": "code", "reason": ONE_OF_TWO}])
    booking_id = data.booking if data.code is None else parse_code(data.code, key=check_in_key(desk.key))
    if booking_id is None or pool_of(booking_id) is None:
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
            card_end=data.card_end,
        )
    return Answer(done, status_code=200, headers=headers)
