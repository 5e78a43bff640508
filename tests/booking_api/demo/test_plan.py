"""The demo city's plan: the same everywhere, and like a real city's."""

import hashlib
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from booking_api.clock import SHANGHAI
from booking_api.demo.plan import AUTHORITIES, POPULAR_POOL, POPULAR_SEATS, plan_demo_city
from reservation import ClaimantKind

FOUNDED = date(2026, 11, 23)
PLAN_DIGEST = "0e32c7aa3c8967904d4990176d102e38faeecf1bef4e00b77c7ba2464531bbd0"


@pytest.fixture
def pools():
    return plan_demo_city(FOUNDED)


def test_the_plan_is_the_same_on_every_machine(pools):
    """A frozen digest: a change of the demo city must be meant."""
    assert hashlib.sha256(msgspec.json.encode(pools)).hexdigest() == PLAN_DIGEST


def test_another_founding_day_moves_the_days_and_nothing_else(pools):
    later = plan_demo_city(FOUNDED + timedelta(weeks=5))
    for pool, moved in zip(pools, later, strict=True):
        assert moved.key == pool.key
        for unit, shifted in zip(pool.units, moved.units, strict=True):
            assert shifted.starts_at - unit.starts_at == timedelta(weeks=5)
            assert (shifted.site, shifted.capacity, shifted.attributes) == (
                unit.site,
                unit.capacity,
                unit.attributes,
            )


def test_the_authorities_are_a_ministry_a_province_and_three_cities():
    assert [authority.level for authority in AUTHORITIES] == ["ministry", "province", "city", "city", "city"]
    known: set[str | None] = {None}
    for authority in AUTHORITIES:
        assert authority.parent in known
        known.add(authority.id)


def test_each_city_gives_out_four_subjects_and_inspections(pools):
    assert len({pool.key for pool in pools}) == len(pools) == 15
    for city in ("cn-zj-hz", "cn-zj-nb", "cn-zj-jx"):
        rules = [pool.rule for pool in pools if pool.authority == city]
        assert rules == ["subject-1", "subject-2", "subject-3", "subject-4", "periodic-inspection"]
    assert {pool.claimant_kind for pool in pools if pool.service == "inspection"} == {ClaimantKind.VEHICLE}


def test_there_are_six_sites_and_four_stations(pools):
    sites = {unit.site for pool in pools if pool.service == "driving_test" for unit in pool.units}
    stations = {unit.site for pool in pools if pool.service == "inspection" for unit in pool.units}
    assert (len(sites), len(stations)) == (6, 4)


def test_sessions_have_ten_to_forty_seats_and_one_has_five_hundred(pools):
    sizes = [
        (pool.key, unit.capacity) for pool in pools if pool.service == "driving_test" for unit in pool.units
    ]
    large = [(key, size) for key, size in sizes if size > 40]
    assert large == [(POPULAR_POOL, POPULAR_SEATS)]
    assert min(size for _, size in sizes) >= 10


def test_sessions_are_in_business_hours_within_three_weeks(pools):
    for pool in pools:
        for unit in pool.units:
            assert unit.starts_at.tzinfo is UTC
            start, end = (moment.astimezone(SHANGHAI) for moment in (unit.starts_at, unit.ends_at))
            assert timedelta(days=1) <= start.date() - FOUNDED <= timedelta(weeks=3)
            assert start.date() == end.date()
            assert start.isoweekday() <= 6
            assert 8 <= start.hour < end.hour <= 17


def test_every_title_is_in_chinese_and_english(pools):
    for pool in pools:
        for words in (pool.title, *(unit.title for unit in pool.units)):
            assert set(words) == {"zh-CN", "en"}
            assert all(words.values())


def test_several_classes_are_examined_and_the_small_car_most(pools):
    classes = [
        unit.attributes["class"] for pool in pools for unit in pool.units if "class" in unit.attributes
    ]
    assert {"C1", "C2", "B2", "A1", "D"} <= set(classes)
    assert max(set(classes), key=classes.count) == "C1"


def test_a_session_is_on_the_day_it_says_in_china(pools):
    first = pools[0].units[0]
    assert first.starts_at == datetime(2026, 11, 25, 1, 0, tzinfo=UTC)  # 09:00 in China
