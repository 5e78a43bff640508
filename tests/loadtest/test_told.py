"""What clients can know from their answers alone."""

import itertools

import pytest

from loadtest.journal import Action, Line
from loadtest.told import read_told

HOLD, OTHER = "hold-1", "hold-2"


class Talk:
    """Lines of one account, in order."""

    def __init__(self, account="ann"):
        self.account, self.lines, self._n = account, [], itertools.count(1)

    def ask(self, action, **facts):
        n = next(self._n)
        self.lines.append(
            Line(at_ms=n, account=self.account, n=n, action=action, pool=1, asked=True, **facts)
        )
        return n

    def tell(self, n, status, code="", **facts):
        about = next(line for line in self.lines if line.n == n)
        told = {"hold": about.hold, "booking": about.booking, "key": about.key} | facts
        self.lines.append(
            Line(
                at_ms=n,
                account=self.account,
                n=n,
                action=about.action,
                pool=1,
                status=status,
                code=code,
                **told,
            )
        )

    def confirm(self, status, code="", *, hold=HOLD, key="k", became=None, unit=7):
        n = self.ask(Action.CONFIRM, hold=hold, key=key)
        won = {"unit": unit, "became": became or hold} if status == 201 else {}
        self.tell(n, status, code, **won)

    def hold(self, hold=HOLD):
        n = next(self._n)
        self.lines.append(
            Line(
                at_ms=n,
                account=self.account,
                n=n,
                action=Action.HOLD,
                pool=1,
                unit=7,
                status=201,
                became=hold,
            )
        )


def told(*talks):
    return read_told([[line for talk in talks for line in talk.lines]])


def test_a_confirmed_hold_is_a_booking_for_certain():
    talk = Talk()
    talk.confirm(201)
    (booking,) = told(talk).bookings.values()
    assert (booking.id, booking.account, booking.unit, booking.key) == (HOLD, "ann", 7, "k")
    assert (booking.certain, booking.states) == (True, {"booked"})


@pytest.mark.parametrize(
    ("status", "code"), [(0, "no_answer"), (503, "unavailable"), (500, "internal"), (502, "http_502")]
)
def test_an_answer_that_says_nothing_leaves_the_outcome_unknown(status, code):
    talk = Talk()
    talk.confirm(status, code)
    (booking,) = told(talk).bookings.values()
    assert not booking.certain


def test_a_request_whose_answer_never_came_leaves_the_outcome_unknown():
    talk = Talk()
    talk.ask(Action.CONFIRM, hold=HOLD, key="k")
    result = told(talk)
    assert [booking.certain for booking in result.bookings.values()] == [False]
    assert result.unanswered == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (409, "full"),
        (409, "hold_lost"),
        (409, "already_booked"),
        (429, "rate_limited"),
        (503, "busy"),
        (503, "rebuilding"),
    ],
)
def test_a_refusal_that_says_nothing_was_changed_is_taken_at_its_word(status, code):
    talk = Talk()
    talk.confirm(status, code)
    assert told(talk).bookings == {}


def test_hold_lost_settles_every_earlier_attempt_answered_or_not():
    talk = Talk()
    talk.ask(Action.CONFIRM, hold=HOLD, key="k")
    talk.confirm(503, "unavailable")
    talk.confirm(409, "hold_lost")
    assert told(talk).bookings == {}


def test_full_says_nothing_of_an_earlier_attempt_whose_outcome_is_unknown():
    talk = Talk()
    talk.confirm(503, "unavailable")
    talk.confirm(409, "full")
    assert list(told(talk).bookings) == [HOLD]


def test_booked_after_the_hold_was_lost_is_a_contradiction():
    talk = Talk()
    talk.confirm(409, "hold_lost")
    talk.confirm(201)
    assert [difference.kind for difference in told(talk).contradictions] == ["contradiction"]


def test_a_lost_hold_that_was_held_again_may_be_booked():
    talk = Talk()
    talk.confirm(409, "hold_lost")
    talk.hold()
    talk.confirm(201)
    assert told(talk).contradictions == []


def test_lost_after_it_was_booked_is_a_contradiction():
    talk = Talk()
    talk.confirm(201)
    talk.confirm(409, "hold_lost")
    assert [difference.kind for difference in told(talk).contradictions] == ["contradiction"]


def test_the_same_answer_twice_is_none():
    talk = Talk()
    talk.confirm(201)
    talk.confirm(201)
    assert told(talk).contradictions == []


def test_one_key_that_gave_two_bookings_is_seen():
    talk = Talk()
    talk.confirm(201)
    talk.confirm(201, hold=OTHER)
    assert [difference.kind for difference in told(talk).contradictions] == ["key"]


def test_another_unit_in_the_repeated_answer_is_seen():
    talk = Talk()
    talk.confirm(201)
    talk.confirm(201, unit=8)
    assert [difference.kind for difference in told(talk).contradictions] == ["contradiction"]


def test_a_booking_told_to_two_people_is_seen():
    ann, bob = Talk(), Talk("bob")
    ann.confirm(201)
    bob.confirm(201)
    assert [difference.kind for difference in told(ann, bob).contradictions] == ["shared"]


def test_somebody_elses_id_that_was_accepted_is_seen():
    talk = Talk()
    talk.tell(talk.ask(Action.FOREIGN_CANCEL, booking=OTHER), 200, became=OTHER)
    result = told(talk)
    assert [difference.kind for difference in result.contradictions] == ["foreign"]
    assert result.bookings == {}


@pytest.mark.parametrize(
    ("status", "code", "states"),
    [
        (200, "", {"cancelled"}),
        (409, "not_active", {"booked"}),
        (503, "busy", {"booked"}),
        (503, "unavailable", {"booked", "cancelled"}),
        (0, "no_answer", {"booked", "cancelled"}),
    ],
)
def test_what_a_cancel_was_told_says_which_states_may_be(status, code, states):
    talk = Talk()
    talk.confirm(201)
    talk.tell(talk.ask(Action.CANCEL, booking=HOLD), status, code)
    assert told(talk).bookings[HOLD].states == states


def test_a_move_ends_one_booking_and_makes_another():
    talk = Talk()
    talk.confirm(201)
    talk.tell(talk.ask(Action.RESCHEDULE, booking=HOLD, hold=OTHER), 200, unit=8, became=OTHER)
    bookings = told(talk).bookings
    assert (bookings[HOLD].states, bookings[HOLD].moved_to) == ({"moved"}, {OTHER})
    assert (bookings[OTHER].certain, bookings[OTHER].unit) == (True, 8)


def test_a_move_of_unknown_outcome_may_be_both():
    talk = Talk()
    talk.confirm(201)
    talk.ask(Action.RESCHEDULE, booking=HOLD, hold=OTHER)
    bookings = told(talk).bookings
    assert (bookings[HOLD].states, bookings[HOLD].moved_to) == ({"booked", "moved"}, {OTHER})
    assert not bookings[OTHER].certain


def test_cancelled_after_it_was_moved_is_a_contradiction():
    talk = Talk()
    talk.confirm(201)
    talk.tell(talk.ask(Action.RESCHEDULE, booking=HOLD, hold=OTHER), 200, unit=8, became=OTHER)
    talk.tell(talk.ask(Action.CANCEL, booking=HOLD), 200, became=HOLD)
    assert [difference.kind for difference in told(talk).contradictions] == ["contradiction"]
