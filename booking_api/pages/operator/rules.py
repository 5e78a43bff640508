"""An authority's figures: a form by group, a page that says what changes for whom, and who changed what when; days off.

Imports the plans' room and the rules' settings.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api import clock
from booking_api.desk import Desk
from booking_api.errors import InvalidRequest
from booking_api.gate.access import Access
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.operator.figures import (
    Figure,
    differences,
    figures_of,
    flat,
    groups_of,
    in_force,
    read_figures,
    written,
)
from booking_api.pages.operator.office import Office, enter, enter_posted, show
from booking_api.pages.refusals import Refusal, refusal_of
from booking_api.pages.rendering import go_to
from booking_api.pages.routing import page_get, page_post
from booking_api.pages.visiting import Visitor
from booking_api.plans.authorities import (
    SettingsChange,
    add_days_off,
    named_days_off,
    read_layers,
    set_settings,
    settings_history,
)
from booking_api.registers.rows import Word
from booking_api.request import AnyRequest
from booking_api.rules.settings import SETTINGS
from reservation.transaction import transaction

TAB, DAYS_TAB = "rules", "days-off"
CHANGES_SHOWN = 50
DAYS_LIMIT = 31


class Change(NamedTuple):
    """One difference in words of the page: which figure, what it was and what it is, as fields have it."""

    figure: Figure
    before: str
    after: str


class Past(NamedTuple):
    """One change in the history, with what it changed."""

    change: SettingsChange
    changes: list[Change]


class Reason(msgspec.Struct, frozen=True):
    """Why figures change."""

    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=500)]


class DayOff(msgspec.Struct, frozen=True):
    """A day on which nothing takes place, or the first and last of several."""

    day: date
    name: Word
    until: date | None = None


class Layers(NamedTuple):
    """What this authority has set, and what is in force for it without that and with it, by path."""

    own: Mapping[str, Any]
    latest: dict[str, SettingsChange]
    above: dict[str, Any]
    now: dict[str, Any]


@page_get("/operator/{authority:str}/rules/{service:str}", access=Access.OPERATOR)
async def get_rules(
    request: AnyRequest, authority: FromPath[str], service: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The figures in force and their history."""
    visitor, office = await enter(request, desk, authority)
    check_service(service)
    layers = await _layers(desk, office, service)
    own = flat(layers.own)
    given = {
        path: [written(own[path], figure.unit)] for path, figure in figures_of(service).items() if path in own
    }
    return await _form(desk, visitor, office, service=service, form=Form(given, {}), layers=layers)


