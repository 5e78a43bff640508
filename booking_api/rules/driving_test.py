"""May this learner sit this test on this day? Imports the standard library, msgspec and `refusal`.

The defaults are those of the ministry's order on driving licences as public sources give them (subjects 1 to 4, waits by
vehicle class, ten days after a failure, five sittings of subjects 2 and 3, a certificate of three years). Every figure
is a setting of the authority.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from booking_api.rules.refusal import Refusal, add_months, latest_first_day


def _waits(*groups: tuple[str, int]) -> dict[str, int]:
    return {vehicle_class: days for classes, days in groups for vehicle_class in classes.split()}


class TestRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One authority's figures. A vehicle class that a table does not name need not wait."""

    __test__ = False

    certificate_wait_days: Mapping[int, Mapping[str, int]] = msgspec.field(
        default_factory=lambda: {
            2: _waits(("C1 C2 C3 C4 C5 M N P", 10), ("A1 A2 A3 B1 B2 C6", 20)),
            3: _waits(("C2 C3 C4 C5", 20), ("C1 M N P", 30), ("A1 A2 A3 B1 B2", 40)),
        }
    )
    passed_before: Mapping[int, Sequence[int]] = msgspec.field(
        default_factory=lambda: {2: (1,), 3: (1,), 4: (1, 2, 3)}
    )
    retry_wait_days: Mapping[int, int] = msgspec.field(default_factory=lambda: {2: 10, 3: 10})
    attempts_limit: Mapping[int, int] = msgspec.field(default_factory=lambda: {2: 5, 3: 5})
    priority_months: int = 6
    elsewhere_after_days: int = 60
    fee_before_booking: bool = True


class Outcome(StrEnum):
    """How one sitting ended. A no-show counts as a failed attempt."""

    PASSED = "passed"
    FAILED = "failed"
    NO_SHOW = "no_show"


class Attempt(msgspec.Struct, frozen=True):
    """One sitting, its on-the-spot retake included."""

    subject: int
    day: date
    outcome: Outcome


class Certificate(msgspec.Struct, frozen=True):
    """A learner certificate; it is valid on its last day."""

    vehicle_class: str
    issued: date
    last_day: date


class Learner(msgspec.Struct, frozen=True):
    """What rules ask about a person. `fees_settled`: the subjects whose fee is paid. `priority_used`: where it was."""

    certificate: Certificate | None
    attempts: Sequence[Attempt] = ()
    fees_settled: frozenset[int] = frozenset()
    priority_used: frozenset[int] = frozenset()


class TestWish(msgspec.Struct, frozen=True):
    """Which test, on which day."""

    __test__ = False

    subject: int
    vehicle_class: str
    day: date


def check_test(learner: Learner, wish: TestWish, rules: TestRules) -> list[Refusal]:
    """Every rule that stands against this wish; none when the learner may sit the test that day.

    `learner.attempts` are what is known when this is asked: nothing is guessed about tests not sat yet.
    """
    certificate = learner.certificate
    if certificate is None:
        return [Refusal("certificate_missing", {}, None)]
    attempts = learner.attempts
    found = [
        _certificate_class(certificate, wish),
        _certificate_ended(certificate, wish),
        _certificate_wait(certificate, wish, rules),
        _subject_order(attempts, wish, rules),
        _passed_already(attempts, wish),
        _retry_wait(attempts, wish, rules),
        _attempts_spent(attempts, wish, rules),
        _fee_due(learner, wish, rules),
    ]
    return [refusal for refusal in found if refusal is not None]


def first_test_day(learner: Learner, wish: TestWish, rules: TestRules) -> date | None:
    """The first day, from the wished one on, on which nothing stands against the wish; None when there is none."""
    refusals = check_test(learner, wish, rules)
    if not refusals:
        return wish.day
    day = latest_first_day(refusals)
    # The waits are over by then, but the certificate may be too.
    if day is None or check_test(learner, msgspec.structs.replace(wish, day=day), rules):
        return None
    return day


def has_priority(learner: Learner, wish: TestWish, rules: TestRules) -> bool:
    """True when the certificate has less than `priority_months` left and the subject's one priority is unspent."""
    if learner.certificate is None or wish.subject in learner.priority_used:
        return False
    return add_months(wish.day, rules.priority_months) > learner.certificate.last_day


def may_use_another_centre(*, waiting_since: date, today: date, rules: TestRules) -> bool:
    """True when nothing could be had for so long that the province's other centres are open to the learner."""
    return today >= waiting_since + timedelta(days=rules.elsewhere_after_days)


def _certificate_class(certificate: Certificate, wish: TestWish) -> Refusal | None:
    if certificate.vehicle_class == wish.vehicle_class:
        return None
    facts = {"certificate": certificate.vehicle_class, "session": wish.vehicle_class}
    return Refusal("certificate_class", facts, None)


def _certificate_ended(certificate: Certificate, wish: TestWish) -> Refusal | None:
    if wish.day <= certificate.last_day:
        return None
    return Refusal("certificate_ended", {"last_day": certificate.last_day}, None)


def _certificate_wait(certificate: Certificate, wish: TestWish, rules: TestRules) -> Refusal | None:
    days = rules.certificate_wait_days.get(wish.subject, {}).get(wish.vehicle_class, 0)
    first_day = certificate.issued + timedelta(days=days)
    if wish.day >= first_day:
        return None
    return Refusal("certificate_wait", {"issued": certificate.issued, "wait_days": days}, first_day)


def _subject_order(attempts: Iterable[Attempt], wish: TestWish, rules: TestRules) -> Refusal | None:
    passed = {attempt.subject for attempt in attempts if attempt.outcome is Outcome.PASSED}
    missing = sorted(set(rules.passed_before.get(wish.subject, ())) - passed)
    return Refusal("subject_order", {"pass_first": missing}, None) if missing else None


def _passed_already(attempts: Iterable[Attempt], wish: TestWish) -> Refusal | None:
    days = [a.day for a in attempts if a.subject == wish.subject and a.outcome is Outcome.PASSED]
    return Refusal("passed_already", {"passed": min(days)}, None) if days else None


def _retry_wait(attempts: Iterable[Attempt], wish: TestWish, rules: TestRules) -> Refusal | None:
    failed = [a.day for a in attempts if a.subject == wish.subject and a.outcome is not Outcome.PASSED]
    days = rules.retry_wait_days.get(wish.subject, 0)
    if not failed or wish.day >= (first_day := max(failed) + timedelta(days=days)):
        return None
    return Refusal("retry_wait", {"failed": max(failed), "wait_days": days}, first_day)


def _attempts_spent(attempts: Iterable[Attempt], wish: TestWish, rules: TestRules) -> Refusal | None:
    spent = sum(a.subject == wish.subject and a.outcome is not Outcome.PASSED for a in attempts)
    limit = rules.attempts_limit.get(wish.subject)
    if limit is None or spent < limit:
        return None
    # The last failure also voids the other subjects' passes: only a new certificate helps.
    return Refusal("attempts_spent", {"attempts": spent, "limit": limit}, None)


def _fee_due(learner: Learner, wish: TestWish, rules: TestRules) -> Refusal | None:
    if not rules.fee_before_booking or wish.subject in learner.fees_settled:
        return None
    return Refusal("fee_due", {"subject": wish.subject}, None)
