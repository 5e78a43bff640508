"""What is said about a row of a batch: why it cannot be booked, which session it is, what a batch's states are.

Imports the catalogues and the schools' room. A rule's sentence speaks of the learner here, and of "you" on their own pages.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import msgspec

from booking_api.pages.catalogue import Words
from booking_api.rules import Quota
from booking_api.schools.seats import SessionFacts

KINDS = {
    "queued": "wait",
    "running": "wait",
    "holding": "wait",
    "confirming": "wait",
    "undoing": "wait",
    "done": "good",
    "refused": "bad",
    "cancelled": "plain",
    "waiting": "wait",
    "held": "wait",
    "booked": "good",
    "released": "plain",
}
"""How a batch's or a row's state is shown, beside its word."""


def session_words(words: Words, session: SessionFacts) -> str:
    """A session in one line."""
    told = words.text(
        "%(day)s %(start)s–%(end)s, %(place)s, subject %(subject)s, %(vehicle)s",  # noqa: RUF001 - a span of time
        day=words.day(session.starts_at),
        start=words.time(session.starts_at),
        end=words.time(session.ends_at),
        place=words.named(session.title),
        subject=session.subject,
        vehicle=session.vehicle_class,
    )
    return words.text("%(session)s, priority", session=told) if session.quota == Quota.PRIORITY else told


def reasons(
    words: Words, refusals: Sequence[Mapping[str, Any]], *, sessions: Mapping[int, SessionFacts]
) -> list[str]:
    """Why a row was refused, each sentence once. One that does not hold for all of its sessions says for which."""
    holds_for: dict[str, list[str]] = {}
    for refusal in refusals:
        session = sessions.get(refusal.get("unit") or 0)
        when = f"{words.day(session.starts_at)} {words.time(session.starts_at)}" if session else ""
        for sentence in refusal_words(words, refusal):
            holds_for.setdefault(sentence, []).append(when)
    return [
        sentence
        if len(some) == len(refusals) or not any(some)
        else f"{words.text(', ').join(filter(None, some))}{words.text(': ')}{sentence}"
        for sentence, some in holds_for.items()
    ]


def refusal_words(words: Words, refusal: Mapping[str, Any]) -> list[str]:
    """Why one session of a row was refused: a sentence for each rule, or one in all."""
    code = str(refusal["code"])
    if code != "not_eligible":
        facts = {name: _spelled(words, value) for name, value in refusal.items() if name != "code"}
        return [words.code(f"row.{code}", facts, instead=words.code(f"problem.{code}", instead=code))]
    rules: Sequence[Mapping[str, Any]] = refusal.get("rules") or []
    said = [
        words.code(
            f"learner_rule.{rule['rule']}",
            {name: _spelled(words, value) for name, value in rule["facts"].items()},
            instead=words.code(f"rule.{rule['rule']}", rule["facts"], instead=str(rule["rule"])),
        )
        for rule in rules
    ]
    if refusal.get("first_day"):
        said.append(words.text("Possible from %(day)s.", day=words.long_day(_day(refusal["first_day"]))))
    return said


def _day(told: object) -> date:
    return told if isinstance(told, date) else date.fromisoformat(str(told))


def _spelled(words: Words, value: object) -> object:
    """Days and moments as the page's language writes them; they come as text out of a row's record."""
    if not isinstance(value, str):
        return value
    with suppress(msgspec.ValidationError):
        return words.long_day(msgspec.convert(value, date))
    with suppress(msgspec.ValidationError):
        return words.moment(msgspec.convert(value, datetime))
    return value
