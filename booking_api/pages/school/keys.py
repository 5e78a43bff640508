"""A school's API keys: listed, made (told once), revoked. Imports the register of organisations."""

from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.gate.access import ACCESS, KEY_SCOPES, Access
from booking_api.organisations.errors import TooManyKeys, UnknownKey
from booking_api.organisations.keys import ApiKey, find_key, keys_of, make_key, revoke_key
from booking_api.organisations.register import Organisation
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.school.entering import enter, enter_posted, show
from booking_api.pages.visiting import Visitor
from booking_api.registers.rows import Word
from booking_api.request import AnyRequest
from reservation.transaction import transaction

SCOPES = sorted(
    {scope for route, scope in KEY_SCOPES.items() if ACCESS[route] in {Access.SCHOOL, Access.ORGANISATION}}
)
LIVES = (30, 90, 180, 366)
LIFE = 180


class KeyForm(msgspec.Struct, frozen=True):
    """What a key is for, what it may do, and for how many days."""

    name: Word
    scopes: list[str]
    days: Annotated[int, msgspec.Meta(ge=1, le=366)] = LIFE


@page_get("/school/{school:str}/keys", access=Access.SCHOOL)
async def get_keys(request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]) -> Response[str]:
    """The school's keys."""
    visitor, mine = await enter(request, desk, school)
    async with transaction(desk.kernel.reads) as connection:
        found = await keys_of(connection, mine.id)
    return show("keys.html", visitor, mine, "keys", keys=found, now=clock.now())


@page_get("/school/{school:str}/keys/new", access=Access.SCHOOL)
async def get_new_key(
    request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """The form."""
    visitor, mine = await enter(request, desk, school)
    return _form(visitor, mine)


@page_post("/school/{school:str}/keys/new", access=Access.SCHOOL)
async def post_key(request: AnyRequest, school: FromPath[str], desk: NamedDependency[Desk]) -> Response[Any]:
    """Makes a key and tells it, this once."""
    visitor, form, mine = await enter_posted(request, desk, school)
    try:
        told = _read(form)
        async with transaction(desk.kernel.engine) as connection:
            made = await make_key(
                connection,
                organisation=mine.id,
                name=told.name,
                scopes=told.scopes,
                expires_at=clock.now() + timedelta(days=told.days),
                by=visitor.me.id,
            )
    except (FieldsRefused, TooManyKeys) as error:
        return _form(visitor, mine, form=form, refused=refusal_of(visitor.words, error))
    return show("key_made.html", visitor, mine, "keys", made=made)


@page_get("/school/{school:str}/keys/{key:str}/revoke", access=Access.SCHOOL)
async def get_revoke(
    request: AnyRequest, school: FromPath[str], key: FromPath[str], desk: NamedDependency[Desk]
) -> Response[str]:
    """What revoking means."""
    visitor, mine = await enter(request, desk, school)
    return show("revoke_key.html", visitor, mine, "keys", key=await _find(desk, mine, key))


@page_post("/school/{school:str}/keys/{key:str}/revoke", access=Access.SCHOOL)
async def post_revoke(
    request: AnyRequest, school: FromPath[str], key: FromPath[str], desk: NamedDependency[Desk]
) -> Response[None]:
    """Ends a key for good."""
    visitor, _, mine = await enter_posted(request, desk, school)
    found = await _find(desk, mine, key)
    async with transaction(desk.kernel.engine) as connection:
        await revoke_key(connection, found.id, by=visitor.me.id)
    desk.gate.keys.forget(found.id)
    return go_to(visitor, f"/school/{mine.id}/keys", told="key_revoked")


def _read(form: Form) -> KeyForm:
    told = form.read(KeyForm)
    if not set(told.scopes) <= set(SCOPES):
        raise FieldsRefused({"scopes": ("choice", {})})
    return told


async def _find(desk: Desk, school: Organisation, key_id: str) -> ApiKey:
    """A key of this school. One of another organisation is as if it were not there."""
    if not key_id.isalnum():
        raise UnknownKey(key=key_id[:64])
    async with transaction(desk.kernel.reads) as connection:
        found = await find_key(connection, key_id)
    if found.organisation != school.id:
        raise UnknownKey(key=key_id[:64])
    return found


def _form(
    visitor: Visitor, school: Organisation, *, form: Form | None = None, refused: Refusal | None = None
) -> Response[str]:
    return show(
        "new_key.html",
        visitor,
        school,
        "keys",
        refused=refused,
        scopes=SCOPES,
        lives=LIVES,
        name=form.one("name") if form else "",
        ticked=form.values.get("scopes", []) if form else [],
        days=form.one("days") if form else str(LIFE),
    )


KEY_PAGES = [get_keys, get_new_key, post_key, get_revoke, post_revoke]
