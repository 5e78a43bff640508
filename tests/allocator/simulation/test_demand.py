"""The simulated demand: the same for the same seed, and as it is said to be."""

import doctest
from collections import Counter

from allocator.simulation import stream
from allocator.simulation.demand import BOT, HONEST, LIAR, Parameters, make_demand, make_sessions
from allocator.simulation.stream import Stream, Weighted

FROZEN = [580, 558, 263, 477, 570]
SMALL = Parameters(applications=200, sessions=12)


def test_examples_in_the_docstrings_are_true():
    assert doctest.testmod(stream).failed == 0


def test_a_stream_is_frozen():
    """Another machine or release must give the same report for the same seed."""
    drawn = Stream(bytes(32), "frozen")
    assert [drawn.below(1000) for _ in range(5)] == FROZEN


def test_streams_of_other_names_or_seeds_are_others():
    def first(seed, name):
        drawn = Stream(seed, name)
        return [drawn.below(2**32) for _ in range(4)]

    assert len({tuple(first(seed, name)) for seed in (bytes(32), b"\1" * 32) for name in ("a", "b")}) == 4


def test_numbers_are_spread_evenly():
    drawn = Stream(bytes(32), "even")
    counts = Counter(drawn.below(5) for _ in range(5_000))
    assert all(abs(counts[number] - 1_000) < 120 for number in range(5))
    normal = [drawn.normal() for _ in range(5_000)]
    assert abs(sum(normal) / 5_000) < 0.06
    assert abs(sum(one * one for one in normal) / 5_000 - 1) < 0.1


def test_a_shuffle_has_everybody_once():
    assert sorted(Stream(bytes(32), "shuffle").shuffled(50)) == list(range(50))


def test_what_weighs_more_is_drawn_more_often_and_nothing_twice():
    drawn, weighted = Stream(bytes(32), "weights"), Weighted([8, 1, 1])
    first = Counter(weighted.draw(drawn, 1)[0] for _ in range(1_000))
    assert 730 < first[0] < 870
    assert all(sorted(weighted.draw(drawn, 3)) == [0, 1, 2] for _ in range(20))


def test_the_same_seed_gives_the_same_demand_and_another_gives_another():
    assert make_demand(SMALL) == make_demand(SMALL)
    other = Parameters(applications=200, sessions=12, seed="ab" * 32)
    assert make_demand(other).people != make_demand(SMALL).people


def test_bots_and_liars_are_as_many_as_was_asked_for():
    demand = make_demand(SMALL)
    assert Counter(one.kind for one in demand.people) == {HONEST: 150, LIAR: 40, BOT: 10}
    assert len(demand.placeholders) == 10 * (SMALL.identities - 1)


def test_seats_add_up_to_their_share_of_the_applications():
    assert sum(one.capacity for one in make_sessions(SMALL)) == 160
    assert sum(one.capacity for one in make_sessions(Parameters(applications=50, sessions=7))) == 40


def test_nobody_names_a_session_twice_on_lines_of_their_own():
    for one in make_demand(SMALL).people:
        named = [line for line in one.form if len(line) == 1]
        assert len(set(named)) == len(named)
        assert all(line == tuple(sorted(set(line))) for line in one.form)


def test_bots_come_before_people():
    demand = make_demand(SMALL)
    bots = [one.arrival_s for one in (*demand.people, *demand.placeholders) if one.kind == BOT]
    people = sorted(one.arrival_s for one in demand.people if one.kind != BOT)
    assert max(bots) < people[len(people) // 10]
