"""Orders of today: who came first, and the latest applicable timestamp."""

import doctest

from allocator import order
from allocator.order import History, Missed, first_come_order, latest_timestamp_s, timestamp_order


def test_examples_in_the_docstrings_are_true():
    assert doctest.testmod(order).failed == 0


def test_a_first_booking_goes_by_the_acceptance():
    assert latest_timestamp_s(History(100)) == 100


def test_a_later_booking_goes_by_the_last_exam():
    assert latest_timestamp_s(History(100, 500)) == 500


def test_a_cancellation_or_no_show_of_ones_own_resets_the_key_to_its_time():
    assert latest_timestamp_s(History(100, missed=[Missed(700, own_fault=True)])) == 700
    assert (
        latest_timestamp_s(History(100, 500, [Missed(700, own_fault=True), Missed(600, own_fault=True)]))
        == 700
    )


def test_one_that_is_not_the_persons_fault_leaves_it():
    assert latest_timestamp_s(History(100, missed=[Missed(700, own_fault=False)])) == 100


def test_an_exam_after_a_miss_counts_as_the_later_time():
    assert latest_timestamp_s(History(100, 900, [Missed(700, own_fault=True)])) == 900


def test_the_earliest_of_the_latest_timestamps_is_first_whatever_the_files_order():
    histories = [History(300), History(100, missed=[Missed(400, own_fault=True)]), History(200)]
    assert timestamp_order(["a", "b", "c"], histories) == [2, 0, 1]
    assert timestamp_order(["c", "b", "a"], histories[::-1]) == [0, 2, 1]


def test_equal_times_go_by_the_ids_bytes():
    assert first_come_order(["é", "z", "a"], [5, 5, 5]) == [2, 1, 0]
    assert timestamp_order(["b", "a"], [History(1), History(1)]) == [1, 0]


def test_who_comes_first_is_first():
    assert first_come_order(["a", "b", "c"], [30, 10, 20]) == [1, 2, 0]
