"""What the checker accepts is what the rule promises, and nothing else is accepted under any certificate."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.promise_pass import promise_pass
from allocator.rerun import rerun
from fairness.rounds.check import Refused, check_result
from fairness.rounds.measures import measure
from fairness.rounds.outcome import read_outcome, write_outcome
from fairness.rounds.passed import BatchPassed, Passed
from fairness.rounds.round import NEVER
from tests.allocator.playing import KINDS, SEED, drawn, play
from tests.allocator.rounds import ready, text_of
from tests.fairness.rounds.forging import bends, canonical, holds, without_choices

CHANCE = st.randoms(use_true_random=True)
kinds = pytest.mark.parametrize("kind", KINDS)


def played(examples):
    return settings(max_examples=examples, deadline=None)


def application(name, *lines, waiting=0, **more):
    return {"id": name, "class": waiting, "lines": [list(line) for line in lines], **more}


def problem_of(capacities, applications, **more):
    sessions = [{"id": name, "capacity": size} for name, size in capacities.items()]
    return {"version": 1, "sessions": sessions, "applications": applications, **more}


def accepts(problem, result):
    """Whether the checker does; whatever else than `Refused` comes out is a fault."""
    try:
        check_result(text_of(problem), canonical(result))
    except Refused:
        return False
    return True


def ids_of(problem):
    return [
        one["id"]
        for part in ("sessions", "applications", "batches", "schools")
        for one in problem.get(part, [])
    ]


@kinds
@played(60)
@given(CHANCE)
def test_what_the_rule_gives_is_accepted(kind, chance):
    problem = drawn(chance, people=9, sessions=6, **KINDS[kind])
    told = check_result(text_of(problem), play(problem) + b"\n")
    assert write_outcome(told.round_, told.outcome) == play(problem)


@kinds
@played(4)
@given(CHANCE)
def test_of_all_bent_results_only_other_certificates_of_the_same_lines_are_accepted(kind, chance):
    problem = drawn(chance, people=4, sessions=3, **KINDS[kind])
    result = json.loads(play(problem))
    fixed = without_choices(result)
    for path, forged in bends(result, [*chance.sample(ids_of(problem), 2), "nobody"]):
        if accepts(problem, forged):
            assert without_choices(forged) == fixed, path
            assert holds(problem, forged), path


@kinds
@played(2)
@given(CHANCE)
def test_of_results_bent_twice_too(kind, chance):
    problem = drawn(chance, people=4, sessions=3, **KINDS[kind])
    result = json.loads(play(problem))
    fixed, ids = without_choices(result), chance.sample(ids_of(problem), 2)
    accepted = [text for _, one in bends(result, ids) if accepts(problem, one) for text in [canonical(one)]]
    for once in chance.sample(accepted, min(len(accepted), 3)):
        for _, forged in bends(json.loads(once), ids):
            if not chance.randrange(8) and accepts(problem, forged):
                assert without_choices(forged) == fixed
                assert holds(problem, forged)


def told(problem, **changed):
    """The problem's result with other members, measured anew."""
    round_ = ready(problem, SEED)
    outcome = read_outcome(play(problem), round_)._replace(**changed)
    return write_outcome(round_, outcome._replace(measures=measure(round_, outcome.kept, outcome.final)))


def test_which_session_of_its_line_a_batch_got_is_known_by_solving_again():
    """The batch could sit in a or b and takes a, so that p gets b: a certificate shows lines, and not that it was a."""
    problem = problem_of(
        {"a": 1, "b": 1},
        [application("m"), application("p", "b", waiting=1)],
        batches=[{"id": "g", "members": ["m"], "lines": [["a", "b"]]}],
    )
    rerun(text_of(problem), [told(problem)])
    forged = told(problem, final=Passed([0, -1], [1, -1], [NEVER, 1], [BatchPassed(0, ())]))
    check_result(text_of(problem), forged)
    with pytest.raises(Refused, match="another result from byte"):
        rerun(text_of(problem), [forged])