@page_post("/operator/{authority:str}/rules/{service:str}", access=Access.OPERATOR)
async def post_rules(
    request: AnyRequest, authority: FromPath[str], service: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """First what would change, then the change itself."""
    visitor, form, office = await enter_posted(request, desk, authority)
    check_service(service)
    layers = await _layers(desk, office, service)
    if form.one("step") == "back":
        return await _form(desk, visitor, office, service=service, form=form, layers=layers)
    try:
        settings = read_figures(form, service, layers.own)
        changes = _changes(layers.now, _with(layers.above, settings), service)
        _check_changed(layers.own, settings)
        reason = form.read(Reason).reason
    except FieldsRefused as error:
        refused = refusal_of(visitor.words, error)
        return await _form(desk, visitor, office, service=service, form=form, layers=layers, refused=refused)
    if form.one("step") != "set":
        fields = {path: form.one(path) for path in figures_of(service)} | {"reason": reason}
        return show(
            "rules_change",
            visitor,
            office,
            tab=TAB,
            service=service,
            changes=changes,
            fields=fields,
            reason=reason,
        )
    async with transaction(desk.kernel.engine) as connection:
        await set_settings(
            connection,
            lineage=office.up,
            service=service,
            settings=settings,
            reason=reason,
            by=visitor.me.id,
        )
    return go_to(visitor, f"{office.path}/rules/{service}", told="rules_set")


@page_get("/operator/{authority:str}/days-off", access=Access.OPERATOR)
async def get_days_off_page(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """The days off to come."""
    visitor, office = await enter(request, desk, authority)
    return await _days_off(desk, visitor, office, Form({}, {}))


@page_post("/operator/{authority:str}/days-off", access=Access.OPERATOR)
async def post_days_off_page(
    request: AnyRequest, authority: FromPath[str], desk: NamedDependency[Desk]
) -> Response[Any]:
    """Adds a day off, or several in a row."""
    visitor, form, office = await enter_posted(request, desk, authority)
    try:
        told = form.read(DayOff)
        days = _span(told)
    except FieldsRefused as error:
        return await _days_off(desk, visitor, office, form, refusal_of(visitor.words, error))
    async with transaction(desk.kernel.engine) as connection:
        await add_days_off(connection, authority=office.id, days=dict.fromkeys(days, told.name))
    return go_to(visitor, f"{office.path}/days-off", told="days_off_added")


def check_service(service: str) -> None:
    """Raises InvalidRequest for a service that has no figures."""
    if service not in SETTINGS:
        raise InvalidRequest(errors=[{"field": "service", "reason": f"one of {', '.join(SETTINGS)}"}])


def _check_changed(own: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    if not differences(own, settings):
        raise FieldsRefused({"reason": ("nothing_changed", {})})


def _span(told: DayOff) -> list[date]:
    last = told.until or told.day
    days = (last - told.day).days + 1
    if told.day < clock.today():
        raise FieldsRefused({"day": ("past", {})})
    if days < 1:
        raise FieldsRefused({"until": ("after_first", {})})
    if days > DAYS_LIMIT:
        raise FieldsRefused({"until": ("too_many_days", {"limit": DAYS_LIMIT})})
    return [date.fromordinal(told.day.toordinal() + number) for number in range(days)]


async def _layers(desk: Desk, office: Office, service: str) -> Layers:
    async with transaction(desk.kernel.reads) as connection:
        latest = await read_layers(connection, authorities=office.up, service=service)
    own = latest[office.id].settings if office.id in latest else {}
    above = [latest[authority].settings for authority in reversed(office.up[1:]) if authority in latest]
    return Layers(own, latest, in_force(service, above), in_force(service, [*above, own]))


def _with(above: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    return {**above, **flat(settings)}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], service: str) -> list[Change]:
    known = figures_of(service)
    return [
        Change(
            figure,
            written(old, figure.unit) if old is not None else "",
            written(new, figure.unit) if new is not None else "",
        )
        for path, old, new in differences(before, after)
        for figure in [known.get(path, Figure(path, "times"))]
    ]


async def _form(
    desk: Desk,
    visitor: Visitor,
    office: Office,
    *,
    service: str,
    form: Form,
    layers: Layers,
    refused: Refusal | None = None,
) -> Response[Any]:
    async with transaction(desk.kernel.reads) as connection:
        history = await settings_history(
            connection, authority=office.id, service=service, limit=CHANGES_SHOWN + 1
        )
    # The oldest one that is read is only what the one after it is compared with, unless it is the first there was.
    shown = history[:CHANGES_SHOWN]
    earlier = [change.settings for change in history[1:]] + [{}]
    past = [
        Past(change, _changes(flat(before), flat(change.settings), service))
        for change, before in zip(shown, earlier, strict=False)
    ]
    return show(
        "rules",
        visitor,
        office,
        tab=TAB,
        service=service,
        services=list(SETTINGS),
        groups=groups_of(service),
        form=form,
        above={
            path: written(layers.above[path], figure.unit) if path in layers.above else ""
            for path, figure in figures_of(service).items()
        },
        setters=_setters(layers, office, service),
        past=past,
        refused=refused,
    )


def _setters(layers: Layers, office: Office, service: str) -> dict[str, str]:
    """Which authority above has set a figure; one that none has is as the rules have it."""
    found: dict[str, str] = {}
    for authority in reversed(office.up[1:]):
        if authority in layers.latest:
            found |= dict.fromkeys(flat(layers.latest[authority].settings), authority)
    return {path: authority for path, authority in found.items() if path in figures_of(service)}


async def _days_off(
    desk: Desk, visitor: Visitor, office: Office, form: Form, refused: Refusal | None = None
) -> Response[Any]:
    async with transaction(desk.kernel.reads) as connection:
        days = await named_days_off(connection, lineage=office.up, since=clock.today())
    return show("days_off", visitor, office, tab=DAYS_TAB, days=days, form=form, refused=refused)


RULE_PAGES = [get_rules, post_rules, get_days_off_page, post_days_off_page]
