"""The demo city's plan: the same everywhere, and like a real city's."""

import hashlib
from datetime import date, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from booking_api.demo.plan import AUTHORITIES, POPULAR_POOL, POPULAR_SEATS, plan_demo_city

FOUNDED = date(2026, 11, 23)
PLAN_DIGEST = "55c7db6a75d4d55da8be080ff7f585bd40ffe17c8ab0d95a52d3b6b99f4d213d"


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
        for session, shifted in zip(pool.sessions, moved.sessions, strict=True):
            assert replace(shifted, day=session.day) == session
            assert shifted.day - session.day == timedelta(weeks=5)


def test_the_authorities_are_a_ministry_a_province_and_three_cities():
    assert [authority.level for authority in AUTHORITIES] == ["ministry", "province", "city", "city", "city"]
    known: set[str | None] = {None}
    for authority in AUTHORITIES:
        assert authority.parent in known
        known.add(authority.id)


def test_each_city_gives_out_four_subjects_and_inspections(pools):
    assert len({pool.key for pool in pools}) == len(pools) == 15
    for city in ("cn-zj-hz", "cn-zj-nb", "cn-zj-jx"):
        rules = [pool.key[2] for pool in pools if pool.authority == city]
        assert rules == ["subject-1", "subject-2", "subject-3", "subject-4", "periodic-inspection"]


def test_there_are_six_sites_and_four_stations(pools):
    sites = {session.site for pool in pools if pool.service == "driving_test" for session in pool.sessions}
    stations = {session.site for pool in pools if pool.service == "inspection" for session in pool.sessions}
    assert (len(sites), len(stations)) == (6, 4)


def test_sessions_have_ten_to_forty_seats_and_one_has_five_hundred(pools):
    sizes = [
        (pool.key, session.capacity + session.priority_capacity)
        for pool in pools
        if pool.service == "driving_test"
        for session in pool.sessions
    ]
    large = [(key, size) for key, size in sizes if size > 40]
    assert large == [(POPULAR_POOL, POPULAR_SEATS)]
    assert min(size for _, size in sizes) >= 10


def test_sessions_are_in_business_hours_within_three_weeks(pools):
    for pool in pools:
        for session in pool.sessions:
            assert timedelta(days=1) <= session.day - FOUNDED <= timedelta(weeks=3)
            assert session.day.isoweekday() <= 6
            assert "08:00" <= session.start < session.end <= "17:00"


def test_every_title_is_in_chinese_and_english(pools):
    for pool in pools:
        assert set(pool.title) == {"zh-CN", "en"}
        assert all(pool.title.values())
        assert all(session.title and session.title_en for session in pool.sessions)


def test_some_places_are_kept_for_certificates_that_end_soon(pools):
    kept = {pool.key[2]: sum(session.priority_capacity for session in pool.sessions) for pool in pools}
    assert (kept["subject-1"], kept["periodic-inspection"]) == (0, 0)
    assert min(kept["subject-2"], kept["subject-3"], kept["subject-4"]) > 10


def test_several_classes_are_examined_and_the_small_car_most(pools):
    classes = [session.vehicle_class for pool in pools for session in pool.sessions if session.vehicle_class]
    assert {"C1", "C2", "B2", "A1", "D"} <= set(classes)
    assert max(set(classes), key=classes.count) == "C1"
