"""Certificates of single passes: every other seating of tiny rounds, under every closing."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.promise_pass import promise_pass
from fairness.rounds.certificate import CertificateRefused, check_pass
from fairness.rounds.passed import BatchPassed, Passed, Witness
from fairness.rounds.round import NEVER, NOBODY
from tests.allocator.by_the_rule import lines_by_trying_all, reserves_of
from tests.allocator.playing import KINDS, SEED, drawn
from tests.allocator.rounds import ready

CHANCE = st.randoms(use_true_random=True)


def refused(round_, reserved, passed):
    try:
        check_pass(round_, reserved, passed)
    except CertificateRefused:
        return True
    return False


def seatings(round_):
    """Every (lines, places) by position: nobody, or each place of a line; batches in each session of theirs."""
    in_party = {member for party in round_.parties for member in party.members}
    turns = [
        [
            ((position, NOBODY, NOBODY),),
            *(
                ((position, number, place),)
                for number, line in enumerate(form)
                for place in round_.lines[line]
            ),
        ]
        for position, form in enumerate(round_.forms)
        if position not in in_party
    ]
    for party in round_.parties:
        ways = [tuple((member, NOBODY, NOBODY) for member in party.members)]
        for number, options in enumerate(party.lines):
            for option in options:
                ways += [
                    tuple(
                        (member, number, place) for member, place in zip(party.members, places, strict=True)
                    )
                    for places in itertools.product(*(round_.lines[line] for line in option.member_lines))
                ]
        turns.append(ways)
    for chosen in itertools.product(*turns):
        told = sorted(itertools.chain(*chosen))
        yield [line for _, line, _ in told], [place for _, _, place in told]


def with_witnesses(round_, line_at, chance):
    """Each batch's line, and against each of its sessions a witness by chance."""
    numbers = range(len(round_.places))
    return [
        BatchPassed(
            line_at[party.turn],
            tuple(
                Witness(line, option.session, tuple(chance.sample(numbers, chance.randint(0, len(numbers)))))
                for line, options in enumerate(party.lines)
                for option in options
            ),
        )
        for party in round_.parties
    ]


def lines_promised(problem, round_, passed):
    """What the rule promises, batches in the sessions in which they are."""
    sessions = {
        party.id: round_.session_ids[round_.places[passed.place_at[party.turn]].session]
        for party in round_.parties
    }
    return lines_by_trying_all(problem, SEED, reserves_of(problem), sessions)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(CHANCE)
def test_no_other_lines_are_accepted_under_any_closings(kind, chance):
    problem = drawn(chance, people=3, sessions=2, **KINDS[kind])
    round_ = ready(problem, SEED)
    accepted = set()
    for line_at, place_at in seatings(round_):
        for closed_at in itertools.product([NEVER, *range(len(round_.forms))], repeat=len(round_.places)):
            passed = Passed(line_at, place_at, closed_at, with_witnesses(round_, line_at, chance))
            if not refused(round_, round_.reserves, passed):
                got = {
                    one: line for one, line in zip(round_.application_ids, line_at, strict=True) if line >= 0
                }
                assert got == lines_promised(problem, round_, passed)
                accepted.add(tuple(line_at))
    if not round_.parties:
        assert accepted == {tuple(promise_pass(round_, round_.reserves).line_at)}


def round_of(forms, **more):
    """Sessions a and b of one seat each; p0, p1... by class, so that this is their order."""
    return ready(
        {
            "version": 1,
            "sessions": [{"id": name, "capacity": 1} for name in "ab"],
            "applications": [
                {"id": f"p{number}", "class": number, "lines": [list(line) for line in form], "school": "x"}
                for number, form in enumerate(forms)
            ],
            **more,
        },
        SEED,
    )


A, B = 0, 1


