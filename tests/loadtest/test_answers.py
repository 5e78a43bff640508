"""Which answers were to be expected, and how long they took."""

import doctest

import pytest

from loadtest import answers, plan
from loadtest.answers import back_after_ms, count_answers, done_after_ms, measure
from loadtest.journal import Action, Line


def line(action, status, code="", **facts):
    return Line(
        **({"at_ms": 1, "account": "first-1", "n": 1} | facts), action=action, status=status, code=code
    )


@pytest.mark.parametrize("module", [answers, plan], ids=lambda module: module.__name__)
def test_examples_are_true(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize(
    ("action", "status", "code", "expected"),
    [
        (Action.HOLD, 201, "", True),
        (Action.HOLD, 409, "full", True),
        (Action.HOLD, 409, "already_booked", False),
        (Action.CONFIRM, 409, "already_booked", True),
        (Action.CONFIRM, 422, "idempotency_key_reused", False),
        (Action.CONFIRM, 500, "internal", False),
        (Action.CONFIRM, 0, "no_answer", False),
        (Action.CONFIRM, 401, "token_invalid", False),
        (Action.FOREIGN_CANCEL, 404, "unknown_booking", True),
        (Action.CANCEL, 404, "unknown_booking", False),
    ],
)
def test_an_answer_is_expected_by_what_was_asked(action, status, code, expected):
    (count,) = count_answers([[line(action, status, code)]])
    assert count.expected == expected


def test_a_test_may_allow_less_than_life_does():
    busy = [[line(Action.HOLD, 503, "busy"), line(Action.HOLD, 409, "full"), line(Action.HOLD, 409, "full")]]
    counts = count_answers(busy, allowed=frozenset({"full"}))
    assert [(count.code, count.count, count.expected) for count in counts] == [
        ("full", 2, True),
        ("busy", 1, False),
    ]


def test_latencies_are_those_of_answered_requests():
    times = [line(Action.HOLD, 201, took_ms=float(n)) for n in range(1, 101)]
    (seen,) = measure(
        [[*times, line(Action.HOLD, 0, "no_answer", took_ms=30_000.0), line(Action.HOLD, 0, asked=True)]]
    )
    assert (seen.count, seen.p50_ms, seen.p95_ms, seen.p99_ms, seen.max_ms) == (100, 50.0, 95.0, 99.0, 100.0)


def test_the_way_back_from_a_crash_counts_only_what_was_asked_for_after_it():
    files = [
        [
            line(Action.HOLD, 201, at_ms=1_050, took_ms=100.0),
            line(Action.HOLD, 503, "unavailable", at_ms=1_200, took_ms=10.0),
            line(Action.CONFIRM, 201, at_ms=1_700, took_ms=100.0),
        ]
    ]
    assert back_after_ms(files, since_ms=1_000) == 700
    assert back_after_ms(files, since_ms=2_000) is None


def test_a_wave_is_done_with_its_own_last_booking():
    files = [
        [
            line(Action.CONFIRM, 201, at_ms=1_500),
            line(Action.HOLD, 201, at_ms=1_800),
            line(Action.CONFIRM, 201, at_ms=9_000, account="later-1-1"),
        ]
    ]
    assert done_after_ms(files, wave="first", opened_ms=1_000) == 500
