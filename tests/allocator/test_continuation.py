"""After declines: nobody loses, who asked may gain, people stay where they are, and every step can be checked."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.allocation import allocate
from allocator.bound import bound_of
from allocator.continuation import continue_round, continues_of
from allocator.rerun import rerun
from fairness.rounds.check import Refused, check_result
from fairness.rounds.continuing import ContinuationUnusable, continuing
from fairness.rounds.outcome import write_outcome
from fairness.rounds.round import NOBODY
from tests.allocator.rounds import a_problem, ready, text_of

SEED = bytes(32)
CHANCE = st.randoms(use_true_random=False)
played = settings(max_examples=60, deadline=None)


def solved(problem):
    round_ = ready(problem, SEED)
    outcome = allocate(round_, SEED, bound_of)
    return round_, outcome, write_outcome(round_, outcome)


def goes_on(round_, outcome, text, *, declined=(), improving=()):
    continued = continuing(round_, outcome, declined=set(declined), improving=set(improving))
    continues = continues_of(text, declined=set(declined), improving=set(improving))
    after = continue_round(continued, outcome, continues, bound_of)
    return continued.whole, after, write_outcome(continued.whole, after)


def seats(round_, outcome):
    """Application id -> (line, session), of those who have a seat."""
    return {
        one: (line, round_.session_ids[round_.places[place].session])
        for one, line, place in zip(
            round_.application_ids, outcome.final.line_at, outcome.final.place_at, strict=True
        )
        if line != NOBODY
    }


def some_who_ask(chance, round_, outcome):
    """(who declines, who asks for an improvement) among those with a seat."""
    seated = list(seats(round_, outcome))
    declined = set(chance.sample(seated, chance.randint(0, len(seated))))
    members = {round_.application_ids[member] for party in round_.parties for member in party.members}
    alone = [one for one in seated if one not in declined and one not in members]
    return declined, {one for one in alone if chance.random() < 0.5}


@played
@given(CHANCE)
def test_everyone_keeps_their_line_or_better_however_often_people_decline(chance):
    problem = a_problem(chance)
    round_, outcome, text = solved(problem)
    texts = [text]
    for _ in range(2):
        declined, improving = some_who_ask(chance, round_, outcome)
        before = seats(round_, outcome)
        members = {round_.application_ids[member] for party in round_.parties for member in party.members}
        round_, outcome, text = goes_on(round_, outcome, texts[-1], declined=declined, improving=improving)
        now = seats(round_, outcome)
        for one, (line, session) in before.items():
            if one in declined:
                assert one not in now
            elif one in improving:
                assert now[one][0] <= line
            else:
                assert now[one][0] == line
                assert one not in members or now[one][1] == session
        checked = check_result(text_of(problem), text, after=texts)
        texts.append(text)
        assert checked.outcome == outcome
    rerun(text_of(problem), texts)


@played
@given(CHANCE)
def test_when_nobody_declines_nobody_moves(chance):
    round_, outcome, text = solved(a_problem(chance, rules=False, batches=False))
    after_round, after, _ = goes_on(round_, outcome, text)
    assert seats(after_round, after) == seats(round_, outcome)


def three_in_a_row(**more):
    """The first declines; the second would rather have what they had, the third what the second had."""
    return {
        "version": 1,
        "sessions": [{"id": "s", "capacity": 1}, {"id": "t", "capacity": 1}],
        "applications": [
            {"id": "first", "class": 0, "lines": [["s"]]},
            {"id": "second", "class": 1, "lines": [["s"], ["t"]]},
            {"id": "third", "class": 2, "lines": [["t"]], **more},
        ],
    }


def test_an_improvement_is_for_who_asked_and_hands_on_what_it_frees():
    kept = goes_on(*solved(three_in_a_row()), declined=["first"])
    assert seats(*kept[:2]) == {"second": (1, "t")}
    better = goes_on(*solved(three_in_a_row()), declined=["first"], improving=["second"])
    assert seats(*better[:2]) == {"second": (0, "s"), "third": (0, "t")}


def test_who_waits_for_a_schools_maximum_takes_no_seat_from_who_has_one():
    """The one ahead has no seat; with a seat free, the school's maximum would be theirs, and the other's lost."""
    problem = {
        "version": 1,
        "sessions": [{"id": "s", "capacity": 1}, {"id": "t", "capacity": 1}],
        "applications": [
            {"id": "other", "class": 0, "lines": [["s"]]},
            {"id": "ahead", "class": 1, "lines": [["s"]], "school": "x"},
            {"id": "behind", "class": 2, "lines": [["t"]], "school": "x"},
        ],
        "schools": [{"id": "x", "max": 1}],
    }
    round_, outcome, _ = goes_on(*solved(problem), declined=["other"])
    assert seats(round_, outcome) == {"behind": (0, "t")}


@pytest.mark.parametrize(
    ("declined", "improving", "said"),
    [
        (["nobody"], [], "no application"),
        (["third"], [], "has no seat"),
        ([], ["third"], "has no seat"),
        (["second"], ["second"], "cannot decline and ask"),
    ],
)
def test_who_has_nothing_to_decline_is_named(declined, improving, said):
    round_, outcome, text = solved(three_in_a_row())
    with pytest.raises(ContinuationUnusable, match=said):
        goes_on(round_, outcome, text, declined=declined, improving=improving)


def bent(text, **members):
    return msgspec.json.encode(msgspec.json.decode(text) | members, order="sorted")


@pytest.mark.parametrize(
    ("members", "step"),
    [
        ({"continues": {"result": "0" * 64, "declined": ["first"], "improving": ["second"]}}, "order"),
        ({"seed": "11" * 32}, "order"),
        ({"bound": 3}, "bound"),
        ({"first_pass": {"applications": [], "batches": [], "sessions": [], "reserved": []}}, "order"),
    ],
)
def test_a_bent_continuation_is_refused(members, step):
    problem = three_in_a_row()
    round_, outcome, first = solved(problem)
    _, _, text = goes_on(round_, outcome, first, declined=["first"], improving=["second"])
    with pytest.raises(Refused) as refused:
        check_result(text_of(problem), bent(text, **members), after=[first])
    assert refused.value.step == step


def test_somebody_who_has_a_line_has_a_session():
    """Told in lines of the whole form, the line before the one that is asked for must not stand for no line at all."""
    problem = three_in_a_row()
    _, _, first = solved(problem)
    _, _, text = goes_on(*solved(problem), declined=["second"])
    told = msgspec.json.decode(text)
    assert told["applications"][0]["id"] == "first"
    entry = told["applications"][1]
    assert (entry["id"], entry["line"]) == ("third", 0)
    applications = [told["applications"][0], entry | {"session": None}, *told["applications"][2:]]
    with pytest.raises(Refused, match="a line and a session, or neither"):
        check_result(text_of(problem), bent(text, applications=applications), after=[first])


@pytest.mark.parametrize("names", [["second", "first"], ["first", "first"]])
def test_who_declined_is_named_in_order_and_once(names):
    problem = three_in_a_row()
    _, _, first = solved(problem)
    _, _, text = goes_on(*solved(problem), declined=["first", "second"])
    continues = msgspec.json.decode(text)["continues"] | {"declined": names}
    with pytest.raises(Refused, match="in id order, each once"):
        check_result(text_of(problem), bent(text, continues=continues), after=[first])


def test_another_list_of_who_declined_is_refused():
    problem = three_in_a_row()
    round_, outcome, first = solved(problem)
    _, _, text = goes_on(round_, outcome, first, declined=["first"], improving=["second"])
    continues = msgspec.json.decode(text)["continues"]
    for one in ({"declined": []}, {"improving": []}, {"declined": ["nobody"]}):
        with pytest.raises(Refused):
            check_result(text_of(problem), bent(text, continues=continues | one), after=[first])


def test_a_continuation_alone_says_what_it_needs():
    problem = three_in_a_row()
    _, _, text = goes_on(*solved(problem), declined=["first"])
    with pytest.raises(Refused, match="continues another result"):
        check_result(text_of(problem), text)
