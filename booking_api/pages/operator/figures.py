"""The figures an authority may set, by group, with their units and where they come from; and what differs between two.

Pure, beside the rules' settings. A figure's name in a form is its path: `plans.hold_ttl_s`.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple, cast

import msgspec

from booking_api.pages.forms import FieldsRefused, Form, what_is_wrong
from booking_api.rules.settings import settings_of

FEN = 100
TEXT_LIMIT = 20
Unit = Literal["days", "months", "times", "hours", "minutes", "seconds", "yuan", "share", "per_s", "yes"]
ORDER = "mps123"
"""机动车驾驶证申领和使用规定, the ministry's order on driving licences."""
INSPECTION = "inspection"
AUTHORITY = "authority"
CLASSES = ("C1", "C2", "C3", "C4", "C5", "C6", "B1", "B2", "A1", "A2", "A3", "M", "N", "P")


class Figure(NamedTuple):
    """One figure: its path, its unit, and the code of what it comes from. `of`: the subject or class it is for."""

    path: str
    unit: Unit
    source: str = AUTHORITY
    subject: int | None = None
    vehicle_class: str | None = None

    @property
    def code(self) -> str:
        """Its label's code: the path without subject and class."""
        return ".".join(part for part in self.path.split(".") if not _is_key(part))


class Group(NamedTuple):
    """Figures that belong together. `by`: how they are laid out."""

    name: str
    figures: list[Figure]
    by: Literal["figure", "class"] = "figure"


def groups_of(service: str) -> list[Group]:
    """What the page of a service asks for, group by group."""
    leaving = Group("leaving", [Figure("leaving.limit", "times"), Figure("leaving.notice_hours", "hours")])
    plans = Group(
        "plans",
        [
            Figure("plans.publish_ahead_days", "days", ORDER if service == "driving_test" else AUTHORITY),
            Figure("plans.closes_days_before", "days"),
            Figure("plans.return_window_s", "seconds"),
            Figure("plans.hold_ttl_s", "seconds"),
            Figure("plans.check_in_opens_min", "minutes"),
            Figure("plans.no_shows", "yes"),
        ],
    )
    if service == "inspection":
        return [_inspection(), leaving, plans]
    return [*_tests(), leaving, plans, _schools()]


def _tests() -> list[Group]:
    by_subject: list[tuple[str, Unit, tuple[int, ...], str]] = [
        ("retry_wait_days", "days", (2, 3), ORDER),
        ("attempts_limit", "times", (2, 3), ORDER),
        ("fees_fen", "yuan", (1, 2, 3, 4), AUTHORITY),
    ]
    sitting = [
        Figure(f"eligibility.{name}.{subject}", unit, source, subject)
        for name, unit, subjects, source in by_subject
        for subject in subjects
    ]
    certificate = [
        Figure("eligibility.priority_months", "months", ORDER),
        Figure("eligibility.elsewhere_after_days", "days", ORDER),
    ]
    waits = [
        Figure(f"eligibility.certificate_wait_days.{subject}.{name}", "days", ORDER, subject, name)
        for name in CLASSES
        for subject in (2, 3)
    ]
    return [Group("sitting", sitting), Group("certificate", certificate), Group("waits", waits, "class")]


def _inspection() -> Group:
    names: list[tuple[str, Unit]] = [
        ("window_months", "months"),
        ("ahead_working_days", "days"),
        ("no_shows_limit", "times"),
        ("lock_months", "months"),
        ("no_shows_in_a_row_limit", "times"),
    ]
    return Group("inspection", [Figure(f"eligibility.{name}", unit, INSPECTION) for name, unit in names])


def _schools() -> Group:
    return Group(
        "schools",
        [
            Figure("schools.batches", "yes"),
            Figure("schools.session_share", "share"),
            Figure("schools.rows_per_s", "per_s"),
            Figure("schools.substitutions", "yes"),
        ],
    )


def figures_of(service: str) -> dict[str, Figure]:
    """Every figure of a service by its path."""
    return {figure.path: figure for group in groups_of(service) for figure in group.figures}


def flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings by path.

    >>> flat({"plans": {"hold_ttl_s": 60}, "leaving": {"limit": 3}})
    {'plans.hold_ttl_s': 60, 'leaving.limit': 3}
    """
    found: dict[str, Any] = {}
    for name, value in settings.items():
        path = f"{above}{name}"
        if isinstance(value, Mapping):
            found |= flat(cast("Mapping[str, Any]", value), f"{path}.")
        else:
            found[path] = value
    return found


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The other way round.

    >>> nested({"plans.hold_ttl_s": 60, "plans.no_shows": True})
    {'plans': {'hold_ttl_s': 60, 'no_shows': True}}
    """
    found: dict[str, Any] = {}
    for path, value in values.items():
        *above, name = path.split(".")
        here = found
        for part in above:
            here = here.setdefault(part, {})
        here[name] = value
    return found


def in_force(service: str, layers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Every figure by path, as these layers make it."""
    return flat(msgspec.to_builtins(settings_of(service, *layers), str_keys=True))


def read_figures(form: Form, service: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """What an authority has of its own by a form, nested. An empty field is the authority's above; what has no field stays.

    Raises:
        FieldsRefused: figures that cannot be used, all at once.
    """
    known = figures_of(service)
    values = {path: value for path, value in flat(own).items() if path not in known}
    errors: dict[str, Any] = {}
    for path, figure in known.items():
        text = form.one(path)
        if not text:
            continue
        try:
            value = _value(text, figure.unit)
            settings_of(service, nested({path: value}))
            values[path] = value
        except msgspec.ValidationError as error:
            errors[path] = what_is_wrong(str(error))
        except (ValueError, InvalidOperation):
            errors[path] = ("number", {})
    if errors:
        raise FieldsRefused(errors)
    return nested(values)


def written(value: Any, unit: Unit) -> str:
    """A figure as its field has it."""
    if unit == "yes":
        return "yes" if value else "no"
    if unit == "yuan":
        return f"{value / FEN:.2f}"
    if unit == "share":
        return f"{value * 100:g}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """What is not the same: path, what it was and what it is; None where it was not set."""
    old, new = flat(before), flat(after)
    return [
        (path, old.get(path), new.get(path))
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]


def _value(text: str, unit: Unit) -> Any:
    if unit == "yes":
        if text not in {"yes", "no"}:
            raise ValueError(text)
        return text == "yes"
    if len(text) > TEXT_LIMIT:
        raise ValueError(text)
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    if unit == "yuan":
        number *= FEN
    if unit == "share":
        return float(number / 100)
    if unit == "per_s":
        return float(number)
    if number != int(number):
        raise ValueError(text)
    return int(number)


def _is_key(part: str) -> bool:
    return part.isdigit() or part in CLASSES
