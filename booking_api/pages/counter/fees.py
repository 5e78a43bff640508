"""Fees taken and paid back over the counter. Imports the payments' room."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.counter.serving import pay_back, take_payment
from booking_api.desk import Desk
from booking_api.errors import ApiError
from booking_api.gate.access import Access
from booking_api.pages.counter.entering import (
    Refused,
    Serving,
    serving,
    serving_posted,
    show,
)
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.payments.errors import NothingDue
from booking_api.payments.fees import fees_of
from booking_api.plans.authorities import due_fen
from booking_api.request import AnyRequest
from reservation.errors import ReservationError

FEN = 100
SUBJECTS = (1, 2, 3, 4)
# What `$` would let pass at the end, a line feed, is no part of a receipt's number.
Receipt = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[!-~]+(?![\s\S])")]


class Taken(msgspec.Struct, frozen=True):
    """Which fee, how much in yuan, and the receipt's number."""

    subject: Annotated[int, msgspec.Meta(ge=1, le=4)]
    amount: Annotated[str, msgspec.Meta(max_length=12, pattern=r"^[0-9]+([.][0-9]{1,2})?(?![\s\S])")]
    receipt: Receipt


class PaidBack(msgspec.Struct, frozen=True):
    """Which payment, and the receipt's number."""

    payment: Annotated[str, msgspec.Meta(max_length=64)]
    receipt_back: Receipt


@page_get("/counter/{authority:str}/visits/{visit_id:str}/fees", access=Access.CLERK)
async def get_fees(
    request: AnyRequest, authority: FromPath[str], visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """What is due here, and the person's fees."""
    return await _page(desk, await serving(request, desk, authority, visit_id))


@page_post("/counter/{authority:str}/visits/{visit_id:str}/fees", access=Access.CLERK)
async def post_fee(
    request: AnyRequest, authority: FromPath[str], visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """A fee was paid."""
    here, form = await serving_posted(request, desk, authority, visit_id)
    try:
        told = form.read(Taken)
        due = await due_fen(desk.kernel.reads, authority=here.counter.authority, subject=told.subject)
        await take_payment(
            desk.kernel.engine,
            here.present,
            subject=told.subject,
            due_fen=due,
            paid_fen=int(Decimal(told.amount) * FEN),
            receipt=told.receipt,
            clerk=here.visitor.me.id,
            at=clock.now(),
        )
    except (ApiError, ReservationError) as error:
        typed = {name: form.one(name) for name in ("subject", "amount", "receipt")}
        return await _page(desk, here, typed=typed, error=error)
    return go_to(here.visitor, f"{here.home}/fees", told="fee_paid")


@page_post("/counter/{authority:str}/visits/{visit_id:str}/fees/refund", access=Access.CLERK)
async def post_refund(
    request: AnyRequest, authority: FromPath[str], visit_id: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """A fee was paid back."""
    here, form = await serving_posted(request, desk, authority, visit_id)
    try:
        told = form.read(PaidBack)
        await pay_back(
            desk.kernel.engine,
            here.present,
            payment=told.payment,
            receipt=told.receipt_back,
            clerk=here.visitor.me.id,
            at=clock.now(),
        )
    except (ApiError, ReservationError) as error:
        return await _page(desk, here, paid_back=form.one("payment"), error=error)
    return go_to(here.visitor, f"{here.home}/fees", told="fee_refunded")


async def _page(
    desk: Desk,
    here: Serving,
    *,
    typed: dict[str, str] | None = None,
    paid_back: str = "",
    error: Refused | None = None,
) -> Response[str]:
    words = here.visitor.words
    due: list[tuple[int, int]] = []
    for subject in SUBJECTS:
        try:
            amount = await due_fen(desk.kernel.reads, authority=here.counter.authority, subject=subject)
        except NothingDue:
            continue
        due.append((subject, amount))
    return show(
        "fees",
        here,
        due=due,
        choices=[
            (subject, f"{words.code(f'subject.{subject}')} · {words.money(fen)}") for subject, fen in due
        ],
        paid_back=paid_back,
        fees=await fees_of(desk.kernel.engine, account=here.present.account.id),
        typed={"subject": "", "amount": "", "receipt": ""} | (typed or {}),
        error=error,
    )
