"""The rules at the hold path: refused with rule, facts and first day, or let through; figures of the authority."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from booking_api import clock
from booking_api.demo.people import Vehicle
from booking_api.eligibility import Eligibility
from booking_api.eligibility.errors import BookingClosed, NotEligible, NotOpenYet
from booking_api.plans import tables
from booking_api.plans.authorities import add_days_off, read_lineage, set_settings
from booking_api.plans.draft import close_plan
from booking_api.rules import Outcome
from reservation.errors import Unavailable
from reservation.transaction import transaction
from tests.planning import in_days, inspection_row, person, planned, settle, test_row

NOW = clock.now


async def refusals(kernel, unit, *, account="a", vehicle=None, now=None):
    """{rule: first day} that stand against it; {} when it passes. Asked of a worker that remembers nothing."""
    try:
        await Eligibility(kernel).check_hold(account=account, units=[unit], vehicle=vehicle, now=now or NOW())
    except NotEligible as error:
        return {refusal["rule"]: refusal["first_day"] for refusal in error.facts["rules"]}
    return {}


async def set_figures(kernel, authority, settings, service="driving_test"):
    async with transaction(kernel.engine) as connection:
        above = (await read_lineage(connection)).up(authority)
        await set_settings(connection, lineage=above, service=service, settings=settings, reason="t", by="op")


# (what, the row, the person, the rules that refuse with the days from now on which they would pass)
CASES = [
    ("a new learner, subject 1", {}, person(), {}),
    ("no certificate", {}, person(vehicle_class=None), {"certificate_missing": None}),
    ("another class", {"vehicle_class": "B2"}, person(), {"certificate_class": None}),
    ("subject 2 before 1", {"subject": 2}, person(), {"subject_order": None}),
    ("subject 2 after 1", {"subject": 2}, person("a", 1), {}),
    ("passed already", {}, person("a", 1), {"passed_already": None}),
    ("the wait after the certificate", {"subject": 3}, person("a", 1, certificate_days=2, sittings=[(1, in_days(-1), Outcome.PASSED)]), {"certificate_wait": 28}),
    ("ten days after a failure", {"subject": 2}, person("a", sittings=[(1, in_days(-9), Outcome.PASSED), (2, in_days(15), Outcome.FAILED)]), {"retry_wait": 25}),
    ("five failures", {"subject": 2}, person("a", sittings=[(1, in_days(-90), Outcome.PASSED), *((2, in_days(-80 + 11 * n), Outcome.FAILED) for n in range(5))]), {"attempts_spent": None}),
    ("priority places", {"capacity": 0, "priority_capacity": 2}, person(), {"priority_only": "some day"}),
    ("priority places, the certificate ends soon", {"capacity": 0, "priority_capacity": 2}, person(certificate_days=1000), {}),
    ("the certificate ends before", {}, person(certificate_days=1090), {"certificate_ended": None}),
    ("a certificate of this office", {}, person(authority="cn-zj-hz"), {}),
    ("one of an office nobody knows", {}, person(authority="elsewhere"), {}),
    ("another city, waiting since long", {}, person(authority="cn-zj-nb"), {}),
    ("another city, not yet", {}, person(authority="cn-zj-nb", certificate_days=20), {"another_centre": 40}),
    ("another province", {}, person(authority="cn-gd-gz"), {"another_province": None}),
]  # fmt: skip


@pytest.mark.parametrize(("row", "who", "refused"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
async def test_each_person_is_refused_by_the_rules_that_stand_against_it(kernel, row, who, refused):
    [unit] = await planned(kernel, [test_row(**row)])
    await settle(kernel, who)
    found = await refusals(kernel, unit)
    assert found.keys() == refused.keys()
    for rule, days in refused.items():
        if days == "some day":
            assert found[rule] is not None
        else:
            assert found[rule] == (in_days(days).isoformat() if days is not None else None)


async def test_a_first_day_told_is_the_first_on_which_it_passes(kernel):
    wait = 28
    rows = [test_row(subject=3, day=in_days(wait + n)) for n in (-1, 0)]
    before, there = await planned(kernel, rows)
    late = [(1, in_days(-1), Outcome.PASSED)]
    await settle(kernel, person(certificate_days=2, sittings=late))
    assert await refusals(kernel, before) == {"certificate_wait": in_days(wait).isoformat()}
    assert await refusals(kernel, there) == {}


async def test_somebody_who_is_not_known_or_not_verified_has_no_certificate(kernel):
    [unit] = await planned(kernel, [test_row()])
    assert await refusals(kernel, unit, account="nobody") == {"certificate_missing": None}


async def test_a_unit_that_no_plan_has_made_has_no_rule_here(kernel, city):
    _, [unit] = await city(capacities=(1,))
    assert await refusals(kernel, unit, account="nobody") == {}
    assert await refusals(kernel, unit + 1000, account="nobody") == {}


async def test_booking_opens_at_its_moment(kernel):
    opens = NOW() + timedelta(hours=1)
    [unit] = await planned(kernel, [test_row()], opens_at=opens)
    await settle(kernel, person())
    with pytest.raises(NotOpenYet) as refused:
        await refusals(kernel, unit, now=opens - timedelta(seconds=1))
    assert refused.value.facts["opens_at"] == opens
    assert await refusals(kernel, unit, now=opens) == {}


async def test_booking_closes_the_day_before_unless_the_plan_says_when(kernel):
    [unit] = await planned(kernel, [test_row()])
    closes = NOW() + timedelta(days=3)
    [other] = await planned(kernel, [test_row(site="x")], closes_at=closes)
    await settle(kernel, person())
    # 00:00 in China of the session's day is 16:00 UTC of the day before.
    midnight = clock.now().replace(hour=16, minute=0, second=0, microsecond=0)
    session_day = midnight + timedelta(days=(in_days(20) - midnight.date()).days - 1)
    assert await refusals(kernel, unit, now=session_day - timedelta(minutes=1)) == {}
    with pytest.raises(BookingClosed):
        await refusals(kernel, unit, now=session_day)
    with pytest.raises(BookingClosed):
        await refusals(kernel, other, now=closes)


async def test_a_plan_closed_by_hand_is_closed(kernel):
    [unit] = await planned(kernel, [test_row()])
    async with transaction(kernel.engine) as connection:
        plan = (await connection.execute(tables.plan.select())).one()
        await close_plan(connection, plan_id=plan.id, by="op")
    with pytest.raises(BookingClosed):
        await refusals(kernel, unit, now=NOW() + timedelta(seconds=1))


async def test_figures_are_the_authoritys_and_what_it_leaves_out_is_the_ones_above(kernel):
    [unit] = await planned(kernel, [test_row(subject=3)])
    await settle(kernel, person(certificate_days=2, sittings=[(1, in_days(-1), Outcome.PASSED)]))
    assert await refusals(kernel, unit) == {"certificate_wait": in_days(28).isoformat()}
    await set_figures(kernel, "cn-zj", {"eligibility": {"certificate_wait_days": {"3": {"C1": 25}}}})
    assert await refusals(kernel, unit) == {"certificate_wait": in_days(23).isoformat()}
    await set_figures(kernel, "cn-zj-hz", {"eligibility": {"certificate_wait_days": {"3": {"C1": 0}}}})
    assert await refusals(kernel, unit) == {}
    await set_figures(kernel, "cn-zj-hz", {})
    assert await refusals(kernel, unit) == {"certificate_wait": in_days(23).isoformat()}


async def test_a_fee_that_is_set_must_be_settled_first(kernel):
    [unit] = await planned(kernel, [test_row()])
    await settle(kernel, person())
    await set_figures(kernel, "cn", {"eligibility": {"fees_fen": {"1": 4000}}})
    assert await refusals(kernel, unit) == {"fee_due": None}


PLATE = "\u6d59A12345"


def car(days: int, violations: int = 0):
    return person(vehicles=[Vehicle(PLATE, in_days(days), violations)])


@pytest.mark.parametrize(
    ("who", "day", "refused"),
    [
        (car(30), 3, {}),
        (car(30, 2), 3, {"violations_open": None}),
        (car(30), 60, {"too_far_ahead": "some day"}),
        (car(300), 3, {"inspection_too_early": "some day"}),
        (person(), 3, {"vehicle_unknown": None}),
    ],
)
async def test_each_vehicle_is_refused_by_the_rules_that_stand_against_it(kernel, who, day, refused):
    [unit] = await planned(kernel, [inspection_row(day=in_days(day))])
    await settle(kernel, who)
    found = await refusals(kernel, unit, vehicle=PLATE)
    assert found.keys() == refused.keys()
    assert all((found[rule] is None) == (day is None) for rule, day in refused.items())


async def test_days_off_do_not_count_as_working_days(kernel):
    """The fifteenth working day is three weeks away; with a week off it is four."""
    [unit] = await planned(kernel, [inspection_row(day=in_days(24))])
    await settle(kernel, car(60))
    assert await refusals(kernel, unit, vehicle=PLATE) != {}
    [near] = await planned(kernel, [inspection_row(day=in_days(20), site="near")])
    assert await refusals(kernel, near, vehicle=PLATE) == {}
    async with transaction(kernel.engine) as connection:
        await add_days_off(connection, authority="cn", days={in_days(n): "off" for n in range(1, 8)})
    assert await refusals(kernel, near, vehicle=PLATE) == {}
    [later] = await planned(kernel, [inspection_row(day=in_days(24), site="later")])
    assert await refusals(kernel, later, vehicle=PLATE) == {}


async def test_many_people_are_asked_about_in_one_statement(kernel, monkeypatch):
    [unit] = await planned(kernel, [test_row(capacity=100)])
    people = [person(f"p{n}", number=n) for n in range(60)]
    await settle(kernel, *people)
    eligibility = Eligibility(kernel)
    await eligibility.check_hold(account="p0", units=[unit], vehicle=None, now=NOW())
    asked: list[int] = []
    reader = eligibility._dossiers
    read = reader._read

    async def counted(accounts):
        asked.append(len(accounts))
        return await read(accounts)

    monkeypatch.setattr(reader, "_read", counted)
    checks = [
        eligibility.check_hold(account=one.account, units=[unit], vehicle=None, now=NOW()) for one in people
    ]
    await asyncio.gather(*checks)
    assert asked == [59]


async def test_a_database_that_does_not_answer_refuses_and_the_next_one_asks_again(kernel, monkeypatch):
    [unit] = await planned(kernel, [test_row()])
    await settle(kernel, person())
    eligibility = Eligibility(kernel)
    await eligibility.sessions.planned([unit])
    reader = eligibility._dossiers
    read = reader._read

    async def silent(_):
        raise Unavailable(part="postgresql")

    monkeypatch.setattr(reader, "_read", silent)
    with pytest.raises(Unavailable):
        await eligibility.check_hold(account="a", units=[unit], vehicle=None, now=NOW())
    monkeypatch.setattr(reader, "_read", read)
    await eligibility.check_hold(account="a", units=[unit], vehicle=None, now=NOW())


async def test_one_of_two_certificates_is_the_one_of_the_sessions_class(kernel):
    one, two = await planned(kernel, [test_row(), test_row(vehicle_class="D")])
    await settle(kernel, person())
    async with transaction(kernel.engine) as connection:
        await connection.execute(
            text(
                "INSERT INTO learner_certificate (number, identity_number, vehicle_class, issued, last_day, import_id) "
                "SELECT 'second', identity_number, 'D', issued + 1, last_day, import_id FROM learner_certificate"
            )
        )
    assert await refusals(kernel, one) == {}
    assert await refusals(kernel, two) == {}