@pytest.mark.parametrize(
    ("forms", "line_at", "place_at", "closed_at", "reason"),
    [
        ([["a"]], [], [], [NEVER, NEVER], "1 applications, and outcomes for another number"),
        ([["a"]], [-1], [-1], [NEVER], "not the round's"),
        ([["a"]], [-1], [-1], [1, NEVER], "session a closed at 1, where nobody is"),
        ([["a"]], [-1], [-1], [-1, NEVER], "session a closed at -1, where nobody is"),
        ([["a"]], [0], [7], [NEVER, NEVER], "place that is none"),
        ([["a"]], [0], [B], [NEVER, NEVER], "position 0 .p0.: session b is not in their line 0"),
        ([["a"]], [1], [A], [NEVER, NEVER], "session a is not in their line 1"),
        ([["a"]], [0], [-1], [NEVER, NEVER], "line 0, and no place"),
        ([["a"], ["a"]], [0, 0], [A, A], [NEVER, NEVER], "session a has 2 people on 1 seats"),
        ([["a"], ["a"]], [-1, 0], [-1, A], [NEVER, NEVER], "position 0 .p0.: line 0 could be honoured"),
        ([["a", "b"]], [1], [B], [NEVER, NEVER], "line 0 could be honoured"),
        ([["a"], ["a"]], [-1, -1], [-1, -1], [0, NEVER], "session a closed with 1 seats free"),
        ([["ab"], ["a"]], [0, -1], [A, -1], [1, NEVER], "closed at 1, though they could make room"),
        ([["a"], ["a"]], [-1, 0], [-1, A], [0, NEVER], "a seat in session a, which closed at 0"),
        ([["ab"], ["a", "b"]], [0, 1], [A, B], [1, 1], "a seat in session b, which closed at 1"),
        (
            [["ab"], ["a", "b"], ["b"]],
            [0, 1, -1],
            [A, B, -1],
            [1, 2],
            "p0.*a closed at 1, though they could make room",
        ),
    ],
)
def test_what_is_wrong_is_said(forms, line_at, place_at, closed_at, reason):
    round_ = round_of(forms)
    with pytest.raises(CertificateRefused, match=reason):
        check_pass(round_, {}, Passed(line_at, place_at, closed_at, []))


BATCH = {"batches": [{"id": "g", "members": ["p0", "p1"], "lines": [["a", "b"]]}]}


@pytest.mark.parametrize(
    ("line", "line_at", "place_at", "witnesses", "reason"),
    [
        (0, [0, 0], [A, B], [], "batch 'g' is not in one session of its line 0"),
        (0, [0, -1], [A, -1], [], "have other lines than it"),
        (1, [1, 1], [A, A], [], "2 people on 1 seats"),
        (-1, [-1, -1], [A, -1], [], "has seats and no line"),
        (-1, [-1, -1], [-1, -1], [], "could sit in a: no witness against it"),
        (-1, [-1, -1], [-1, -1], [(0, A, (7,))], "for a has a place that is none"),
        (-1, [-1, -1], [-1, -1], [(0, A, ())], "its witness has 0 people on 0 seats"),
        (-1, [-1, -1], [-1, -1], [(0, A, (A, B))], "its witness has 2 people on 2 seats"),
        (
            -1,
            [-1, -1],
            [-1, -1],
            [(0, A, (A,)), (0, B, (A,))],
            "could sit in b: its witness has 0 people on 1",
        ),
        (-1, [-1, -1], [-1, -1], [(0, A, (A,)), (1, B, (B,))], "could sit in b: no witness against it"),
    ],
)
def test_what_is_wrong_with_a_batch_is_said(line, line_at, place_at, witnesses, reason):
    round_ = round_of([[], []], **BATCH)
    batch = BatchPassed(line, tuple(Witness(*one) for one in witnesses))
    with pytest.raises(CertificateRefused, match=reason):
        check_pass(round_, {}, Passed(line_at, place_at, [NEVER, NEVER], [batch]))


