"""How an account stands, found by its login: what an operator may know before letting it act for somebody.

The login is sent in a form, never in an address. Imports the identity room.
"""

from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api.desk import Desk
from booking_api.errors import UnknownAccount
from booking_api.gate.access import Access
from booking_api.identity.standing import Standing, standing_of
from booking_api.pages.catalogue import Words
from booking_api.pages.forms import FieldsRefused
from booking_api.pages.operator.office import enter, enter_posted, show
from booking_api.pages.refusals import refusal_of
from booking_api.pages.routing import page_get, page_post
from booking_api.request import AnyRequest

TAB = "people"


class Search(msgspec.Struct, frozen=True):
    """Whose account."""

    login: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


@page_get("/operator/{authority:str}/people", access=Access.OPERATOR)
async def get_people(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The form."""
    visitor, office = await enter(request, desk, authority)
    return show("people", visitor, office, tab=TAB, login="", found=None, roles=[])


@page_post("/operator/{authority:str}/people", access=Access.OPERATOR)
async def post_people(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The account's standing, without its person's name and number."""
    visitor, form, office = await enter_posted(request, desk, authority)
    login = form.one("login")
    try:
        found = await standing_of(desk.kernel.reads, form.read(Search).login)
    except (FieldsRefused, UnknownAccount) as error:
        refused = refusal_of(visitor.words, error)
        if isinstance(error, UnknownAccount):
            fields = {"login": visitor.words.text("Nobody has this login. An erased account leaves nothing.")}
            refused = msgspec.structs.replace(refused, fields=fields)
        return show("people", visitor, office, tab=TAB, login=login, found=None, roles=[], refused=refused)
    roles = _roles_here(visitor.words, found, set(office.others))
    return show("people", visitor, office, tab=TAB, login=login, found=found, roles=roles)


def _roles_here(words: Words, found: Standing, authorities: set[str]) -> list[str]:
    """The roles that are for schools and stations, or for authorities the operator works for."""
    split = [role.partition(":")[::2] for role in found.roles]
    here = [(kind, scope) for kind, scope in split if kind in {"school", "station"} or scope in authorities]
    return [f"{words.code(f'role.{kind}', instead=kind)} {scope}" for kind, scope in here]


PEOPLE_PAGES = [get_people, post_people]
