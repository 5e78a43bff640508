"""Locustfile: a mixed day, a slow trickle with a mild peak.

People change their minds, click twice, repeat requests whose answer they have, and try ids that are not theirs.
"""

import time
from collections import deque
from typing import ClassVar

import gevent
from locust import LoadTestShape, task

from loadtest.client import PLAN, Client
from loadtest.journal import Action

QUIET_SHARE = 0.4
"""Clients outside the peak, of those in it."""
SEEN_LIMIT = 200
PAUSE_S = (0.2, 1.0)
AROUND_EXPIRY_S = (-0.1, 0.1)
STAYS_FOR = 25
"""Tasks after which a person makes room for another, so that the day sees more people than places."""

_seen_holds: deque[tuple[str, str]] = deque(maxlen=SEEN_LIMIT)
_seen_bookings: deque[tuple[str, str]] = deque(maxlen=SEEN_LIMIT)
"""(account, id) of whoever got them lately."""


class MildPeak(LoadTestShape):
    """A trickle that swells to PLAN.clients in the middle third of the time."""

    abstract: ClassVar[bool] = False

    def tick(self) -> tuple[int, float] | None:
        """How many are there now; None when the day is over."""
        now_s = self.get_run_time()
        if PLAN.opened_at_ms() is None:
            PLAN.opened_file.write_text(str(time.time_ns() // 1_000_000))
        if now_s > PLAN.seconds:
            return None
        third = PLAN.seconds / 3
        share = 1.0 if third <= now_s < 2 * third else QUIET_SHARE
        return max(1, round(PLAN.clients * share)), max(1.0, PLAN.clients / 5)


class Citizen(Client):
    """Has at most one booking, and knows its id, hold and key."""

    booking = ""
    hold_booked = ""
    key = ""
    tasks_done = 0
    keys_made = 0

    def wait_time(self) -> float:
        """Seconds between two tasks. After STAYS_FOR tasks somebody else takes the seat in that time."""
        self.tasks_done += 1
        if self.tasks_done >= STAYS_FOR:
            self.tasks_done, self.keys_made = 0, 0
            self.booking = self.hold_booked = self.key = ""
            self.make_room()
        return self.chance.uniform(*PAUSE_S)

    @task(6)
    def look(self) -> None:
        """What is there?"""
        self.units()

    @task(2)
    def look_at_mine(self) -> None:
        """What do I have?"""
        self.insist(self.bookings)

    @task(6)
    def book(self) -> None:
        """Hold, then confirm."""
        if not self.booking and (held := self.take(self.some_unit())):
            self.confirm_with_new_key(held)

    @task(3)
    def book_with_double_clicks(self) -> None:
        """Each request twice at once."""
        unit = self.some_unit()
        if self.booking or not unit:
            return
        held = {str(click.body["id"]) for click in self.twice(self.hold, unit) if click.succeeded}
        for hold in held:
            key = self.new_key()
            if any(click.succeeded for click in self.twice(self.confirm, hold, key)):
                self.remember(hold, key)

    @task(1)
    def book_at_the_last_moment(self) -> None:
        """Confirm in the very moment in which the hold ends: booked or lost, but one of them."""
        if self.booking or not (unit := self.some_unit()):
            return
        answer = self.insist(self.hold, unit)
        if answer.succeeded:
            left_s = int(answer.body["expires_at_ms"]) / 1000 - time.time()
            gevent.sleep(max(0.0, left_s + self.chance.uniform(*AROUND_EXPIRY_S)))
            self.confirm_with_new_key(str(answer.body["id"]))

    @task(2)
    def book_again(self) -> None:
        """With a booking of this kind one cannot have another; a page that forgot it tries all the same."""
        if self.booking and (held := self.take(self.some_unit())):
            self.insist(self.confirm, held, self.new_key())
            self.insist(self.release, held)

    @task(3)
    def repeat_the_request(self) -> None:
        """The same confirm again, as a phone does that never saw the answer; and once with another key."""
        if self.hold_booked:
            self.insist(self.confirm, self.hold_booked, self.key)
        if self.hold_booked and self.chance.random() < 0.3:
            self.insist(self.confirm, self.hold_booked, self.new_key())

    @task(3)
    def change_my_mind(self) -> None:
        """Hold one, ask for another while holding it, give the first back or just leave it."""
        held = self.take(self.some_unit())
        if held and (other := self.some_unit()):
            self.insist(self.hold, other)
        if held and self.chance.random() < 0.8:
            self.insist(self.release, held)

    @task(2)
    def cancel_mine(self) -> None:
        """Sometimes with a double click, sometimes again later."""
        if not self.booking:
            return
        if self.chance.random() < 0.3:
            self.twice(self.cancel, self.booking)
        if self.insist(self.cancel, self.booking).succeeded:
            self.booking = ""

    @task(3)
    def move_mine(self) -> None:
        """Hold another session and move the booking to it, sometimes with a double click."""
        if not self.booking or not (held := self.take(self.some_unit())):
            return
        if self.chance.random() < 0.3:
            self.twice(self.reschedule, self.booking, held)
        answer = self.insist(self.reschedule, self.booking, held)
        if answer.succeeded:
            self.booking = str(answer.body["id"])
            self.hold_booked = self.key = ""
            _seen_bookings.append((self.account, self.booking))

    @task(1)
    def meddle(self) -> None:
        """Somebody else's ids, as found on a screenshot."""
        holds = [hold for account, hold in _seen_holds if account != self.account]
        bookings = [booking for account, booking in _seen_bookings if account != self.account]
        if holds:
            hold = self.chance.choice(holds)
            self.confirm(hold, self.new_key(), action=Action.FOREIGN_CONFIRM)
            self.release(hold, action=Action.FOREIGN_RELEASE)
        if bookings:
            booking = self.chance.choice(bookings)
            self.cancel(booking, action=Action.FOREIGN_CANCEL)
            if held := self.take(self.some_unit()):
                self.reschedule(booking, held, action=Action.FOREIGN_RESCHEDULE)
                self.insist(self.release, held)

    def some_unit(self) -> int:
        """A unit that has places, as far as one sees; 0 when there is none."""
        free = [int(unit["id"]) for unit in self.units() if unit["free"]]
        return self.chance.choice(free) if free else 0

    def take(self, unit: int) -> str:
        """A hold's id, empty when there is none to be had. A hold forgotten earlier is given back first."""
        if not unit:
            return ""
        answer = self.insist(self.hold, unit)
        if answer.code == "another_hold":
            self.insist(self.release, str(answer.body["hold"]))
            answer = self.insist(self.hold, unit)
        if not answer.succeeded:
            return ""
        held = str(answer.body["id"])
        _seen_holds.append((self.account, held))
        return held

    def confirm_with_new_key(self, hold: str) -> None:
        """Books it; what cannot be booked is given back."""
        key = self.new_key()
        answer = self.insist(self.confirm, hold, key)
        if answer.succeeded:
            self.remember(hold, key)
        elif answer.code != "hold_lost":
            self.insist(self.release, hold)

    def remember(self, hold: str, key: str) -> None:
        """A booking's id is its hold's."""
        self.booking = self.hold_booked = hold
        self.key = key
        _seen_bookings.append((self.account, hold))

    def new_key(self) -> str:
        """An Idempotency-Key that this account has not used."""
        self.keys_made += 1
        return f"{self.account}-{self.keys_made}"
