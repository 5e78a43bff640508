"""The result's text: canonical in any script, read back as it was, and nothing but refusals out of anything else."""

import json

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.allocation import allocate
from allocator.bound import bound_of
from fairness.rounds.check import Refused, check_result
from fairness.rounds.outcome import OutcomeRefused, read_outcome, seed_of_result, write_outcome
from tests.allocator.playing import KINDS, SEED, drawn, play
from tests.allocator.rounds import ready, text_of
from tests.allocator.told_by_the_rule import result_of
from tests.fairness.rounds.freezing_vectors import SCRIPTS, frozen_vectors
from tests.vectors import vectors

CHANCE = st.randoms(use_true_random=True)
IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)


def named(problem, names):
    """The problem with these names instead of its own, whatever they name."""
    own = sorted(
        {one["id"] for part in problem.values() if isinstance(part, list) for one in part} | {"x", "y"}
    )
    renamed = dict(zip(own, names, strict=False))
    return json.loads(
        json.dumps(problem),
        object_hook=lambda one: {key: _renamed(value, renamed, key) for key, value in one.items()},
    )


def _renamed(value, renamed, key):
    if isinstance(value, list):
        return [_renamed(one, renamed, key) for one in value]
    return renamed[value] if isinstance(value, str) else value


@settings(max_examples=80, deadline=None)
@given(CHANCE, st.lists(IDS, min_size=16, max_size=16, unique=True))
def test_a_result_is_canonical_in_any_script(chance, names):
    problem = named(drawn(chance, **KINDS["everything"]), names)
    text = play(problem)
    assert text == rfc8785.dumps(json.loads(text)) == rfc8785.dumps(result_of(problem, SEED))
    check_result(text_of(problem), text)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_result_is_canonical_in_this_script(script):
    problem = {
        "version": 1,
        "sessions": [{"id": script, "capacity": 1}],
        "applications": [{"id": script, "class": 0, "lines": [[script]], "school": script}],
        "schools": [{"id": script, "reserve": [{"session": script, "seats": 1}]}],
    }
    assert play(problem) == rfc8785.dumps(result_of(problem, SEED))
    assert f'"taken_by":["{script}"]'.encode() in play(problem) or '"' in script or "\\" in script


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(CHANCE)
def test_what_is_written_is_read_back(kind, chance):
    round_ = ready(drawn(chance, **KINDS[kind]), SEED)
    outcome = allocate(round_, SEED, bound_of)
    assert write_outcome(round_, read_outcome(write_outcome(round_, outcome), round_)) == write_outcome(
        round_, outcome
    )


def test_the_bytes_are_frozen():
    assert frozen_vectors() == vectors("round_v1")


def test_the_frozen_bytes_are_the_specifications():
    for one in vectors("round_v1")["rounds"]:
        problem, seed = json.loads(one["problem"]), bytes.fromhex(one["seed"])
        assert rfc8785.dumps(result_of(problem, seed)) == one["result"].encode()
        check_result(one["problem"].encode(), one["result"].encode())


PROBLEM = json.loads(frozen_vectors()["rounds"][-1]["problem"])
RESULT = play(PROBLEM)


def accepted(text):
    """Whether the checker accepts it; whatever else than `Refused` comes out is a fault."""
    try:
        check_result(text_of(PROBLEM), text)
    except Refused:
        return False
    return True


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(RESULT) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_no_other_bytes_are_accepted_and_none_raise_anything_else(at, inserted, cut):
    """But for the seed's digits, where they do not change the order, and what a certificate leaves open."""
    bent = RESULT[:at] + inserted + RESULT[at + cut :]
    if accepted(bent) and bent != RESULT:
        told, true = json.loads(bent), json.loads(RESULT)
        assert [one["line"] for one in told["applications"]] == [one["line"] for one in true["applications"]]


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=40)
    | st.sampled_from([b"{}", b"[]", b"null", b'{"seed":1}', b'{"seed":"' + b"0" * 64 + b'"}'])
)
def test_what_is_no_result_is_refused(text):
    assert not accepted(text)
    with pytest.raises(OutcomeRefused):
        read_outcome(text, ready(PROBLEM))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "line", "seats"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(json.loads(RESULT))), JSON)
def test_whatever_stands_in_a_member_is_read_or_refused(name, value):
    told = json.loads(RESULT) | {name: value}
    accepted(
        json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
    )


@pytest.mark.parametrize("seed", ["", "00", "0" * 63, "0" * 65, "G" * 64, "A" * 64, None, 0])
def test_a_seed_is_32_bytes_in_hex(seed):
    with pytest.raises(OutcomeRefused, match=r"seed|str"):
        seed_of_result(json.dumps({"seed": seed}).encode())