def test_a_line_closed_only_after_a_turn_was_open_at_it():
    """p0 sits in a by the second line that has it: b has no seats, and a closed behind them."""
    sessions = [{"id": "a", "capacity": 1}, {"id": "b", "capacity": 0}]
    round_ = round_of([["a", "ab"], ["a"]], sessions=sessions)
    with pytest.raises(CertificateRefused, match=r"p0.*line 0 could be honoured"):
        check_pass(round_, {}, Passed([1, -1], [A, -1], [1, 0], []))


def test_a_batch_has_no_seat_in_what_closed_at_its_turn():
    round_ = round_of([["ab"], []], batches=[{"id": "g", "members": ["p1"], "lines": [["a"], ["b"]]}])
    with pytest.raises(CertificateRefused, match="seats in session b, which closed at 1"):
        check_pass(round_, {}, Passed([0, 1], [A, B], [1, 1], [BatchPassed(1, ())]))


def test_a_batch_could_make_room_where_its_session_has_a_seat_beside_the_reserve():
    round_ = round_of(
        [[], []],
        sessions=[{"id": "a", "capacity": 2}],
        batches=[{"id": "g", "members": ["p0"], "lines": [["a"]]}],
        schools=[{"id": "x", "reserve": [{"session": "a", "seats": 1}]}],
    )
    with pytest.raises(
        CertificateRefused, match="reserve of x closed at 1, though batch 'g' could make room"
    ):
        check_pass(round_, round_.reserves, Passed([0, -1], [0, -1], [1, NEVER], [BatchPassed(0, ())]))


def test_a_batch_is_refused_where_its_witnesses_hold_too_many():
    round_ = round_of([[], []], **BATCH)
    batch = BatchPassed(NOBODY, (Witness(0, A, (A,)), Witness(0, B, (B,))))
    check_pass(round_, {}, Passed([-1, -1], [-1, -1], [NEVER, NEVER], [batch]))


@pytest.mark.parametrize(
    ("more", "passed"),
    [
        ({}, Passed([0, 0], [A, B], [NEVER, NEVER], [])),
        (
            {"batches": [{"id": "g", "members": ["p1"], "lines": [["b"]]}]},
            Passed([0, 0], [A, B], [NEVER, NEVER], [BatchPassed(0, ())]),
        ),
    ],
)
def test_nobody_sits_above_their_schools_maximum(more, passed):
    forms = [["a"], [] if more else ["b"]]
    with pytest.raises(CertificateRefused, match=r"above (their|its) school's maximum"):
        check_pass(round_of(forms, schools=[{"id": "x", "max": 1}], **more), {}, passed)
    check_pass(round_of(forms, schools=[{"id": "x", "max": 2}], **more), {}, passed)


@pytest.mark.parametrize("kind", ["batches", "everything"])
@settings(max_examples=80, deadline=None)
@given(CHANCE)
def test_a_refused_batch_has_witnesses_and_none_of_them_can_be_spared(kind, chance):
    """Without its witness, or with an empty one, an open session of a better line is one that the batch could have had."""
    problem = drawn(chance, **KINDS[kind])
    round_ = ready(problem, SEED)
    passed = promise_pass(round_, round_.reserves)
    check_pass(round_, round_.reserves, passed)
    for number, (party, told) in enumerate(zip(round_.parties, passed.batches, strict=True)):
        for at, witness in enumerate(told.witnesses):
            option = next(one for one in party.lines[witness.line] if one.session == witness.session)
            lines = [round_.lines[line] for line in option.member_lines]
            closed = any(max(passed.closed_at[place] for place in line) <= party.turn for line in lines)
            if closed or witness.line == told.line:
                continue
            for instead in ([], [witness._replace(places=())]):
                others = (*told.witnesses[:at], *instead, *told.witnesses[at + 1 :])
                batches = list(passed.batches)
                batches[number] = told._replace(witnesses=others)
                assert refused(round_, round_.reserves, passed._replace(batches=batches))
