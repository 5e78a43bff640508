"""A session that is on now, with people booked for it, beside a demo that runs: the demo's own begin tomorrow.

In a thread of its own: Playwright keeps a loop running in the tests'.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import msgspec
from sqlalchemy import func, insert, select, update

from booking_api import clock
from booking_api.cli.surroundings import ADDRESSES_FILE, Addresses, open_kernel
from booking_api.demo.city import publish_demo_plan
from booking_api.demo.people import able_people, add_people
from booking_api.demo.plan import DemoPlan
from booking_api.identity.tables import account
from booking_api.identity.tokens import load_key
from booking_api.plans.rows import SessionRow
from booking_api.plans.tables import plan_session
from booking_api.registers.tables import exam_result, register_import
from booking_api.tickets.check_in import check_in_key, make_code
from reservation import confirm, hold
from reservation.tables import booking, pool
from reservation.transaction import transaction

NAMES = ("欧阳明月", "陈晨", "Alexandra Konstantinopoulos-Wellington", "李雷", "王小明", "赵敏")


class Door(msgspec.Struct):
    """The session's unit, and each person's code and booking."""

    unit: int
    codes: list[str]
    bookings: list[str]


def open_door(
    env: Mapping[str, str],
    *,
    site: str = "hz-xihu",
    people: int = 6,
    first_number: int = 9_000,
    subject: int = 1,
) -> Door:
    """A session of today, from its first minute to its last, at this site."""
    data = Path(env["GONGDAO_DATA"])
    with ThreadPoolExecutor(1) as thread:
        made = _open(data, site=site, people=people, first_number=first_number, subject=subject)
        return thread.submit(asyncio.run, made).result()


async def _open(data: Path, *, site: str, people: int, first_number: int, subject: int) -> Door:
    today = clock.today()
    addresses = msgspec.json.decode((data / ADDRESSES_FILE).read_bytes(), type=Addresses)
    key = check_in_key(load_key(data / "keys" / "token.jwk"))
    accounts = [f"door-{first_number}-{n}" for n in range(people)]
    session = SessionRow(
        site=site,
        title="西湖考场 全天场",
        title_en="Xihu site, all day",
        day=today,
        start="00:00",
        end="23:59",
        subject=subject,
        vehicle_class="C1",
        capacity=people + 4,
    )
    plan = DemoPlan(
        authority="cn-zj-hz",
        service="driving_test",
        title={"zh-CN": "今天", "en": "Today"},
        sessions=(session,),
    )
    async with open_kernel(addresses) as kernel:
        able = able_people(
            accounts, first_number=first_number, subject=subject, vehicle_class="C1", today=today
        )
        named = [msgspec.structs.replace(one, name=NAMES[n % len(NAMES)]) for n, one in enumerate(able)]
        async with transaction(kernel.engine) as connection:
            await add_people(connection, named, source="door")
        [unit] = await publish_demo_plan(kernel, plan, today=today)
        async with kernel.engine.connect() as connection:
            query = select(pool.c.id).where(
                pool.c.authority == "cn-zj-hz", pool.c.rule == f"subject-{subject}"
            )
            pool_id = (await connection.execute(query)).scalar_one()
        bookings: list[str] = []
        for account in accounts:
            held = await hold(
                kernel, pool_id=pool_id, units=[unit], claimant=f"person:{account}", owner=account
            )
            bookings.append((await confirm(kernel, claim_id=held.id, owner=account, key=held.id)).id)
    return Door(unit, [make_code(booking, key=key) for booking in bookings], bookings)


def move_to_the_past(data: Path, unit: int, *, outcomes: Sequence[str]) -> None:
    """Says of a session that it was yesterday, and of the first of its people what came of their tests."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, _move(data, unit, outcomes)).result()


async def _move(data: Path, unit: int, outcomes: Sequence[str]) -> None:
    addresses = msgspec.json.decode((data / ADDRESSES_FILE).read_bytes(), type=Addresses)
    yesterday = clock.now() - timedelta(days=1)
    people = (
        select(account.c.identity_number)
        .join(booking, booking.c.owner == account.c.id)
        .where(booking.c.unit_id == unit, booking.c.state == "booked")
        .order_by(account.c.id)
    )
    async with open_kernel(addresses) as kernel, transaction(kernel.engine) as connection:
        times = {"starts_at": yesterday, "ends_at": yesterday + timedelta(hours=1)}
        moved = update(plan_session).where(plan_session.c.unit_id == unit).values(times)
        session = (await connection.execute(moved.returning(plan_session))).one()
        row = {
            "authority": "cn-zj-hz",
            "site": session.site,
            "subject": session.subject,
            "vehicle_class": session.vehicle_class,
            "day": yesterday.astimezone(clock.SHANGHAI).date(),
            "import_id": (await connection.execute(select(func.max(register_import.c.id)))).scalar_one(),
        }
        numbers = (await connection.execute(people)).scalars().all()
        sat = [
            row | {"number": f"past-{unit}-{n}", "identity_number": number, "outcome": outcome}
            for n, (number, outcome) in enumerate(zip(numbers, outcomes, strict=False))
        ]
        await connection.execute(insert(exam_result), sat)