def test_how_much_of_a_reserve_was_taken_is_known_by_solving_again():
    """In the first pass p sits in a, so that what x has in b is released and q gets it; p could have sat in b too."""
    problem = problem_of(
        {"a": 2, "b": 1},
        [application("p", "ab", school="x"), application("q", "b", waiting=1)],
        schools=[{"id": "x", "reserve": [{"session": "b", "seats": 1}]}],
    )
    round_ = ready(problem, SEED)
    first = promise_pass(round_, round_.reserves)
    assert [round_.places[place].session for place in first.place_at if place >= 0] == [0]
    rerun(text_of(problem), [told(problem)])
    forged = told(
        problem,
        first=first._replace(place_at=[1, -1]),
        kept=dict(round_.reserves),
        final=promise_pass(round_, round_.reserves),
    )
    assert json.loads(forged)["measures"]["seated"] == json.loads(play(problem))["measures"]["seated"] - 1
    check_result(text_of(problem), forged)
    with pytest.raises(Refused, match="another result from byte"):
        rerun(text_of(problem), [forged])


def test_a_bound_that_is_too_high_is_known_by_solving_again():
    """The empty cut shows that no more are seated than have applied, which is true, and not the least bound."""
    problem = problem_of({"a": 1}, [application("p", "a"), application("q", "a")])
    result = json.loads(play(problem))
    forged = canonical(result | {"bound": 2, "cut": []})
    check_result(text_of(problem), forged)
    with pytest.raises(Refused, match="another result"):
        rerun(text_of(problem), [forged])


SMALL = problem_of(
    {"a": 2, "b": 1},
    [
        application("p", "a", school="x"),
        application("q", "a", "b", waiting=1),
        application("r", "a", waiting=2),
    ],
    schools=[{"id": "x", "max": 3, "reserve": [{"session": "a", "seats": 1}]}],
)


@pytest.mark.parametrize(
    ("change", "step", "words"),
    [
        (lambda told: told["applications"][0].update(line=1), "promises", "is not in their line 1"),
        (lambda told: told["applications"].reverse(), "order", "in the public order"),
        (lambda told: told["first_pass"]["reserved"][0].update(seats=2), "order", "first_pass.reserved"),
        (
            lambda told: told["first_pass"]["sessions"][0].update(closed_at=0),
            "reserves",
            "a seat in session a",
        ),
        (lambda told: told["reserved"][0].update(seats=0), "promises", "other seats are kept"),
        (lambda told: told["reserved"][0].update(taken_by=["none"]), "order", "taken_by"),
        (lambda told: told["sessions"][0].update(closed_at=None), "promises", "could be honoured"),
        (lambda told: told.update(first_pass=None), "order", "first_pass"),
        (lambda told: told.update(seed="00"), "order", "seed"),
        (lambda told: told.update(bound=1), "bound", "the cut shows"),
        (lambda told: told.update(cut=["none"]), "order", "cut: there is no session 'none'"),
        (lambda told: told.update(cut_schools=["none"]), "order", "cut_schools: there is no school 'none'"),
        (lambda told: told.update(cut=["a", "a"]), "order", "in order, each once"),
        (lambda told: told["measures"].update(barred=1), "measures", "the seats give"),
        (lambda told: told["applications"][2].update(line=-1), "order", ">= 0"),
        (lambda told: told["sessions"][1].update(closed_at=2**53), "order", "<= 9007199254740991"),
        (lambda told: told.update(version=2), "order", "version"),
        (lambda told: told.update(more=1), "order", "more"),
    ],
)
def test_the_step_that_does_not_hold_is_named(change, step, words):
    result = json.loads(play(SMALL))
    change(result)
    with pytest.raises(Refused, match=words) as refused:
        check_result(text_of(SMALL), canonical(result))
    assert refused.value.step == step


@pytest.mark.parametrize(
    "bend",
    [
        lambda text: text + b" ",
        lambda text: text + b"\n\n",
        lambda text: text.replace(b":", b": ", 1),
        lambda text: text.replace(b'"a"', b'"\\u0061"', 1),
        lambda text: text.replace(b'"version":1', b'"version":1,"version":1'),
        lambda text: text.replace(b'"bound"', b'"bound":0,"bound"'),
        lambda text: text[:-1],
        lambda _: b"",
        lambda _: b"[" * 100_000,
        lambda text: b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"," + text[1:],
    ],
)
def test_an_outcome_has_one_text(bend):
    with pytest.raises(Refused):
        check_result(text_of(SMALL), bend(play(SMALL)))
    check_result(text_of(SMALL), play(SMALL))
