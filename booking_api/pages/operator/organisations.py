"""Schools and stations of an authority: registered, suspended, resumed; who acts for them, and their keys.

Imports the organisations' room.
"""

import re
from typing import Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.errors import UnknownAccount
from booking_api.gate.access import Access
from booking_api.organisations.errors import AccountNotVerified, OrganisationExists, UnknownOrganisation
from booking_api.organisations.keys import keys_of
from booking_api.organisations.register import (
    SITES_LIMIT,
    Kind,
    NewOrganisation,
    Organisation,
    changes_of,
    find_organisation,
    give_membership,
    organisations_of,
    register_organisation,
    set_state,
    take_membership,
)
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.operator.office import Office, enter, enter_posted, show
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor
from booking_api.paging import cursor_or_start, page
from booking_api.plans.rows import Code
from booking_api.registers.rows import Word
from booking_api.request import AnyRequest
from reservation.transaction import transaction

TAB = "organisations"
SHOWN = 100
ACTS = {"suspend": "suspended", "resume": "active"}


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """A school or station to register. `sites` are codes with spaces between them."""

    id: Code
    kind: Kind
    name: Word
    name_en: Word | None = None
    sites: Annotated[str, msgspec.Meta(max_length=4_000)] = ""


class Why(msgspec.Struct, frozen=True):
    """Why it is done."""

    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=500)]


class Member(msgspec.Struct, frozen=True):
    """Whose account acts for an organisation, or does not any more."""

    login: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


