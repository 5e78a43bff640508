"""The whole report of a small town: its figures agree with each other, and it is the same every time."""

import msgspec
import pytest

from allocator.simulation.demand import Parameters
from allocator.simulation.report import Report
from allocator.simulation.run import simulate

SMALL = Parameters(applications=300, sessions=15, rounds=4)


@pytest.fixture(scope="module")
def report() -> Report:
    return simulate(SMALL)


@pytest.fixture(scope="module")
def rules(report):
    return {one.rule: one for one in report.rules}


def test_it_is_the_same_every_time_and_is_read_back_from_json(report):
    text = msgspec.json.encode(report)
    assert msgspec.json.encode(simulate(SMALL)) == text
    assert msgspec.json.decode(text, type=Report) == report


def test_seats_and_people_add_up_under_every_rule(report, rules):
    people = report.people["honest"] + report.people["liar"]
    for one in rules.values():
        assert sum(one.seats_by_kind.values()) == report.seats
        assert sum(share.of for share in one.by_weeks) == one.envy.of == people
        assert sum(share.count for share in one.by_weeks) == sum(one.by_line)
        assert sum(group.seated.of for group in one.channels) == people
        assert one.seated.count <= report.bound
        assert sum(one.lies.told.values()) == report.people["liar"]


def test_bots_get_more_than_their_share_only_where_identities_are_not_checked(report, rules):
    for one in rules.values():
        assert one.bots.seats_checked <= one.bots.bots
        assert one.bots.seats_unchecked > one.bots.seats_checked
    first, promise = rules["first_come"], rules["promise"]
    assert first.seats_by_kind["bot"] > 2 * report.people["bot"] > 2 * promise.seats_by_kind["bot"]


def test_the_promise_pass_passes_nobody_over_rewards_no_lie_and_has_the_shortest_longest_wait(rules):
    promise = rules["promise"]
    assert (promise.envy.count, promise.waste.count, promise.lies.better_off.count) == (0, 0, 0)
    assert promise.lies.honest_together == promise.lies.honest_before
    assert promise.moved_by_file_order == 0
    assert promise.waiting.longest <= min(one.waiting.longest for one in rules.values())
    assert rules["first_come"].waiting.longest == SMALL.rounds
    assert promise.waiting.gini < rules["first_come"].waiting.gini


def test_who_comes_late_by_telephone_is_served_worst_where_the_first_to_come_is(rules):
    def counter(rule):
        return next(one for one in rules[rule].channels if one.name == "counter")

    assert counter("first_come").ratio < 0.5
    assert counter("first_come").p < 0.01
    assert counter("promise").ratio > 0.8


def test_without_bots_liars_or_seats_there_is_a_report_too():
    empty = simulate(
        Parameters(applications=30, sessions=5, rounds=1, bots_share=0.0, liars_share=0.0, identities=1)
    )
    assert empty.people == {"honest": 30, "liar": 0, "bot": 0}
    assert all(one.lies.better_off.rate == 0 for one in empty.rules)
