"""`/sign-in/second`: a code of the app, a recovery code, or a security key where the browser has scripts."""

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency

from booking_api import clock
from booking_api.desk import Desk
from booking_api.errors import ApiError, RateLimited
from booking_api.gate.access import Access
from booking_api.gate.proof import take_second_step
from booking_api.identity.factors import security_keys
from booking_api.identity.factors.active import factors_of
from booking_api.identity.factors.browser import Assertion
from booking_api.identity.factors.errors import (
    FactorClosed,
    FactorUnreadable,
    PublicUrlNeeded,
    SecondFactorRefused,
    TicketRefused,
    UnknownFactor,
)
from booking_api.identity.factors.party import relying_party
from booking_api.identity.factors.tickets import ticket_owner
from booking_api.identity.signing_in import SecondStep
from booking_api.pages.account.entering import back_of, enter
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.refusals import refusal_of
from booking_api.pages.rendering import render
from booking_api.pages.routing import page_post
from booking_api.pages.visiting import Visitor, posted
from booking_api.request import AnyRequest

Said = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Second(msgspec.Struct, frozen=True):
    """The second factor, as digits of an app or one of the codes written down."""

    ticket: Said
    code: Said


@page_post("/sign-in/second", access=Access.UNKNOWN)
async def post_second(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """The second step."""
    visitor, form = await posted(request, desk)
    back = back_of(form.one("next"))
    try:
        person = await take_second_step(
            desk.gate,
            request,
            _step(form),
            engine=desk.kernel.engine,
            key=desk.key,
            settings=desk.settings,
            now_s=clock.now_s(),
        )
    except (FieldsRefused, SecondFactorRefused, FactorClosed, FactorUnreadable, RateLimited) as error:
        return await second_form(desk, visitor, ticket=form.one("ticket"), back=back, error=error)
    return await enter(desk, request, visitor, account=person.id, back=back)


async def second_form(
    desk: Desk, visitor: Visitor, *, ticket: str, back: str, error: ApiError | None = None
) -> Response[Any]:
    """The form of the second step, with what the account can give.

    Raises:
        TicketRefused: begin again with the password.
    """
    refused = refusal_of(visitor.words, error) if error else None
    account, _ = await ticket_owner(desk.kernel.engine, ticket)
    kinds = (await factors_of(desk.kernel.engine, account)).kinds
    return render(
        "account/second_step.html",
        visitor,
        headers=error.headers if error else None,
        refused=refused,
        ticket=ticket,
        kinds=kinds,
        options=await _key_options(desk, account=account, ticket=ticket) if "security_key" in kinds else None,
        back=back,
    )


async def _key_options(desk: Desk, *, account: str, ticket: str) -> str | None:
    """What the browser asks a key with, as JSON; None where keys cannot be used."""
    try:
        party = relying_party(desk.settings)
        made = await security_keys.sign_in_options(desk.kernel.engine, party, account=account, ticket=ticket)
    except (PublicUrlNeeded, UnknownFactor):
        return None
    return msgspec.json.encode(made).decode()


def _step(form: Form) -> SecondStep:
    if not form.one("ticket"):
        raise TicketRefused
    if said := form.one("credential"):
        try:
            key = msgspec.json.decode(said, type=Assertion)
        except msgspec.DecodeError:
            raise FieldsRefused({"code": ("unusable", {})}) from None
        return SecondStep(form.one("ticket"), security_key=key)
    told = form.read(Second)
    digits = told.code.replace(" ", "").isdigit()
    return SecondStep(
        told.ticket,
        totp_code=told.code if digits else None,
        recovery_code=None if digits else told.code,
    )
