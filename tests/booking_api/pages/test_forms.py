"""What a form says, and what is wrong with each of its fields."""

from datetime import date
from enum import StrEnum
from typing import Annotated

import msgspec
import pytest

from booking_api.pages.catalogue import words_in
from booking_api.pages.forms import FieldsRefused, Form
from booking_api.pages.refusals import refusal_of


class Kind(StrEnum):
    CAR = "car"


class Told(msgspec.Struct, frozen=True):
    name: Annotated[str, msgspec.Meta(min_length=2, max_length=5)]
    seats: Annotated[int, msgspec.Meta(ge=1, le=40)]
    day: date
    kind: Kind = Kind.CAR
    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z]+\Z")] | None = None
    units: list[int] = []
    open: bool = False


def form(**fields: str | list[str]) -> Form:
    return Form({name: value if isinstance(value, list) else [value] for name, value in fields.items()}, {})


def test_a_form_becomes_what_its_page_asks_for():
    said = form(name="Li", seats="12", day="2026-12-08", units=["3", "4"], open="true", csrf="x")
    assert said.read(Told) == Told(name="Li", seats=12, day=date(2026, 12, 8), units=[3, 4], open=True)


def test_an_empty_field_counts_as_not_filled_in():
    assert form(name="Li", seats="1", day="2026-12-08", code="", kind="").read(Told).code is None


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("name", "", "Fill this in."),
        ("name", "L", "Use at least 2 characters."),
        ("name", "Li Leilei", "Use at most 5 characters."),
        ("seats", "many", "Give a number."),
        ("seats", "0", "Give at least 1."),
        ("seats", "41", "Give at most 40."),
        ("day", "8 December", "Give a date such as 2026-12-08."),
        ("kind", "boat", "Choose one of those listed."),
        ("code", "A1", "This has not the right form."),
        ("open", "perhaps", "This cannot be used."),
    ],
)
def test_what_is_wrong_with_a_field_is_said_beside_it(field, typed, said):
    right = {"name": "Li", "seats": "1", "day": "2026-12-08"}
    with pytest.raises(FieldsRefused) as refused:
        form(**{**right, field: typed}).read(Told)
    assert refusal_of(words_in("en"), refused.value).fields == {field: said}
    assert refusal_of(words_in("zh-CN"), refused.value).fields[field]


def test_every_wrong_field_is_told_at_once():
    with pytest.raises(FieldsRefused) as refused:
        form(seats="x").read(Told)
    assert refused.value.errors.keys() == {"name", "seats", "day"}