@page_get("/operator/{authority:str}/organisations", access=Access.OPERATOR)
async def get_organisations_page(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """All that the authority has registered."""
    visitor, office = await enter(request, desk, authority)
    of = ("operator organisations", office.id)
    after = cursor_or_start(visitor.query.get("cursor"), of=of, kind=str) or ""
    async with transaction(desk.kernel.reads) as connection:
        found = await organisations_of(
            connection, authority=office.id, kind=None, after=after, limit=SHOWN + 1
        )
    shown, following = page(found, limit=SHOWN, key=lambda organisation: organisation.id, of=of)
    return show("organisations", visitor, office, tab=TAB, found=shown, following=following)


@page_get("/operator/{authority:str}/organisations/new", access=Access.OPERATOR)
async def get_new_organisation(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The form of a new one."""
    visitor, office = await enter(request, desk, authority)
    return show("organisation_new", visitor, office, tab=TAB, form=Form({}, {}))


@page_post("/operator/{authority:str}/organisations/new", access=Access.OPERATOR)
async def post_new_organisation(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Registers a school or station."""
    visitor, form, office = await enter_posted(request, desk, authority)
    try:
        new = _new(form, office)
        async with transaction(desk.kernel.engine) as connection:
            made = await register_organisation(connection, new, by=visitor.me.id)
    except (FieldsRefused, OrganisationExists) as error:
        refused = refusal_of(visitor.words, error)
        return show("organisation_new", visitor, office, tab=TAB, form=form, refused=refused)
    return go_to(visitor, f"{office.path}/organisations/{made.id}", told="organisation_registered")


@page_get("/operator/{authority:str}/organisations/{organisation:str}", access=Access.OPERATOR)
async def get_organisation(
    request: AnyRequest, authority: FromPath[str], organisation: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """One school or station, its keys without their secrets, and what was done about it."""
    visitor, office = await enter(request, desk, authority)
    return await _one(desk, visitor, office, await _own(desk, office, organisation))


@page_post("/operator/{authority:str}/organisations/{organisation:str}/members", access=Access.OPERATOR)
async def post_member(
    request: AnyRequest, authority: FromPath[str], organisation: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Lets an account act for it, or ends that."""
    visitor, form, office = await enter_posted(request, desk, authority)
    found = await _own(desk, office, organisation)
    ends = form.one("act") == "end"
    try:
        login = form.read(Member).login
        async with transaction(desk.kernel.engine) as connection:
            act = take_membership if ends else give_membership
            await act(connection, found, login=login, by=visitor.me.id)
    except (FieldsRefused, UnknownAccount, AccountNotVerified) as error:
        refused = refusal_of(visitor.words, error)
        if not refused.fields:
            refused = msgspec.structs.replace(refused, fields={"login": refused.sentence})
        return await _one(desk, visitor, office, found, login=form.one("login"), refused=refused)
    told = "member_taken" if ends else "member_given"
    return go_to(visitor, f"{office.path}/organisations/{found.id}", told=told)


@page_get("/operator/{authority:str}/organisations/{organisation:str}/{act:str}", access=Access.OPERATOR)
async def get_organisation_act(
    request: AnyRequest,
    authority: FromPath[str],
    organisation: FromPath[str],
    act: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[Any]:
    """What suspending or resuming means."""
    visitor, office = await enter(request, desk, authority)
    return await _act_form(desk, visitor, office, await _own(desk, office, organisation), act=_act(act))


@page_post("/operator/{authority:str}/organisations/{organisation:str}/{act:str}", access=Access.OPERATOR)
async def post_organisation_act(
    request: AnyRequest,
    authority: FromPath[str],
    organisation: FromPath[str],
    act: FromPath[str],
    desk: NamedDependency[Desk],
) -> Response[Any]:
    """Suspends or resumes it."""
    visitor, form, office = await enter_posted(request, desk, authority)
    found = await _own(desk, office, organisation)
    wanted = _act(act)
    try:
        reason = form.read(Why).reason
        async with transaction(desk.kernel.engine) as connection:
            await set_state(connection, found.id, state=ACTS[wanted], reason=reason, by=visitor.me.id)
    except FieldsRefused as error:
        refused = refusal_of(visitor.words, error)
        return await _act_form(
            desk, visitor, office, found, act=wanted, reason=form.one("reason"), refused=refused
        )
    desk.gate.keys.forget_all()
    return go_to(visitor, f"{office.path}/organisations/{found.id}", told=f"organisation_{ACTS[wanted]}")


def _new(form: Form, office: Office) -> NewOrganisation:
    """Raises FieldsRefused with every field that cannot be used."""
    told = form.read(Register)
    sites = [site for site in re.split(r"[\s,，、]+", told.sites) if site]
    if told.kind == "school" and sites:
        raise FieldsRefused({"sites": ("no_sites", {})})
    if len(sites) > SITES_LIMIT:
        raise FieldsRefused({"sites": ("at_most", {"limit": SITES_LIMIT})})
    name = {"zh-CN": told.name} | ({"en": told.name_en} if told.name_en else {})
    given = {"id": told.id, "kind": told.kind, "authority": office.id, "name": name, "sites": sites}
    try:
        return msgspec.convert(given, NewOrganisation)
    except msgspec.ValidationError:
        raise FieldsRefused({"sites": ("form", {})}) from None


def _act(text: str) -> str:
    if text not in ACTS:
        raise UnknownOrganisation
    return text


async def _own(desk: Desk, office: Office, organisation: str) -> Organisation:
    """An organisation of this very office.

    Raises:
        UnknownOrganisation: there is none.
    """
    async with transaction(desk.kernel.reads) as connection:
        found = await find_organisation(connection, organisation.replace("\0", ""))
    if found.authority != office.id:
        raise UnknownOrganisation(organisation=organisation[:64])
    return found


async def _one(
    desk: Desk,
    visitor: Visitor,
    office: Office,
    found: Organisation,
    *,
    login: str = "",
    refused: Refusal | None = None,
) -> Response[Any]:
    async with transaction(desk.kernel.reads) as connection:
        keys = await keys_of(connection, found.id)
        changes = await changes_of(connection, found.id, before=None, limit=SHOWN)
    return show(
        "organisation",
        visitor,
        office,
        tab=TAB,
        found=found,
        keys=keys,
        changes=changes,
        now=clock.now(),
        login=login,
        refused=refused,
    )


async def _act_form(
    desk: Desk,
    visitor: Visitor,
    office: Office,
    found: Organisation,
    *,
    act: str,
    reason: str = "",
    refused: Refusal | None = None,
) -> Response[Any]:
    async with transaction(desk.kernel.reads) as connection:
        keys = await keys_of(connection, found.id)
    now = clock.now()
    good = sum(key.revoked_at is None and key.expires_at > now for key in keys)
    return show(
        "organisation_act",
        visitor,
        office,
        tab=TAB,
        found=found,
        act=act,
        good=good,
        reason=reason,
        refused=refused,
    )


ORGANISATION_PAGES = [
    get_organisations_page,
    get_new_organisation,
    post_new_organisation,
    get_organisation,
    post_member,
    get_organisation_act,
    post_organisation_act,
]
