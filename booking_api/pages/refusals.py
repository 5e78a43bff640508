"""Refusals as people read them: a sentence, what is wrong with each field, the rules and the first possible day.

Imports the errors' types and the catalogues. A page that can be mended shows its form again; any other refusal is a page.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, cast

import msgspec

from booking_api.errors import ApiError
from booking_api.pages.catalogue import Words
from booking_api.pages.forms import FieldsRefused, field_sentence
from booking_api.problems import RETRY_AFTER_S, STATUS
from reservation.errors import ReservationError

ISO_DAY = len("2026-12-08")
_DAY = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?\Z")


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why something was not done. `fields` has a sentence for each field that is wrong, `rules` one for each rule."""

    status: int
    code: str
    sentence: str
    fields: Mapping[str, str]
    rules: list[str]
    first_day: str | None = None
    retry_after_s: int | None = None


def refusal_of(words: Words, error: ApiError | ReservationError) -> Refusal:
    """A refusal in the page's language."""
    status = STATUS[error.code] if isinstance(error, ReservationError) else error.status
    headers = {} if isinstance(error, ReservationError) else error.headers
    wait = RETRY_AFTER_S.get(error.code) or headers.get("Retry-After")
    first_day = error.facts.get("first_day")
    return Refusal(
        status=status,
        code=error.code,
        sentence=words.code(f"problem.{error.code}", error.facts, instead=words.text(error.sentence)),
        fields=_fields(words, error),
        rules=rule_sentences(words, error.facts.get("rules") or []),
        first_day=words.long_day(_day(first_day)) if first_day else None,
        retry_after_s=int(wait) if wait else None,
    )


def rule_sentences(words: Words, rules: list[Mapping[str, Any]]) -> list[str]:
    """Each rule that stands against it, with the person's facts."""
    return [
        words.code(
            f"rule.{rule['rule']}", {name: _told(words, value) for name, value in rule["facts"].items()}
        )
        for rule in rules
    ]


def _told(words: Words, value: object) -> object:
    """A fact as people read it: days and moments in words. They come as they go over the wire."""
    if not isinstance(value, str) or not _DAY.match(value):
        return value
    moment = datetime.fromisoformat(value)
    return words.long_day(moment.date()) if len(value) == ISO_DAY else words.moment(moment)


def _day(told: date | str) -> date:
    return told if isinstance(told, date) else date.fromisoformat(told)


def _fields(words: Words, error: ApiError | ReservationError) -> dict[str, str]:
    if isinstance(error, FieldsRefused):
        return {name: field_sentence(words, code, facts) for name, (code, facts) in error.errors.items()}
    told: Any = error.facts.get("errors")
    if not isinstance(told, list):
        return {}
    # The rooms' own reasons are English sentences; the catalogue has those that a form can meet.
    reasons = cast("list[Mapping[str, str]]", told)
    return {str(each["field"]): words.text(str(each["reason"])) for each in reasons}
