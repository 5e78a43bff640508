"""`/register`: opening an account. It can look at once, and hold when its person is verified. Imports identity."""

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency

from booking_api import clock
from booking_api.desk import Desk
from booking_api.errors import ApiError, InvalidRequest, LoginTaken
from booking_api.gate.access import Access
from booking_api.identity.accounts import NewAccount, register_account
from booking_api.identity.factors.errors import PublicUrlNeeded
from booking_api.pages.account.entering import check_cookies_safe, enter
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.refusals import refusal_of
from booking_api.pages.rendering import render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.request import AnyRequest

Said = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
KEPT = ("login", "name", "identity_number", "phone")
VERIFICATION = "/account"


class Registration(msgspec.Struct, frozen=True):
    """Who registers."""

    login: Said
    name: Said
    identity_number: Said
    phone: Said
    password: Said


@page_get("/register", access=Access.PUBLIC)
async def get_register(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """The form."""
    return _form(await visit(request, desk), {})


@page_post("/register", access=Access.UNKNOWN)
async def post_register(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """Opens the account and signs it in here; what comes next is being verified."""
    visitor, form = await posted(request, desk)
    try:
        check_cookies_safe(desk)
        told = form.read(Registration)
        new = NewAccount(
            login=told.login,
            identity_number=told.identity_number,
            name=told.name,
            phone=told.phone,
            password=told.password,
        )
        person = await register_account(desk.kernel.engine, desk.passwords, new, today=clock.today())
    except (FieldsRefused, InvalidRequest, LoginTaken, PublicUrlNeeded) as error:
        return _form(visitor, _kept(form), error=error)
    return await enter(desk, request, visitor, account=person.id, back=VERIFICATION, told="registered")


def _kept(form: Form) -> dict[str, str]:
    """What was typed, but never the password."""
    return {name: form.one(name)[:200] for name in KEPT}


def _form(visitor: Visitor, typed: dict[str, str], *, error: ApiError | None = None) -> Response[str]:
    refused = refusal_of(visitor.words, error) if error else None
    if refused is not None and isinstance(error, LoginTaken):
        refused = msgspec.structs.replace(refused, fields={"login": refused.sentence})
    return render(
        "account/register.html",
        visitor,
        refused=refused,
        typed=typed,
    )
