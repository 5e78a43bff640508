"""Test eligibility: real cases in a table, and every promised first day is really the first."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from booking_api.rules import (
    Attempt,
    Certificate,
    Learner,
    Outcome,
    Quota,
    Reach,
    TestRules,
    TestWish,
    check_test,
    first_test_day,
    has_priority,
    waiting_since,
)

RULES = TestRules(fees_fen={1: 4_000, 2: 12_000, 3: 20_000, 4: 4_000})
ISSUED = date(2026, 3, 2)
C1 = Certificate("C1", ISSUED, date(2029, 3, 1))
ALL_FEES = frozenset({1, 2, 3, 4})


def passed(subject: int, day: date = ISSUED) -> Attempt:
    return Attempt(subject, day, Outcome.PASSED)


def failed(subject: int, day: date, *, no_show: bool = False) -> Attempt:
    return Attempt(subject, day, Outcome.NO_SHOW if no_show else Outcome.FAILED)


def learner(*attempts: Attempt, certificate: Certificate = C1, fees=ALL_FEES) -> Learner:
    return Learner(certificate, attempts, fees)


def days(start: date, *after: int) -> list[date]:
    return [start + timedelta(days=n) for n in after]


FIVE_FAILURES = [failed(2, day) for day in days(date(2026, 4, 1), 0, 11, 22, 33, 44)]

# (what, learner, subject, class, wished day, the rules that refuse with their first days)
CASES = [
    ("subject 1 at once", learner(), 1, "C1", ISSUED, {}),
    ("C1 waits 10 days for subject 2", learner(passed(1)), 2, "C1", date(2026, 3, 11), {"certificate_wait": date(2026, 3, 12)}),
    ("and not 11", learner(passed(1)), 2, "C1", date(2026, 3, 12), {}),
    ("C1 waits 30 days for subject 3", learner(passed(1)), 3, "C1", date(2026, 3, 31), {"certificate_wait": date(2026, 4, 1)}),
    ("A2 waits 20 for subject 2", learner(passed(1), certificate=replace(C1, vehicle_class="A2")), 2, "A2", date(2026, 3, 21), {"certificate_wait": date(2026, 3, 22)}),
    ("A2 waits 40 for subject 3", learner(passed(1), certificate=replace(C1, vehicle_class="A2")), 3, "A2", date(2026, 4, 10), {"certificate_wait": date(2026, 4, 11)}),
    ("another class", learner(), 1, "B2", ISSUED, {"certificate_class": None}),
    ("subject 2 before 1", learner(), 2, "C1", date(2026, 5, 1), {"subject_order": None}),
    ("subject 4 before 3", learner(passed(1), passed(2, date(2026, 4, 1))), 4, "C1", date(2026, 5, 1), {"subject_order": None}),
    ("subject 4 after all", learner(passed(1), passed(2, date(2026, 4, 1)), passed(3, date(2026, 4, 20))), 4, "C1", date(2026, 5, 1), {}),
    ("passed already", learner(passed(1)), 1, "C1", date(2026, 5, 1), {"passed_already": None}),
    ("9 days after a failure", learner(passed(1), failed(2, date(2026, 4, 1))), 2, "C1", date(2026, 4, 10), {"retry_wait": date(2026, 4, 11)}),
    ("10 days after a failure", learner(passed(1), failed(2, date(2026, 4, 1))), 2, "C1", date(2026, 4, 11), {}),
    ("a no-show counts as a failure", learner(passed(1), failed(3, date(2026, 4, 1), no_show=True)), 3, "C1", date(2026, 4, 5), {"retry_wait": date(2026, 4, 11)}),
    ("subject 1 may be repeated at once", learner(failed(1, date(2026, 4, 1))), 1, "C1", date(2026, 4, 2), {}),
    ("five failures", learner(passed(1), *FIVE_FAILURES), 2, "C1", date(2026, 9, 1), {"attempts_spent": None}),
    ("four failures", learner(passed(1), *FIVE_FAILURES[:4]), 2, "C1", date(2026, 9, 1), {}),
    ("the certificate's last day", learner(), 1, "C1", date(2029, 3, 1), {}),
    ("the day after it", learner(), 1, "C1", date(2029, 3, 2), {"certificate_ended": None}),
    ("no fee", learner(fees=frozenset()), 1, "C1", ISSUED, {"fee_due": None}),
    ("no certificate", Learner(None), 1, "C1", ISSUED, {"certificate_missing": None}),
    ("two waits at once", learner(passed(1), failed(2, date(2026, 3, 5))), 2, "C1", date(2026, 3, 8), {"certificate_wait": date(2026, 3, 12), "retry_wait": date(2026, 3, 15)}),
]  # fmt: skip


@pytest.mark.parametrize(("who", "subject", "vehicle_class", "day", "refused"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])  # fmt: skip
def test_each_case_is_refused_by_its_rules_and_no_other(who, subject, vehicle_class, day, refused):
    found = check_test(who, TestWish(subject, vehicle_class, day, day), RULES)
    assert {refusal.rule: refusal.first_day for refusal in found} == refused


some_days = st.dates(ISSUED, ISSUED + timedelta(days=400))
attempts = st.builds(Attempt, st.integers(1, 4), some_days, st.sampled_from(Outcome))
learners = st.builds(
    Learner,
    st.builds(
        Certificate,
        st.sampled_from(["C1", "A2", "B1", "D"]),
        st.just(ISSUED),
        st.dates(ISSUED + timedelta(days=30), ISSUED + timedelta(days=1095)),
    ),
    st.lists(attempts, max_size=8).map(tuple),
    st.just(ALL_FEES),
)


def at(wish: TestWish, day: date) -> TestWish:
    """The same wish for another day, asked for on that day."""
    return replace(wish, day=day, asked=day)


wishes = {"subject": st.integers(1, 4), "day": some_days, "quota": st.sampled_from(Quota), "reach": st.sampled_from(Reach)}  # fmt: skip


@given(who=learners, **wishes)
def test_a_first_day_passes_and_no_earlier_one_does(who, subject, day, quota, reach):
    wish = TestWish(subject, who.certificate.vehicle_class, day, day, quota, reach)
    first = first_test_day(who, wish, RULES)
    until = first if first is not None else who.certificate.last_day + timedelta(days=1)
    for n in range((until - day).days):
        assert check_test(who, at(wish, day + timedelta(days=n)), RULES)
    if first is not None:
        assert first >= day
        assert not check_test(who, at(wish, first), RULES)


@given(who=learners, **wishes)
def test_a_rules_own_first_day_ends_that_rule_and_the_day_before_does_not(who, subject, day, quota, reach):
    wish = TestWish(subject, who.certificate.vehicle_class, day, day, quota, reach)
    for refusal in check_test(who, wish, RULES):
        if refusal.first_day is not None:
            eve = at(wish, refusal.first_day - timedelta(days=1))
            assert refusal.rule in {found.rule for found in check_test(who, eve, RULES)}
            there = at(wish, refusal.first_day)
            assert refusal.rule not in {found.rule for found in check_test(who, there, RULES)}


@pytest.mark.parametrize(
    ("day", "used", "expected"),
    [
        (date(2028, 8, 31), frozenset(), False),
        (date(2028, 9, 1), frozenset(), False),
        (date(2028, 9, 2), frozenset(), True),
        (date(2028, 12, 1), frozenset({2}), False),
        (date(2028, 12, 1), frozenset({3}), True),
    ],
)
def test_priority_is_once_per_subject_with_under_six_months_left(day, used, expected):
    who = Learner(C1, priority_used=used)
    assert has_priority(who, subject=2, day=day, rules=RULES) is expected


def test_nobody_without_a_certificate_has_priority():
    assert not has_priority(Learner(None), subject=2, day=ISSUED, rules=RULES)


@pytest.mark.parametrize(
    ("attempts", "subject", "since"),
    [
        ((), 1, ISSUED),
        ((passed(1),), 2, date(2026, 3, 12)),
        ((passed(1, date(2026, 5, 2)),), 2, date(2026, 5, 2)),
        ((passed(1), failed(2, date(2026, 5, 2))), 2, date(2026, 5, 12)),
    ],
)
def test_waiting_begins_when_a_subject_could_have_been_sat(attempts, subject, since):
    assert waiting_since(C1, attempts, subject=subject, rules=RULES) == since


@pytest.mark.parametrize(
    ("reach", "asked", "refused"),
    [
        (Reach.HOME, ISSUED, {}),
        (Reach.PROVINCE, date(2026, 4, 30), {"another_centre": date(2026, 5, 1)}),
        (Reach.PROVINCE, date(2026, 5, 1), {}),
        (Reach.ELSEWHERE, date(2027, 5, 1), {"another_province": None}),
    ],
)
def test_sixty_days_of_waiting_open_the_provinces_other_centres(reach, asked, refused):
    wish = TestWish(1, "C1", date(2027, 6, 1), asked, reach=reach)
    assert {refusal.rule: refusal.first_day for refusal in check_test(learner(), wish, RULES)} == refused


@pytest.mark.parametrize(
    ("day", "used", "refused"),
    [
        (date(2028, 9, 1), frozenset(), {"priority_only": date(2028, 9, 2)}),
        (date(2028, 9, 2), frozenset(), {}),
        (date(2028, 9, 2), frozenset({1}), {"priority_used": None}),
        (date(2028, 9, 2), frozenset({2}), {}),
    ],
)
def test_priority_places_are_for_those_who_have_priority(day, used, refused):
    who = replace(learner(), priority_used=used)
    wish = TestWish(1, "C1", day, day, Quota.PRIORITY)
    assert {refusal.rule: refusal.first_day for refusal in check_test(who, wish, RULES)} == refused


def test_the_figures_are_the_authoritys():
    lenient = TestRules(retry_wait_days={}, certificate_wait_days={}, attempts_limit={}, fees_fen={})
    who = learner(passed(1), *FIVE_FAILURES, fees=frozenset())
    assert check_test(who, TestWish(2, "C1", date(2026, 5, 16), date(2026, 5, 16)), lenient) == []
