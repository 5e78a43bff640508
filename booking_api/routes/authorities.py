"""An authority's figures and days off: read by everybody, set by its operators, with their history."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from booking_api.description import told
from booking_api.desk import Desk
from booking_api.errors import InvalidRequest, UnknownAuthority
from booking_api.plans.authorities import (
    SettingsChange,
    add_days_off,
    read_days_off,
    read_lineage,
    read_settings,
    set_settings,
    settings_history,
)
from booking_api.plans.errors import NotYourAuthority
from booking_api.registers.rows import Reason, Word
from booking_api.request import Answer, AnyRequest
from booking_api.routes import examples
from booking_api.rules.settings import SETTINGS, InspectionSettings, TestSettings
from reservation.transaction import transaction

DAYS_LIMIT = 100


class SettingsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that the authority sets itself; what it leaves out is as the authority above it has it. With the reason."""

    settings: dict[str, Any]
    reason: Reason


class SettingsHistory(msgspec.Struct, frozen=True):
    """The newest first."""

    changes: list[SettingsChange]


class DaysOffRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Days on which nothing takes place, with their names."""

    days: Annotated[dict[date, Word], msgspec.Meta(min_length=1, max_length=DAYS_LIMIT)]


class DaysOff(msgspec.Struct, frozen=True):
    """In order; those of the authorities above are among them."""

    days: list[date]


@get(
    "/authorities/{authority:str}/settings/{service:str}",
    summary="An authority's figures",
    tags=["authorities"],
    opt=told(UnknownAuthority, answer=TestSettings()),
)
async def get_settings(
    authority: FromPath[str], service: FromPath[str], desk: NamedDependency[Desk]
) -> TestSettings | InspectionSettings:
    """The figures in force: waits, limits, notice, quotas of schools. Everybody may know the rules."""
    _check_service(service)
    async with transaction(desk.kernel.reads) as connection:
        lineage = (await read_lineage(connection)).up(authority)
        return await read_settings(connection, lineage=lineage, service=service)


@put(
    "/authorities/{authority:str}/settings/{service:str}",
    summary="Set an authority's figures",
    tags=["authorities"],
    opt=told(UnknownAuthority, NotYourAuthority, body=examples.SETTINGS_CHANGE, answer=TestSettings()),
)
async def put_settings(
    request: AnyRequest,
    authority: FromPath[str],
    service: FromPath[str],
    data: JSONBody[SettingsRequest],
    desk: NamedDependency[Desk],
) -> Response[TestSettings | InspectionSettings]:
    """For operators of the authority or of one above it. In force within seconds; the history keeps who and why."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        known = await read_lineage(connection)
        known.check_scope(account.scopes("operator"), authority)
        settings = await set_settings(
            connection,
            lineage=known.up(authority),
            service=service,
            settings=data.settings,
            reason=data.reason,
            by=account.id,
        )
    return Answer(settings, status_code=200, headers=headers)


@get(
    "/authorities/{authority:str}/settings/{service:str}/history",
    summary="How an authority's figures changed",
    tags=["authorities"],
    opt=told(UnknownAuthority, answer=examples.SETTINGS_HISTORY),
)
async def get_settings_history(
    authority: FromPath[str],
    service: FromPath[str],
    desk: NamedDependency[Desk],
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 100,
) -> SettingsHistory:
    """What this authority has set itself, with the reasons."""
    _check_service(service)
    async with transaction(desk.kernel.reads) as connection:
        (await read_lineage(connection)).up(authority)
        changes = await settings_history(connection, authority=authority, service=service, limit=limit)
    return SettingsHistory(changes)


@get(
    "/authorities/{authority:str}/days-off",
    summary="An authority's days off",
    tags=["authorities"],
    opt=told(UnknownAuthority, answer=examples.DAYS_OFF),
)
async def get_days_off(authority: FromPath[str], desk: NamedDependency[Desk]) -> DaysOff:
    """Days beside weekends on which nothing takes place; rules that count working days leave them out."""
    async with transaction(desk.kernel.reads) as connection:
        lineage = (await read_lineage(connection)).up(authority)
        return DaysOff(sorted(await read_days_off(connection, lineage=lineage)))


@post(
    "/authorities/{authority:str}/days-off",
    summary="Add days off",
    tags=["authorities"],
    status_code=200,
    opt=told(UnknownAuthority, NotYourAuthority, body=examples.DAYS_OFF_REQUEST, answer=examples.DAYS_OFF),
)
async def post_days_off(
    request: AnyRequest,
    authority: FromPath[str],
    data: JSONBody[DaysOffRequest],
    desk: NamedDependency[Desk],
) -> Response[DaysOff]:
    """For operators. Schedules laid out from now on leave these days out; sessions that are planned stay."""
    account, headers = await desk.gate.enter(request)
    async with transaction(desk.kernel.engine) as connection:
        known = await read_lineage(connection)
        known.check_scope(account.scopes("operator"), authority)
        await add_days_off(connection, authority=authority, days=dict(data.days))
        days = await read_days_off(connection, lineage=known.up(authority))
    return Answer(DaysOff(sorted(days)), status_code=200, headers=headers)


def _check_service(service: str) -> None:
    if service not in SETTINGS:
        raise InvalidRequest(errors=[{"field": "service", "reason": f"one of {', '.join(SETTINGS)}"}])
