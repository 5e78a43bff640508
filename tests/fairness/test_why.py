"""Why this, why not that: the counts of an explanation agree with the certificate, and tiny rounds are told as they were."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.allocation import allocate
from allocator.bound import bound_of
from fairness.rounds.problem import read_problem
from fairness.rounds.round import NOBODY, make_ready, public_order
from fairness.rounds.why import NoApplication, explain
from tests.allocator.rounds import a_problem, text_of

SEED = bytes(32)


def solved(problem):
    read = read_problem(text_of(problem))
    round_ = make_ready(read, public_order(read.applications, SEED))
    return read, round_, allocate(round_, SEED, bound_of)


def why_of(problem, applicant):
    return explain(*solved(problem), applicant)


def person(name, waiting_class, *lines, school=None):
    return {"id": name, "class": waiting_class, "lines": [list(line) for line in lines], "school": school}


def a_round(sessions, applications, **more):
    listed = [{"id": one, "capacity": seats} for one, seats in sessions.items()]
    return {"version": 1, "sessions": listed, "applications": applications, **more}


def test_a_closed_session_says_where_it_closed_and_who_has_its_seats():
    problem = a_round(
        {"am": 2, "pm": 1},
        [
            person("a", 0, ["am"]),
            person("b", 1, ["am"]),
            person("c", 1, ["am"], ["pm"]),
            person("d", 2, ["pm"]),
        ],
    )
    late = next(one for one in ("b", "c") if why_of(problem, one).session != "am" or one == "c")
    loser = late if why_of(problem, late).line != 0 else "b"
    why = why_of(problem, loser)
    am = why.lines[0].sessions[0]
    assert (am.answer, am.closed_at, why.order.position) == ("closed", 2, 2)
    assert (am.seats, am.earlier_class, am.same_class, am.behind, am.asked_before) == (2, 1, 1, 0, 2)
    assert (why.order.earlier_classes, why.order.same_class, why.order.drawn_before) == (1, 2, 1)


def test_what_was_got_what_is_equal_and_what_was_not_needed_are_told_apart():
    problem = a_round({"am": 1, "noon": 1, "pm": 1}, [person("a", 0, ["am", "noon"], ["pm"])])
    why = why_of(problem, "a")
    answers = {session.id: session.answer for line in why.lines for session in line.sessions}
    assert answers == {"am": "got", "noon": "equal", "pm": "not_reached"}
    assert (why.line, why.session, why.school, why.batch) == (0, "am", None, None)


def test_a_school_whose_maximum_was_reached_bars_who_comes_later():
    problem = a_round(
        {"am": 5},
        [person("a", 0, ["am"], school="x"), person("b", 1, ["am"], school="x")],
        schools=[{"id": "x", "max": 1}],
    )
    barred, seated = why_of(problem, "b"), why_of(problem, "a")
    assert [one.answer for one in barred.lines[0].sessions] == ["barred"]
    assert (barred.school.most, barred.school.seated_before) == (1, 1)
    assert (seated.school.seated_before, seated.session) == (0, "am")


def test_seats_reserved_for_another_school_are_counted_apart():
    problem = a_round(
        {"am": 2},
        [person("a", 0, ["am"]), person("b", 1, ["am"]), person("x", 2, ["am"], school="x")],
        schools=[{"id": "x", "reserve": [{"session": "am", "seats": 1}]}],
    )
    refused, kept = why_of(problem, "b"), why_of(problem, "x")
    am = refused.lines[0].sessions[0]
    assert (am.answer, am.seats, am.reserved_for_others, am.earlier_class) == ("closed", 1, 1, 1)
    assert kept.in_reserve
    assert not refused.in_reserve


def test_a_batch_that_fits_nowhere_is_told_by_its_witness():
    problem = a_round(
        {"am": 2},
        [person("a", 0, ["am"]), person("m1", 1), person("m2", 1)],
        batches=[{"id": "g", "members": ["m1", "m2"], "lines": [["am"]]}],
    )
    why = why_of(problem, "m1")
    am = why.lines[0].sessions[0]
    assert (why.batch.id, why.batch.members, why.batch.turn) == ("g", 2, 2)
    assert (am.answer, am.crowd.sessions) == ("witnessed", ["am"])
    assert (am.crowd.held, am.crowd.members, am.crowd.seats) == (1, 2, 2)


def test_nobody_of_another_name_is_explained():
    with pytest.raises(NoApplication, match="nobody"):
        why_of(a_round({"am": 1}, [person("a", 0, ["am"])]), "nobody")


@settings(max_examples=120, deadline=None)
@given(st.randoms(use_true_random=False))
def test_every_refusal_of_every_round_has_a_reason_whose_counts_add_up(chance):
    problem, round_, outcome = solved(a_problem(chance))
    for position, applicant in enumerate(round_.application_ids):
        why = explain(problem, round_, outcome, applicant)
        turn = why.order.position if why.batch is None else why.batch.turn
        assert why.order.position == position
        assert (why.line is None) == (outcome.final.place_at[position] == NOBODY)
        for line in why.lines:
            better = why.line is None or line.number < why.line
            for session in line.sessions:
                held = session.earlier_class + session.same_class
                assert (session.answer in {"closed", "barred", "witnessed"}) == better
                if session.answer == "barred":
                    assert why.school is not None or why.batch is not None
                elif session.answer == "closed":
                    assert session.closed_at <= turn
                    assert why.batch is not None or (held, session.behind) == (session.seats, 0)
                elif session.answer == "witnessed":
                    crowd = session.crowd
                    assert crowd.held + crowd.members > crowd.seats
                elif session.answer == "got":
                    assert session.id == why.session
