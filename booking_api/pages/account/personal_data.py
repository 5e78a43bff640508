"""`/account/data`: everything stored about the person, to take along; and erasing it, with the consequences said first."""

import unicodedata
from typing import Any

from litestar import Response
from litestar.di import NamedDependency

from booking_api.desk import Desk
from booking_api.errors import PasswordRefused, RateLimited
from booking_api.gate.access import Access
from booking_api.identity.resting import resting_key
from booking_api.pages.account.entering import HOME
from booking_api.pages.account.factors import PasswordAgain
from booking_api.pages.account.security import password_refusal
from booking_api.pages.account.signing_in import signed_out
from booking_api.pages.forms import FieldsRefused
from booking_api.pages.refusals import Refusal
from booking_api.pages.rendering import go_to, render
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor, posted, visit
from booking_api.privacy import erase_person, login_of
from booking_api.privacy.errors import StillActive
from booking_api.request import AnyRequest


@page_get("/account/data", access=Access.ACCOUNT)
async def get_data(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """What can be done."""
    return render("account/data.html", await visit(request, desk))


@page_get("/account/data/erase", access=Access.ACCOUNT)
async def get_erase(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[str]:
    """What is lost, and the password."""
    return _erase(await visit(request, desk))


@page_post("/account/data/erase", access=Access.ACCOUNT)
async def post_erase(request: AnyRequest, desk: NamedDependency[Desk]) -> Response[Any]:
    """Erases the account for good."""
    visitor, form = await posted(request, desk)
    engine, account = desk.kernel.engine, visitor.me.id
    try:
        told = form.read(PasswordAgain)
        await desk.gate.attempt_sign_in(request, login=await login_of(engine, account))
        await erase_person(
            engine,
            desk.passwords,
            account_id=account,
            password=unicodedata.normalize("NFC", told.password),
            resting_key=resting_key(desk.key),
        )
    except StillActive as error:
        refused = password_refusal(visitor, error, field="password")
        return _erase(visitor, refused=refused, standing=list(error.facts))
    except (FieldsRefused, PasswordRefused, RateLimited) as error:
        return _erase(visitor, refused=password_refusal(visitor, error, field="password"))
    desk.sessions.forget(account)
    return go_to(signed_out(desk, visitor), HOME, told="erased")


def _erase(
    visitor: Visitor, *, refused: Refusal | None = None, standing: list[str] | None = None
) -> Response[str]:
    """The form; `standing` names what must end first."""
    return render(
        "account/erase.html",
        visitor,
        refused=refused,
        standing=standing or [],
    )
