"""Fees: order one, see one's own, hear from the provider, record what was paid or paid back at a counter."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from booking_api import clock
from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import RoleMissing, UnknownAccount, UnknownAuthority
from booking_api.identity.accounts import find_by_login
from booking_api.payments.counter import record_payment, record_refund
from booking_api.payments.errors import (
    AlreadySettled,
    FeeNeeded,
    NothingDue,
    NothingToRefund,
    PaymentMismatch,
    PaymentUnavailable,
    UnknownPayment,
)
from booking_api.payments.fees import Payment, WantedFee, fees_of, note_standing, order_fee
from booking_api.payments.provider import Callback
from booking_api.payments.sittings import refund_unused
from booking_api.plans.authorities import due_fen
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples_bookings as examples
from reservation.transaction import transaction

Subject = Annotated[int, msgspec.Meta(ge=1, le=4)]
# What `$` would let pass at the end, a line feed, is no part of a name or number.
PRINTABLE = r"^[!-~]+(?![\s\S])"
AuthorityId = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=PRINTABLE)]
Receipt = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=PRINTABLE)]


class PaymentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which fee: a subject's (1 to 4), at an authority."""

    authority: AuthorityId
    subject: Subject


class CounterPayment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose fee a clerk has taken, how much it was, and the receipt's number."""

    login: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    authority: AuthorityId
    subject: Subject
    amount_fen: Annotated[int, msgspec.Meta(ge=1, le=100_000_000)]
    receipt: Receipt


class CounterRefund(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which payment a clerk has paid back, and the receipt's number."""

    payment: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    receipt: Receipt


class Payments(msgspec.Struct, frozen=True):
    """The newest first."""

    payments: list[Payment]


class Heard(msgspec.Struct, frozen=True):
    """What the provider is told back: the fee's state after its message."""

    order: str
    state: str


@post(
    "/payments",
    summary="Pay a fee",
    tags=["payments"],
    status_code=200,
    opt=told(
        UnknownAuthority, NothingDue, PaymentUnavailable, body=examples.NEW_PAYMENT, answer=examples.PAYMENT
    ),
)
async def post_payment(
    request: AnyRequest, data: JSONBody[PaymentRequest], desk: NamedDependency[Desk]
) -> Response[Payment]:
    """The fee with where to pay it (`pay_url`), or to be paid at a counter. Repeating it gives the same open fee."""
    account, headers = await desk.gate.enter(request)
    amount_fen = await due_fen(desk.kernel.reads, authority=data.authority, subject=data.subject)
    payment = await order_fee(
        desk.kernel.engine,
        desk.payments,
        WantedFee(account.id, data.authority, data.subject, amount_fen),
        at=clock.now(),
    )
    return Answer(payment, status_code=200, headers=headers)


@get("/payments", summary="My payments", tags=["payments"], opt=told(answer=examples.PAYMENTS))
async def get_payments(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Payments]:
    """The account's last 100 fees, whatever became of them, newest first."""
    account, headers = await desk.gate.enter(request, reads=True)
    found = await fees_of(desk.kernel.reads, account=account.id)
    return Answer(Payments(found), status_code=200, headers=headers)


@post(
    "/payments/callback",
    summary="A provider's message",
    tags=["payments"],
    status_code=200,
    opt=told(UnknownPayment, PaymentMismatch, reads=Callback, body=examples.CALLBACK, answer=examples.HEARD),
)
async def post_callback(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Heard]:
    """For the payment provider, signed with the key it shares with the platform. Late and repeated messages are fine."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
    order, standing = desk.payments.read_callback(
        headers=headers, body=await request.body(), now_s=clock.now_s()
    )
    name = desk.payments.name
    async with desk.kernel.engine.begin() as connection:
        heard = await note_standing(
            connection, order, standing, provider=name, by=f"callback:{name}", at=clock.now()
        )
    return Answer(Heard(heard.id, heard.state), status_code=200, headers={})


@post(
    "/payments/refunds",
    summary="Have a fee paid back",
    tags=["payments"],
    status_code=200,
    opt=told(FeeNeeded, NothingToRefund, body=examples.NEW_PAYMENT, answer=examples.REFUNDING),
)
async def post_refund(
    request: AnyRequest, data: JSONBody[PaymentRequest], desk: NamedDependency[Desk]
) -> Response[Payments]:
    """A fee that no sitting has used goes back the way it came; at a counter if it was paid at one."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        await refund_unused(
            connection, account=account.id, authority=data.authority, subject=data.subject, at=clock.now()
        )
    found = await fees_of(desk.kernel.engine, account=account.id)
    return Answer(Payments(found), status_code=200, headers=headers)


@post(
    "/payments/counter",
    summary="A fee paid at the counter",
    tags=["payments"],
    status_code=201,
    opt=told(
        UnknownAuthority,
        UnknownAccount,
        NothingDue,
        AlreadySettled,
        PaymentMismatch,
        body=examples.COUNTER_PAYMENT,
        answer=examples.PAID_AT_COUNTER,
    ),
)
async def post_counter_payment(
    request: AnyRequest, data: JSONBody[CounterPayment], desk: NamedDependency[Desk]
) -> Response[Payment]:
    """For clerks of the authority who have taken the fee. Who did stays on record."""
    clerk, headers = await desk.gate.enter(request)
    if data.authority not in clerk.scopes("clerk"):
        raise RoleMissing(role=f"clerk:{data.authority}")
    amount_fen = await due_fen(desk.kernel.reads, authority=data.authority, subject=data.subject)
    person = await find_by_login(desk.kernel.engine, data.login)
    payment = await record_payment(
        desk.kernel.engine,
        WantedFee(person.id, data.authority, data.subject, amount_fen),
        paid_fen=data.amount_fen,
        receipt=data.receipt,
        clerk=clerk.id,
        at=clock.now(),
    )
    return Answer(payment, status_code=201, headers=headers)


@post(
    "/payments/counter/refunds",
    summary="A fee paid back at the counter",
    tags=["payments"],
    status_code=200,
    opt=told(UnknownPayment, NothingToRefund, body=examples.COUNTER_REFUND, answer=examples.REFUNDED),
)
async def post_counter_refund(
    request: AnyRequest, data: JSONBody[CounterRefund], desk: NamedDependency[Desk]
) -> Response[Payment]:
    """For clerks of the authority who have paid back a fee that is `refunding`. Who did stays on record."""
    clerk, headers = await desk.gate.enter(request)
    payment = await record_refund(
        desk.kernel.engine,
        data.payment,
        authorities=clerk.scopes("clerk"),
        receipt=data.receipt,
        clerk=clerk.id,
        at=clock.now(),
    )
    return Answer(payment, status_code=200, headers=headers)
