"""`gongdao plan`: plans of exam sessions and inspection windows, from files, published and closed."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api import clock
from booking_api.cli import Unusable
from booking_api.cli.surroundings import on_database
from booking_api.clock import SHANGHAI
from booking_api.errors import ApiError
from booking_api.plans.authorities import read_lineage, read_settings
from booking_api.plans.draft import NewPlan, Plan, add_sessions, close_plan, draft_plan, find_plan, plans_of
from booking_api.plans.errors import PlanNotPublished
from booking_api.plans.publishing import publish_plan
from booking_api.plans.reading import read_plan
from booking_api.registers.reading import BadRow, FileUnusable, Format, format_of
from booking_api.rules.settings import SETTINGS
from booking_api.schools.telling import note_published_plan

BY = "command line"
BAD_ROWS_SHOWN = 20
PLANS_SHOWN = 100
MOMENT = click.DateTime(["%Y-%m-%dT%H:%M"])


@click.group("plan")
def command() -> None:
    """Import, publish and close plans of sessions. Times are China Standard Time."""


@command.command("import")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--authority", required=True, help="Whose plan: cn-zj-hz.")
@click.option("--service", type=click.Choice(list(SETTINGS)), default="driving_test", show_default=True)
@click.option("--title", required=True)
@click.option("--source", required=True, help="The document it comes from.")
@click.option("--opens-at", type=MOMENT, help="When booking begins; at once if left out.")
@click.option("--closes-at", type=MOMENT, help="When it ends; as the authority's figures say if left out.")
@click.option(
    "--format", "form", type=click.Choice([form.value for form in Format]), help="By the file's ending."
)
@click.option("--encoding", default="utf-8-sig", show_default=True, help="For example gb18030.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def import_command(*, path: Path, form: str | None, encoding: str, as_json: bool, **about: Any) -> int:
    """Draft a plan from FILE, whole or not at all; exit code 1 when rows are bad.

    The fields are site, title, title_en, district, day, start, end, subject, vehicle_class, capacity, priority_capacity.
    """
    bad: list[BadRow] = []
    try:
        chosen = Format(form) if form else format_of(path)
        rows = read_plan(path, form=chosen, encoding=encoding, service=about["service"], on_bad=bad.append)
    except FileUnusable as error:
        raise Unusable(str(error)) from error
    if bad:
        for row in bad[:BAD_ROWS_SHOWN]:
            click.echo(f"line {row.line}: {row.field}: {row.reason}", err=True)
        if len(bad) > BAD_ROWS_SHOWN:
            click.echo(f"and {len(bad) - BAD_ROWS_SHOWN:,} more", err=True)
        click.echo(f"nothing was imported: {len(bad)} rows are bad", err=True)
        return 1
    try:
        new = msgspec.convert(
            {
                "authority": about["authority"],
                "service": about["service"],
                "title": {"zh-CN": about["title"]},
                "source": about["source"],
                "opens_at": _in_china(about["opens_at"]),
                "closes_at": _in_china(about["closes_at"]),
            },
            NewPlan,
        )
    except msgspec.ValidationError as error:
        raise Unusable(str(error)) from error

    async def work(engine: AsyncEngine) -> Plan:
        async with engine.begin() as connection:
            (await read_lineage(connection)).up(new.authority)
            plan = await draft_plan(connection, new, by=BY)
            await add_sessions(connection, plan_id=plan.id, rows=rows)
            return await find_plan(connection, plan.id)

    _tell([_on_plans(work)], as_json=as_json)
    return 0


@command.command("publish")
@click.argument("plan_id", metavar="PLAN", type=click.IntRange(min=1))
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def publish_command(*, plan_id: int, as_json: bool) -> None:
    """Make every session of a draft bookable, for good."""

    async def work(engine: AsyncEngine) -> Plan:
        async with engine.begin() as connection:
            plan = await find_plan(connection, plan_id)
            lineage = (await read_lineage(connection)).up(plan.authority)
            settings = await read_settings(connection, lineage=lineage, service=plan.service)
            # Valkey is told by a running server, which replays what it was not told.
            await publish_plan(connection, plan_id=plan_id, by=BY, rules=settings.plans, today=clock.today())
            plan = await find_plan(connection, plan_id)
            await note_published_plan(connection, plan, at=clock.now())
            return plan

    _tell([_on_plans(work)], as_json=as_json)


@command.command("close")
@click.argument("plan_id", metavar="PLAN", type=click.IntRange(min=1))
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def close_command(*, plan_id: int, as_json: bool) -> None:
    """End booking for every session of a published plan; what is booked stands."""

    async def work(engine: AsyncEngine) -> Plan:
        async with engine.begin() as connection:
            if (await find_plan(connection, plan_id)).state == "draft":
                raise PlanNotPublished(plan=plan_id)
            return await close_plan(connection, plan_id=plan_id, by=BY)

    _tell([_on_plans(work)], as_json=as_json)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the plans as JSON.")
def list_command(*, as_json: bool) -> None:
    """The latest plans, newest first."""

    async def work(engine: AsyncEngine) -> list[Plan]:
        async with engine.connect() as connection:
            authorities = list((await read_lineage(connection)).parents)
            return await plans_of(connection, authorities=authorities, before=None, limit=PLANS_SHOWN)

    _tell(_on_plans(work), as_json=as_json, many=True)


def _on_plans(work: Any) -> Any:
    try:
        return on_database(work)
    except ApiError as error:
        facts = ", ".join(f"{name} {value}" for name, value in error.facts.items())
        raise Unusable(f"{error.sentence} ({facts})" if facts else error.sentence) from error


def _tell(plans: list[Plan], *, as_json: bool, many: bool = False) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(plans if many else plans[0]).decode() + "\n")
        return
    for plan in plans:
        title = next(iter(plan.title.values()), "")
        click.echo(
            f"plan {plan.id}  {plan.state}  {plan.authority}  {plan.service}  {title}: "
            f"{plan.sessions:,} sessions, {plan.places:,} places"
        )
    if not plans:
        click.echo("there are no plans")


def _in_china(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=SHANGHAI) if moment is not None else None
