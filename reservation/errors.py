"""What can be refused, one type per failure. Each has one `code`; the web maps each code to one status."""

from typing import Any, ClassVar


class ReservationError(Exception):
    """A refusal the caller can act on. `facts` are safe to show to the caller.

    >>> Full(unit=7).facts
    {'unit': 7}
    """

    code: ClassVar[str]
    sentence: ClassVar[str]

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.sentence)
        self.facts = facts


class Full(ReservationError):
    """Every place of the unit is held, promised or booked."""

    code = "full"
    sentence = "No place is free in this unit now. Holds that are not confirmed come back; try again or choose another."


class UnknownPool(ReservationError):
    """No pool has this id."""

    code = "unknown_pool"
    sentence = "There is no pool with this id."


class UnknownUnit(ReservationError):
    """The pool has no such unit."""

    code = "unknown_unit"
    sentence = "There is no such unit in this pool."


class PoolClosed(ReservationError):
    """The pool does not give out units now."""

    code = "pool_closed"
    sentence = "This pool does not give out units now."


class AnotherHold(ReservationError):
    """The claimant holds other units of this service (I3)."""

    code = "another_hold"
    sentence = "You hold other units of this service. Confirm or release that hold first."


class HoldLost(ReservationError):
    """The hold expired, was given up, or its epoch ended. Nothing was booked."""

    code = "hold_lost"
    sentence = "This hold is no longer there and nothing was booked. It is safe to hold again."


class HoldInFlight(ReservationError):
    """The hold is being confirmed under another key."""

    code = "in_flight"
    sentence = "This hold is being confirmed by another request. Repeat that request with its own key."


class ChooseUnit(ReservationError):
    """The hold has several units and the caller named none of them."""

    code = "choose_unit"
    sentence = "This hold has several units: name the one to book in `unit`."


class KeyReused(ReservationError):
    """The idempotency key belongs to another request of the same owner."""

    code = "idempotency_key_reused"
    sentence = "This Idempotency-Key was used for another request. Use a new key for a new request."


class AlreadyConfirmed(ReservationError):
    """The hold was confirmed before, under another key."""

    code = "already_confirmed"
    sentence = "This hold was confirmed before, with another Idempotency-Key."


class AlreadyBooked(ReservationError):
    """The claimant has an active booking under the same rule (I3)."""

    code = "already_booked"
    sentence = "You already have an active booking of this kind. Cancel or reschedule that one."


class UnknownBooking(ReservationError):
    """The caller has no booking with this id."""

    code = "unknown_booking"
    sentence = "You have no booking with this id."


class UnknownPromise(ReservationError):
    """The caller has no open promise with this id."""

    code = "unknown_promise"
    sentence = "You have no open promise with this id."


class NotActive(ReservationError):
    """The booking was cancelled or moved before."""

    code = "not_active"
    sentence = "This booking is not active any more."


class UnitOver(ReservationError):
    """The unit's session is over, so it cannot be withdrawn any more."""

    code = "unit_over"
    sentence = "This session is over: it cannot be cancelled any more."


class NotMovable(ReservationError):
    """A booking moves only within its service, rule and claimant."""

    code = "not_movable"
    sentence = (
        "A booking can be moved only to a unit of the same service and rule, held for the same claimant."
    )


class Rebuilding(ReservationError):
    """The pool's view in Valkey is being rebuilt from PostgreSQL."""

    code = "rebuilding"
    sentence = "This pool is being rebuilt and opens again within seconds. Nothing was changed."


class Busy(ReservationError):
    """A named limit of waiting work is reached, or a lock was not had in time."""

    code = "busy"
    sentence = "Too many requests are waiting. Nothing was changed; try again shortly."


class Unavailable(ReservationError):
    """Valkey or PostgreSQL did not answer; the outcome of a write may be unknown, and repeating it is safe."""

    code = "unavailable"
    sentence = "A part of the service is not answering. Repeating the same request is safe."
