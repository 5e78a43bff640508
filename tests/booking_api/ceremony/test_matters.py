"""One matter, one finished draw: what a monitor says of a matter that is announced again."""

import pytest

from booking_api.ceremony.matters import Matters, named
from fairness.entries import Announced, Beacon, Finished, KeyEntry, Voided, write
from fairness.seed import freeze_hash
from tests.fairness.ceremonies import CHAIN, KEYS, ROUND, entrants_of, frozen_of

FIRST = Announced("first", "cn-zj-hz", "subject-2", "2026-12", Beacon(CHAIN.hash, ROUND), KEYS)
SECOND, THIRD = FIRST._replace(draw="second"), FIRST._replace(draw="third")
ILL = "a contributor was ill"
ANEW = "entry {} announces {} for the matter of {} (cn-zj-hz, subject-2, 2026-12), which was {}"


def frozen(draw, count=3):
    return frozen_of(entrants_of(count), draw=draw)


def voiding(entry, reason=ILL):
    return Voided(entry.draw, freeze_hash(write(entry)), reason)


def finished(draw):
    return Finished(draw, bytes(32), bytes(32), bytes(32), {})


def read(*entries, in_time=True):
    """(told, wrong) of a log with these entries."""
    matters, told, wrong = Matters(lambda *_: in_time), [], []
    for index, entry in enumerate(entries):
        noticed = matters.take(index, write(entry), entry)
        told += noticed.told
        wrong += noticed.wrong
    return told, wrong


def test_a_draw_as_it_should_be_is_nothing_to_speak_of():
    assert read(KeyEntry(KEYS[0], "operator"), FIRST, frozen("first"), finished("first")) == ([], [])


@pytest.mark.parametrize("change", [{"authority": "cn-sh"}, {"quota": "subject-3"}, {"period": "2027-01"}])
def test_another_authority_quota_or_period_is_another_matter(change):
    assert read(FIRST, finished("first"), SECOND._replace(**change), finished("second")) == ([], [])


def test_a_matter_announced_again_is_wrong_unless_the_first_was_voided():
    for before in ([FIRST], [FIRST, frozen("first")]):
        assert read(*before, SECOND) == ([], [ANEW.format(len(before), "second", "first", "not voided")])


def test_a_voided_draw_is_named_with_its_reason_when_its_matter_is_announced_again():
    freeze = frozen("first")
    assert read(FIRST, freeze, voiding(freeze), SECOND, frozen("second"), finished("second")) == (
        [ANEW.format(3, "second", "first", f"voided before its round: {ILL}")],
        [],
    )
    assert read(FIRST, voiding(FIRST), SECOND, in_time=False) == (
        [ANEW.format(2, "second", "first", f"voided before it was frozen: {ILL}")],
        [],
    )


def test_a_void_after_the_round_could_be_of_a_result_that_nobody_liked():
    freeze = frozen("first")
    log = (FIRST, freeze, voiding(freeze), SECOND)
    late = f"voided, but nothing shows that it was before its round: {ILL}"
    assert read(*log, in_time=False) == ([], [ANEW.format(3, "second", "first", late)])
    unknown = f"voided, before or after its round is not known: {ILL}"
    assert read(*log, in_time=None) == ([ANEW.format(3, "second", "first", unknown)], [])
    assert read(FIRST, freeze, voiding(FIRST), SECOND, in_time=False)[1], (
        "frozen, though its announcement is void"
    )


def test_it_is_the_last_void_that_must_be_in_time():
    asked = []
    matters = Matters(lambda index, beacon: asked.append((index, beacon)) or True)
    one, other = frozen("first"), frozen("first", 4)
    for index, entry in enumerate((FIRST, one, voiding(one), other, voiding(other), SECOND)):
        matters.take(index, write(entry), entry)
    assert asked == [(4, FIRST.beacon)]


def test_each_freeze_of_a_draw_must_be_void_before_its_matter_is_announced_again():
    one, other = frozen("first"), frozen("first", 4)
    _, wrong = read(FIRST, one, voiding(one), other, SECOND)
    assert wrong == [ANEW.format(4, "second", "first", "not voided")]
    told, wrong = read(FIRST, one, voiding(one), other, voiding(other, "the list was wrong"), SECOND)
    assert (told, wrong) == (
        [ANEW.format(5, "second", "first", "voided before its round: the list was wrong")],
        [],
    )


def test_a_void_of_something_else_voids_nothing():
    stranger, later = voiding(frozen("first", 9)), voiding(frozen("first"))
    for what in (stranger, later, stranger._replace(freeze=bytes(32))):
        assert read(FIRST, what, frozen("first"), SECOND) == (
            [],
            [
                f"entry 1 voids the draw first by {what.freeze.hex()}, which is no announcement or freeze before it",
                ANEW.format(3, "second", "first", "not voided"),
            ],
        )


@pytest.mark.parametrize("of", [FIRST, frozen("first")])
def test_a_void_under_another_draws_name_voids_nothing(of):
    misnamed = voiding(of)._replace(draw="another")
    assert read(FIRST, frozen("first"), misnamed, SECOND) == (
        [],
        [
            f"entry 2 voids the draw another by {misnamed.freeze.hex()}, which is of the draw first",
            ANEW.format(3, "second", "first", "not voided"),
        ],
    )


def test_a_finished_draw_is_not_voided_nor_drawn_again():
    freeze = frozen("first")
    _, wrong = read(FIRST, freeze, finished("first"), voiding(freeze), SECOND, finished("second"))
    assert wrong == [
        "entry 3 voids the draw first, which was finished",
        ANEW.format(4, "second", "first", "finished"),
    ]


def test_a_draw_that_was_left_is_not_gone_on_with():
    freeze = frozen("first")
    _, wrong = read(FIRST, freeze, voiding(freeze), SECOND, frozen("first", 4), finished("first"))
    assert wrong == [
        "entry 4 freezes first, whose matter was announced anew as second",
        "entry 5 finishes first, whose matter was announced anew as second",
    ]
    assert read(FIRST, voiding(FIRST), freeze)[1] == ["entry 2 freezes first, whose announcement was voided"]


def test_the_chain_of_draws_of_a_matter_may_have_more_than_two():
    one, two = frozen("first"), frozen("second")
    told, wrong = read(
        FIRST, one, voiding(one), SECOND, two, voiding(two, "a flood"), THIRD, finished("third")
    )
    assert told == [
        ANEW.format(3, "second", "first", f"voided before its round: {ILL}"),
        ANEW.format(6, "third", "second", "voided before its round: a flood"),
    ]
    assert wrong == []


def test_a_name_is_announced_and_finished_once():
    _, wrong = read(FIRST, FIRST._replace(period="2027-01"), finished("first"), finished("first"))
    assert wrong == [
        "entry 1 announces the draw first a second time",
        "entry 3 finishes the draw first a second time",
    ]


def test_an_announcement_is_printed_with_its_matter():
    assert named(FIRST) == "Announced first for cn-zj-hz, subject-2, 2026-12"
