"""`/bookings/{id}`: everything about one booking, with the code that is shown at the door; it prints as one sheet."""

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.gate.access import Access
from booking_api.pages.bookings.reading import Ticket, read_ticket, subject_of
from booking_api.pages.refusals import refusal_of, rule_sentences
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.payments.errors import FeeNeeded, NothingToRefund
from booking_api.payments.sittings import refund_unused
from booking_api.payments.standing import FeeState
from booking_api.request import AnyRequest
from reservation import BookingState
from reservation.transaction import transaction


@page_get("/bookings/{booking_id:str}", access=Access.ACCOUNT)
async def get_ticket(
    request: AnyRequest, booking_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """The ticket."""
    visitor = await visit(request, desk)
    ticket = await read_ticket(desk, booking_id, owner=visitor.me.id, now=clock.now())
    return _page(visitor, ticket)


@page_post("/bookings/{booking_id:str}/refund", access=Access.ACCOUNT)
async def post_refund(
    request: AnyRequest, booking_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str] | Response[None]:
    """Has the fee paid back that no sitting has used."""
    visitor, _ = await posted(request, desk)
    ticket = await read_ticket(desk, booking_id, owner=visitor.me.id, now=clock.now())
    # Of something that is no subject there is no fee: none is found.
    subject = subject_of(ticket.owned) or 0
    try:
        async with transaction(desk.kernel.engine) as connection:
            await refund_unused(
                connection,
                account=visitor.me.id,
                authority=ticket.owned.booked.authority,
                subject=subject,
                at=clock.now(),
            )
    except (FeeNeeded, NothingToRefund) as error:
        return _page(visitor, ticket, error=error)
    return go_to(visitor, f"/bookings/{booking_id}", told="refund_asked")


def refundable(ticket: Ticket) -> bool:
    """Whether the owner may ask for the fee: paid, used by no sitting, and this booking needs it no more."""
    payment = ticket.fee.payment if ticket.fee else None
    paid = payment is not None and payment.state is FeeState.SETTLED and payment.used_by is None
    return paid and ticket.owned.booked.state is BookingState.CANCELLED


def _page(
    visitor: Visitor, ticket: Ticket, *, error: FeeNeeded | NothingToRefund | None = None
) -> Response[str]:
    refused = refusal_of(visitor.words, error) if error else None
    leaving = ticket.leaving
    against = leaving.refusals if leaving else []
    return render(
        "bookings/ticket.html",
        visitor,
        refused=refused,
        ticket=ticket,
        owned=ticket.owned,
        booked=ticket.owned.booked,
        subject=subject_of(ticket.owned),
        refundable=refundable(ticket),
        kept_from_leaving=rule_sentences(visitor.words, msgspec.to_builtins(against)),
    )
