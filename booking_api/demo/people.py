"""People with certificates, sittings and vehicles, as registers would have them: the demo's, a rush's, a benchmark's.

Imports SQLAlchemy, the identity and register tables. Their passwords match nothing: nobody signs in with one.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Table, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from booking_api.clock import SHANGHAI
from booking_api.demo.applicants import APPLICANTS
from booking_api.demo.numbers import NUMBERS_LIMIT, identity_number
from booking_api.identity.tables import account as account_table
from booking_api.organisations.register import find_organisation
from booking_api.registers import tables as registers
from booking_api.rules import Outcome
from booking_api.schools.tables import consent

ROWS_AT_ONCE = 1_000
CROWD_MOST = 20_000
NO_PASSWORD = "!"  # noqa: S105 - no hash has this form
CERTIFICATE_DAYS = 3 * 365


class Vehicle(msgspec.Struct, frozen=True):
    """A vehicle of a demo person. `open_violations` are recorded against it."""

    plate: str
    valid_until: date
    open_violations: int = 0


class DemoPerson(msgspec.Struct, frozen=True, kw_only=True):
    """An account and what registers know of it. `sittings`: (subject, day, outcome).

    Somebody who is not verified is in the register of persons, so that they can be verified without a counter.
    """

    account: str
    name: str
    number: int
    vehicle_class: str | None = "C1"
    issued: date
    last_day: date
    authority: str | None = None
    sittings: Sequence[tuple[int, date, Outcome]] = ()
    vehicles: Sequence[Vehicle] = ()
    roles: Sequence[str] = ()
    verified: bool = True


def demo_people(today: date) -> list[DemoPerson]:
    """The demo's people as of a day.

    Each applicant stands at another point of the way, and some may not book, and are told why.
    """

    def ago(days: int) -> date:
        return today - timedelta(days=days)

    def passed(*subjects: int) -> list[tuple[int, date, Outcome]]:
        return [(subject, ago(100 - 10 * subject), Outcome.PASSED) for subject in subjects]

    failures = [(2, ago(70 - 11 * n), Outcome.FAILED) for n in range(5)]
    stories: dict[int, dict[str, Any]] = {
        2: {"sittings": passed(1)},
        3: {"sittings": passed(1, 2)},
        4: {"sittings": passed(1, 2, 3)},
        5: {"sittings": passed(1), "vehicle_class": "C2"},
        6: {"sittings": [*passed(1), (2, ago(5), Outcome.FAILED)]},
        7: {"issued": ago(4), "sittings": [(1, ago(2), Outcome.PASSED)]},
        8: {"issued": ago(CERTIFICATE_DAYS - 120), "sittings": passed(1)},
        9: {"sittings": [*passed(1), *failures]},
        10: {"vehicle_class": None},
        11: {"sittings": passed(1, 2)},
        12: {"vehicle_class": "B2"},
    }
    people: list[DemoPerson] = []
    for applicant in APPLICANTS:
        number = applicant.number
        story = stories.get(number, {"vehicle_class": None} if applicant.roles else {})
        issued: date = story.get("issued", ago(120))
        vehicles = [
            Vehicle(plate, today + timedelta(days=40), open_violations=int(number == 6))
            for plate in applicant.vehicles
        ]
        person = DemoPerson(
            account=applicant.account,
            name=applicant.name["zh-CN"],
            number=number,
            issued=issued,
            last_day=issued + timedelta(days=CERTIFICATE_DAYS),
            vehicles=vehicles,
            roles=applicant.roles,
            verified=applicant.verified,
        )
        people.append(msgspec.structs.replace(person, **{"issued": issued} | story))
    return people


def able_people(
    accounts: Sequence[str], *, first_number: int, subject: int, vehicle_class: str, today: date
) -> list[DemoPerson]:
    """People whom no rule keeps from this subject: the certificate's wait is over, the subjects before it are passed."""
    issued = today - timedelta(days=120)
    before = [(passed, today - timedelta(days=60), Outcome.PASSED) for passed in range(1, subject)]
    return [
        DemoPerson(
            account=account,
            name="\u540d",
            number=first_number + n,
            vehicle_class=vehicle_class,
            issued=issued,
            last_day=issued + timedelta(days=CERTIFICATE_DAYS),
            sittings=before,
        )
        for n, account in enumerate(accounts)
    ]


def first_number_at(now_ms: int) -> int:
    """Where the numbers of a crowd begin: each second has its own, so no two accounts of two crowds are one person."""
    return now_ms // 1_000 * CROWD_MOST % NUMBERS_LIMIT


