"""A town with schools: published sessions, verified learners with certificates, and what a school's worker needs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import insert, text

from booking_api import clock
from booking_api.eligibility import Eligibility
from booking_api.gate import Gate
from booking_api.gate.access import ACCESS
from booking_api.gate.limits import gate_library
from booking_api.identity.numbers import check_character
from booking_api.identity.sessions.memory import Sessions
from booking_api.identity.tables import account as account_table
from booking_api.identity.tokens import TokenVerifier, make_key
from booking_api.organisations.register import NewOrganisation, find_organisation, register_organisation
from booking_api.plans.draft import NewPlan, add_sessions, draft_plan
from booking_api.plans.publishing import publish_plan
from booking_api.plans.rows import SessionRow
from booking_api.plans.tables import authority_settings
from booking_api.registers.asking import vehicles_of
from booking_api.registers.tables import learner_certificate, register_import
from booking_api.rules.settings import PlanRules
from booking_api.schools import tables
from booking_api.schools.batches import NewBatch, NewRow, find_batch, rows_of, send_batch
from booking_api.schools.carrying import carry
from booking_api.schools.leases import claim
from booking_api.schools.parts import Parts
from booking_api.settings import Settings
from reservation import Kernel, add_authority, watch
from reservation.database import create_engine
from reservation.rebuild import rebuild

AUTHORITY = "cn-hz"
SCHOOL = "s-101"
OTHER = "s-202"
FAR = date(2099, 12, 31)


class Learner(NamedTuple):
    account: str
    number: str


class Town:
    """Owns a kernel of its own and everything a test says about its town."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.kernel = parts.kernel
        self._people = 0

    async def found(self, **schools: object) -> None:
        """The authority with its figures, and two schools."""
        await add_authority(self.kernel, authority_id=AUTHORITY, level="city", name={"en": "Hangzhou"})
        await self.set_rules(**schools)
        async with self.kernel.engine.begin() as connection:
            for school in (SCHOOL, OTHER):
                new = NewOrganisation(id=school, kind="school", authority=AUTHORITY, name={"en": school})
                await register_organisation(connection, new, by="operator")
            await connection.execute(
                insert(register_import).values(
                    id=1, register="certificates", source="test", file="x", sha256="x", rows=0, bad_rows=0
                )
            )

    async def set_rules(self, **schools: object) -> None:
        figures = {"batches": True, "session_share": 0.5, "rows_per_s": 1000} | schools
        async with self.kernel.engine.begin() as connection:
            await connection.execute(
                insert(authority_settings).values(
                    authority=AUTHORITY,
                    service="driving_test",
                    settings={"schools": figures, "plans": {"return_window_s": 0}},
                    reason="test",
                    set_by="operator",
                )
            )

    async def publish(self, *capacities: int, subject: int = 1, days: int = 30, **plan: object) -> list[int]:
        """Sessions so many days ahead; gives their units."""
        day = clock.today() + timedelta(days=days)
        rows = [
            SessionRow(
                site=f"hz-{n}",
                title=f"Site {n}",
                day=day,
                start="09:00",
                end="10:00",
                subject=subject,
                vehicle_class="C1",
                capacity=capacity,
            )
            for n, capacity in enumerate(capacities)
        ]
        new = NewPlan(authority=AUTHORITY, service="driving_test", title={"en": "x"}, source="x", **plan)
        async with self.kernel.engine.begin() as connection:
            made = await draft_plan(connection, new, by="operator")
            await add_sessions(connection, plan_id=made.id, rows=rows)
            rules = PlanRules(publish_ahead_days=0)
            done = await publish_plan(
                connection, plan_id=made.id, by="operator", rules=rules, today=clock.today()
            )
        for pool in done.pools:
            while await rebuild(self.kernel, pool_id=pool) is None:
                pass
        async with self.kernel.engine.connect() as connection:
            units = await connection.execute(
                text("SELECT unit_id FROM plan_session WHERE plan_id = :p ORDER BY site"), {"p": made.id}
            )
            return list(units.scalars())

    async def enrol(
        self,
        people: int,
        *,
        school: str | None = SCHOOL,
        subjects: tuple[int, ...] = (1,),
        certified: bool = True,
    ) -> list[Learner]:
        """Verified people with a certificate, who let the school book these subjects."""
        learners: list[Learner] = []
        for _ in range(people):
            self._people += 1
            first = f"110105{1900 + self._people // 900}0101{self._people % 900 + 100}"
            learners.append(Learner(f"p{self._people:06d}", first + check_character(first)))
        accounts = [
            {
                "id": one.account,
                "login": one.account,
                "identity_number": one.number,
                "name": "张伟",
                "phone": "13800138000",
                "password_hash": "x",
                "verified_at": clock.now(),
                "verified_by": "counter:test",
            }
            for one in learners
        ]
        certificates = [
            {
                "number": one.number,
                "identity_number": one.number,
                "vehicle_class": "C1",
                "issued": date(2026, 1, 1),
                "last_day": FAR,
                "import_id": 1,
            }
            for one in learners
        ]
        consents = [
            {"account": one.account, "school": school, "subjects": list(subjects), "until": FAR}
            for one in learners
        ]
        async with self.kernel.engine.begin() as connection:
            await connection.execute(insert(account_table), accounts)
            if certified:
                await connection.execute(insert(learner_certificate), certificates)
            if school is not None:
                await connection.execute(insert(tables.consent), consents)
        return learners

    async def send(self, rows, *, mode="best_effort", school=SCHOOL, key="k"):
        """Sends a batch of (learner word, units)."""
        async with self.kernel.engine.connect() as connection:
            known = await find_organisation(connection, school)
        new = NewBatch(mode, [NewRow(word, list(units)) for word, units in rows])
        return (await send_batch(self.parts, known, new, key=key, by="test", now=clock.now()))[0]

    async def carry(self, parts: Parts | None = None) -> int | None:
        """Carries one batch that waits to its end, as a worker would."""
        parts = parts or self.parts
        found = await claim(parts.kernel)
        if found is None:
            return None
        await carry(parts, batch=found[0], lease=found[1])
        return found[0]

    async def told(self, batch: int, *, school=SCHOOL):
        """The batch and its rows as the school sees them."""
        async with self.kernel.engine.connect() as connection:
            return (
                await find_batch(connection, school, batch),
                await rows_of(connection, batch, after=0, limit=500),
            )

    async def ask(self, query: str, **words):
        async with self.kernel.engine.begin() as connection:
            done = await connection.execute(text(query), words)
            return done.all() if done.returns_rows else []

    async def seats(self, unit: int, school: str = SCHOOL) -> int:
        """Places of a unit that are booked through this school."""
        [row] = await self.ask(
            """
            SELECT count(*) AS n FROM school_seat s JOIN booking b ON b.id = s.claim_id AND b.state = 'booked'
            WHERE s.unit_id = :unit AND s.school = :school
            """,
            unit=unit,
            school=school,
        )
        return row.n


@asynccontextmanager
async def worker(data: Path, database_url: str, valkey_url: str) -> AsyncIterator[Parts]:
    """What one worker has."""
    kernel = Kernel(
        create_engine(database_url, connections=8), valkey_url, clock=clock.now_ms, libraries=[gate_library()]
    )
    watch(kernel)
    await kernel.open()
    try:
        key = make_key(data / "keys" / "token.jwk")
        sessions = Sessions(kernel.engine, kernel.reads, key, now_ms=clock.now_ms, vehicles_of=vehicles_of)
        settings = Settings(data=data, database_url=database_url, valkey_url=valkey_url)
        yield Parts(
            kernel,
            Eligibility(kernel),
            Gate(settings, kernel, TokenVerifier(key, now_s=clock.now_s), sessions, ACCESS),
        )
    finally:
        await kernel.close()
