"""Everybody and every organisation of the demo city, added where missing. Joins its caller's transaction.

Imports SQLAlchemy, the registers of people and organisations and the schools' tables.
"""

from datetime import date
from typing import Any

import msgspec
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_api.demo.applicants import INSPECTION_STATION, LEARNERS, SCHOOL, TEST_CENTRE
from booking_api.demo.people import DemoPerson, able_people, add_people, demo_people
from booking_api.organisations.errors import OrganisationExists
from booking_api.organisations.register import NewOrganisation, register_organisation
from booking_api.schools.tables import consent

AUTHORITY = "cn-zj-hz"
BY = "demo"
LEARNERS_FIRST_NUMBER = 101
ORGANISATIONS = (
    NewOrganisation(
        id=SCHOOL,
        kind="school",
        authority=AUTHORITY,
        name={"zh-CN": "公道示范驾校", "en": "Gongdao demo school"},
    ),
    NewOrganisation(
        id=TEST_CENTRE,
        kind="station",
        authority=AUTHORITY,
        name={"zh-CN": "杭州示范考试中心", "en": "Hangzhou demo test centre"},
        sites=["hz-xihu", "hz-xiaoshan"],
    ),
    NewOrganisation(
        id=INSPECTION_STATION,
        kind="station",
        authority=AUTHORITY,
        name={"zh-CN": "杭州示范检测站", "en": "Hangzhou demo inspection station"},
        sites=["hz-gongshu", "hz-binjiang"],
    ),
)


async def add_demo_people(connection: AsyncConnection, *, today: date) -> None:
    """The demo's people, the organisations that some act for, and the school's learners, unless they are there."""
    for new in ORGANISATIONS:
        try:
            await register_organisation(connection, new, by=BY)
        except OrganisationExists:
            continue
    await add_people(connection, demo_people(today), source=BY)
    learners = demo_learners(today)
    added = await add_people(connection, learners, source=f"learners of {SCHOOL}")
    consents: list[dict[str, Any]] = [
        {"account": person.account, "school": SCHOOL, "subjects": [1, 2, 3, 4], "until": person.last_day}
        for person in learners
        if person.account in added
    ]
    if consents:
        await connection.execute(upsert(consent).on_conflict_do_nothing(), consents)


def demo_learners(today: date) -> list[DemoPerson]:
    """Learners whom no rule keeps from subject 1, and as many who have passed it and come to subject 2.

    >>> [person.account for person in demo_learners(date(2026, 11, 23))][::23]
    ['learner-1', 'learner-24']
    """
    half = LEARNERS // 2
    learners = [
        one
        for subject, first in ((1, 0), (2, half))
        for one in able_people(
            [f"learner-{first + n}" for n in range(1, half + 1)],
            first_number=LEARNERS_FIRST_NUMBER + first,
            subject=subject,
            vehicle_class="C1",
            today=today,
        )
    ]
    return [
        msgspec.structs.replace(one, name=f"学员{n:02d}", authority=AUTHORITY)
        for n, one in enumerate(learners, start=1)
    ]
