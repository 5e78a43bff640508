"""May this learner sit this test on this day? Imports the standard library, msgspec and `refusal`.

The defaults are those of the ministry's order on driving licences as public sources give them (subjects 1 to 4, waits by
vehicle class, ten days after a failure, five sittings of subjects 2 and 3, a certificate of three years). Every figure
is a setting of the authority.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec

from booking_api.rules.refusal import Days, Months, Refusal, Times, add_months, latest_first_day


def _waits(*groups: tuple[str, int]) -> dict[str, int]:
    return {vehicle_class: days for classes, days in groups for vehicle_class in classes.split()}


class TestRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One authority's figures. A vehicle class that a table does not name need not wait."""

    __test__ = False

    certificate_wait_days: Mapping[int, Mapping[str, Days]] = msgspec.field(
        default_factory=lambda: {
            2: _waits(("C1 C2 C3 C4 C5 M N P", 10), ("A1 A2 A3 B1 B2 C6", 20)),
            3: _waits(("C2 C3 C4 C5", 20), ("C1 M N P", 30), ("A1 A2 A3 B1 B2", 40)),
        }
    )
    passed_before: Mapping[int, Sequence[int]] = msgspec.field(
        default_factory=lambda: {2: (1,), 3: (1,), 4: (1, 2, 3)}
    )
    retry_wait_days: Mapping[int, Days] = msgspec.field(default_factory=lambda: {2: 10, 3: 10})
    attempts_limit: Mapping[int, Times] = msgspec.field(default_factory=lambda: {2: 5, 3: 5})
    priority_months: Months = 6
    elsewhere_after_days: Days = 60
    fees_fen: Mapping[int, Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]] = msgspec.field(
        default_factory=dict[int, int]
    )
    """What a sitting costs by subject, in fen (0.01 yuan); a subject not named costs nothing."""


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
    """A learner certificate; it is valid on its last day. `authority`: the office that issued it, if that is known."""

    vehicle_class: str
    issued: date
    last_day: date
    authority: str | None = None


class Learner(msgspec.Struct, frozen=True):
    """What rules ask about a person. `fees_settled`: the subjects whose fee is paid. `priority_used`: where it was."""

    certificate: Certificate | None
    attempts: Sequence[Attempt] = ()
    fees_settled: frozenset[int] = frozenset()
    priority_used: frozenset[int] = frozenset()


class Quota(StrEnum):
    """Whom a session's places are for."""

    ORDINARY = "ordinary"
    PRIORITY = "priority"


class Reach(StrEnum):
    """How far a session's office is from the one that issued the certificate."""

    HOME = "home"
    PROVINCE = "province"
    ELSEWHERE = "elsewhere"


class TestWish(msgspec.Struct, frozen=True):
    """Which test, on which day, out of which quota, and how far away; `asked`: the day on which it is asked for."""

    __test__ = False

    subject: int
    vehicle_class: str
    day: date
    asked: date
    quota: Quota = Quota.ORDINARY
    reach: Reach = Reach.HOME


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
        _priority_only(learner, certificate, wish, rules),
        _another_centre(certificate, attempts, wish, rules),
    ]
    return [refusal for refusal in found if refusal is not None]


def first_test_day(learner: Learner, wish: TestWish, rules: TestRules) -> date | None:
    """The first day, from the wished one on, on which nothing stands against the wish; None when there is none."""
    refusals = check_test(learner, wish, rules)
    if not refusals:
        return wish.day
    day = latest_first_day(refusals)
    # The waits are over by then, but the certificate may be too. Asked for on that day, it is a day to ask on as well.
    if day is None or check_test(learner, msgspec.structs.replace(wish, day=day, asked=day), rules):
        return None
    return day


def has_priority(learner: Learner, *, subject: int, day: date, rules: TestRules) -> bool:
    """True when the certificate has less than `priority_months` left and the subject's one priority is unspent."""
    if learner.certificate is None or subject in learner.priority_used:
        return False
    return add_months(day, rules.priority_months) > learner.certificate.last_day


def waiting_since(
    certificate: Certificate, attempts: Iterable[Attempt], *, subject: int, rules: TestRules
) -> date:
    """The day from which the learner could have sat this subject: after the certificate's wait and the last attempt's."""
    days = rules.certificate_wait_days.get(subject, {}).get(certificate.vehicle_class, 0)
    since = certificate.issued + timedelta(days=days)
    retry = timedelta(days=rules.retry_wait_days.get(subject, 0))
    for attempt in attempts:
        if attempt.subject == subject:
            since = max(since, attempt.day + retry)
        elif attempt.subject in rules.passed_before.get(subject, ()) and attempt.outcome is Outcome.PASSED:
            since = max(since, attempt.day)
    return since


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
    fee_fen = rules.fees_fen.get(wish.subject, 0)
    if not fee_fen or wish.subject in learner.fees_settled:
        return None
    return Refusal("fee_due", {"subject": wish.subject, "fee_fen": fee_fen}, None)


def _priority_only(
    learner: Learner, certificate: Certificate, wish: TestWish, rules: TestRules
) -> Refusal | None:
    if wish.quota is Quota.ORDINARY or has_priority(learner, subject=wish.subject, day=wish.day, rules=rules):
        return None
    facts = {"last_day": certificate.last_day, "priority_months": rules.priority_months}
    if wish.subject in learner.priority_used:
        return Refusal("priority_used", facts, None)
    day = add_months(certificate.last_day, -rules.priority_months) - timedelta(days=3)
    # Months differ in length: the first day is found from just before it.
    while add_months(day, rules.priority_months) <= certificate.last_day:
        day += timedelta(days=1)
    return Refusal("priority_only", facts, day)


def _another_centre(
    certificate: Certificate, attempts: Iterable[Attempt], wish: TestWish, rules: TestRules
) -> Refusal | None:
    if wish.reach is Reach.HOME:
        return None
    if wish.reach is Reach.ELSEWHERE:
        return Refusal("another_province", {"certificate_of": certificate.authority}, None)
    since = waiting_since(certificate, attempts, subject=wish.subject, rules=rules)
    opens = since + timedelta(days=rules.elsewhere_after_days)
    if wish.asked >= opens:
        return None
    facts = {
        "certificate_of": certificate.authority,
        "waiting_since": since,
        "after_days": rules.elsewhere_after_days,
    }
    return Refusal("another_centre", facts, opens)
