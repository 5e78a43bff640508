"""`/fee`: what a sitting costs, where to pay it, and whether it is paid. Imports the payments room.

A fee is paid before its session is held. Its provider has a page of its own, to which one goes by a link: our pages send
no form elsewhere.
"""

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency

from booking_api import clock
from booking_api.desk import Desk
from booking_api.eligibility.sessions import PlannedUnit
from booking_api.errors import ApiError
from booking_api.gate.access import Access
from booking_api.pages.applicant.ways import place_of
from booking_api.pages.applicant.wishes import Wish, number_of
from booking_api.pages.refusals import refusal_of
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.payments.errors import NothingDue, PaymentUnavailable
from booking_api.payments.fees import OPEN_STATES, Payment, WantedFee, fees_of, order_fee
from booking_api.request import AnyRequest
from booking_api.rules import TestSettings
from reservation.errors import ReservationError, UnknownUnit


class Ordering(msgspec.Struct, frozen=True):
    """For which session's sitting."""

    unit: Annotated[int, msgspec.Meta(ge=1, lt=2**53)]


@page_get("/fee", access=Access.VERIFIED)
async def get_fee(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """The fee of one session's sitting, and how it stands."""
    visitor = await visit(request, desk)
    unit = number_of(visitor.query.get("unit"))
    return await _page(desk, visitor, await _session(desk, unit))


@page_post("/fee", access=Access.VERIFIED)
async def post_fee(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """Orders the fee; ordering it again gives the open one."""
    visitor, form = await posted(request, desk)
    session = await _session(desk, form.read(Ordering).unit)
    try:
        wanted = await _wanted(desk, session, account=visitor.me.id)
        await order_fee(desk.kernel.engine, desk.payments, wanted, at=clock.now())
    except (NothingDue, PaymentUnavailable, ReservationError) as error:
        return await _page(desk, visitor, session, error)
    return go_to(visitor, f"/fee?unit={session.unit}")


async def _session(desk: Desk, unit: int | None) -> PlannedUnit:
    found = await desk.eligibility.sessions.planned([unit]) if unit is not None else []
    if not found:
        raise UnknownUnit(unit=unit)
    return found[0]


async def _wanted(desk: Desk, session: PlannedUnit, *, account: str) -> WantedFee:
    """The fee of this person's sitting.

    Raises:
        NothingDue: there is none.
    """
    amount_fen = await _amount_fen(desk, session)
    if session.subject is None or not amount_fen:
        raise NothingDue(authority=session.authority, subject=session.subject)
    return WantedFee(account, session.authority, session.subject, amount_fen)


async def _amount_fen(desk: Desk, session: PlannedUnit) -> int:
    settings = (await desk.eligibility.sessions.terms(session)).settings
    if not isinstance(settings, TestSettings) or session.subject is None:
        return 0
    return settings.eligibility.fees_fen.get(session.subject, 0)


async def _page(
    desk: Desk,
    visitor: Visitor,
    session: PlannedUnit,
    error: ApiError | ReservationError | None = None,
) -> Response[str]:
    place = await place_of(desk, visitor, session.unit)
    if place is None:
        raise UnknownUnit(unit=session.unit)
    refused = refusal_of(visitor.words, error) if error else None
    payment = await _open_fee(desk, visitor, session)
    return render(
        "applicant/fee.html",
        visitor,
        headers=error.headers if isinstance(error, ApiError) else None,
        refused=refused,
        place=place,
        subject=session.subject,
        amount_fen=payment.amount_fen if payment else await _amount_fen(desk, session),
        payment=payment,
        pay_url=_web_address(payment.pay_url) if payment else None,
        remote=desk.payments.remote,
        wish=Wish(pool=place.pool, unit=session.unit),
    )


async def _open_fee(desk: Desk, visitor: Visitor, session: PlannedUnit) -> Payment | None:
    """The fee that is due, ordered or paid for the next sitting, if there is one."""
    mine = await fees_of(desk.kernel.reads, account=visitor.me.id)
    return next(
        (
            fee
            for fee in mine
            if (fee.authority, fee.subject) == (session.authority, session.subject)
            and fee.state in OPEN_STATES
            and fee.used_by is None
        ),
        None,
    )


def _web_address(pay_url: str | None) -> str | None:
    """The provider's page, if that is what it gave."""
    return pay_url if pay_url is not None and pay_url.startswith(("https://", "http://")) else None


FEE_PAGES = [get_fee, post_fee]