async def add_learners(
    engine: AsyncEngine, people: Sequence[DemoPerson], *, school: str, subject: int
) -> None:
    """Adds people who let a school book this subject for them.

    Raises:
        UnknownOrganisation: there is no such school.
    """
    async with engine.begin() as connection:
        await find_organisation(connection, school)
        await add_people(connection, people, source=f"learners of {school}")
        rows = [
            {"account": person.account, "school": school, "subjects": [subject], "until": person.last_day}
            for person in people
        ]
        await _add(connection, consent, rows)


async def add_people(
    connection: AsyncConnection, people: Sequence[DemoPerson], *, source: str
) -> frozenset[str]:
    """Adds those who are not there yet, with all that the registers know of them; gives their accounts."""
    known = await connection.execute(
        select(account_table.c.id).where(account_table.c.id.in_([person.account for person in people]))
    )
    there = set(known.scalars())
    new = [person for person in people if person.account not in there]
    if not new:
        return frozenset()
    noted = await connection.execute(
        insert(registers.register_import)
        .values(register="demo", source=source, file="", sha256="", rows=len(new), bad_rows=0)
        .returning(registers.register_import.c.id)
    )
    provenance = {"import_id": noted.scalar_one()}
    await _add(connection, account_table, map(_account, new))
    await _add(
        connection,
        registers.learner_certificate,
        (_certificate(person) | provenance for person in new if person.vehicle_class is not None),
    )
    await _add(connection, registers.exam_result, (row | provenance for p in new for row in _results(p)))
    await _add(connection, registers.vehicle, (row | provenance for p in new for row in _vehicles(p)))
    await _add(connection, registers.violation, (row | provenance for p in new for row in _violations(p)))
    await _add(connection, registers.person, (_person(p) | provenance for p in new if not p.verified))
    return frozenset(person.account for person in new)


async def _add(connection: AsyncConnection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    waiting = list(rows)
    for first in range(0, len(waiting), ROWS_AT_ONCE):
        await connection.execute(
            upsert(table).on_conflict_do_nothing(), waiting[first : first + ROWS_AT_ONCE]
        )


def _moment(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), SHANGHAI)


def _account(person: DemoPerson) -> dict[str, Any]:
    return {
        "id": person.account,
        "login": person.account,
        "identity_number": identity_number(person.number),
        "name": person.name,
        "phone": _phone(person),
        "password_hash": NO_PASSWORD,
        "roles": list(person.roles),
        "verified_at": _moment(person.issued) if person.verified else None,
        "verified_by": "demo" if person.verified else None,
    }


def _person(person: DemoPerson) -> dict[str, Any]:
    return {
        "identity_number": identity_number(person.number),
        "name": person.name,
        "phone": _phone(person),
    }


def _phone(person: DemoPerson) -> str:
    return f"138{person.number:08d}"


def _certificate(person: DemoPerson) -> dict[str, Any]:
    return {
        "number": f"demo-{person.account}",
        "identity_number": identity_number(person.number),
        "vehicle_class": person.vehicle_class,
        "issued": person.issued,
        "last_day": person.last_day,
        "authority": person.authority,
    }


def _results(person: DemoPerson) -> list[dict[str, Any]]:
    return [
        {
            "number": f"demo-{person.account}-{n}",
            "identity_number": identity_number(person.number),
            "authority": person.authority or "demo",
            "site": "demo",
            "subject": subject,
            "vehicle_class": person.vehicle_class,
            "day": day,
            "outcome": outcome,
        }
        for n, (subject, day, outcome) in enumerate(person.sittings)
    ]


def _vehicles(person: DemoPerson) -> list[dict[str, Any]]:
    return [
        {
            "plate": vehicle.plate,
            "plate_kind": "52" if len(vehicle.plate) > 7 else "02",
            "identity_number": identity_number(person.number),
            "registered": person.issued,
            "valid_until": vehicle.valid_until,
            "seats": 5,
        }
        for vehicle in person.vehicles
    ]


def _violations(person: DemoPerson) -> list[dict[str, Any]]:
    return [
        {
            "number": f"demo-{vehicle.plate}-{n}",
            "plate": vehicle.plate,
            "plate_kind": "52" if len(vehicle.plate) > 7 else "02",
            "at": _moment(person.issued),
            "code": "1344",
            "points": 3,
            "fine_yuan": 100,
            "settled": False,
        }
        for vehicle in person.vehicles
        for n in range(vehicle.open_violations)
    ]
