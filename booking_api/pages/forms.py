"""Reads what a form says, field by field, and tells what is wrong with each. Imports Litestar and msgspec.

Forms are what browsers send without scripts: `application/x-www-form-urlencoded`, or `multipart/form-data` with a file.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin

import msgspec
from litestar.datastructures import UploadFile

from booking_api.errors import ApiError
from booking_api.pages.catalogue import Words
from booking_api.request import AnyRequest

T = TypeVar("T", bound=msgspec.Struct)

FIELDS_LIMIT = 4_000


class Upload(NamedTuple):
    """A file that came with a form."""

    name: str
    content: bytes


class FieldsRefused(ApiError):
    """One or more fields of a form cannot be used. `errors` has a code and its facts for each."""

    code = "fields_refused"
    status = 422
    sentence = "Some of the fields cannot be used."

    def __init__(self, errors: Mapping[str, tuple[str, Mapping[str, object]]]) -> None:
        super().__init__()
        self.errors = errors


class Form(NamedTuple):
    """A form's values by field, in order, with surrounding space taken away."""

    values: Mapping[str, list[str]]
    files: Mapping[str, Upload]

    def one(self, field: str) -> str:
        """A field's value; empty when the form has none."""
        return self.values.get(field, [""])[0]

    def read(self, struct: type[T], *, given: Mapping[str, Any] | None = None) -> T:
        """The form as this struct; an empty field counts as not filled in. `given` are values from elsewhere.

        Raises:
            FieldsRefused: fields that cannot be used, all at once.
        """
        known: dict[str, Any] = dict(given or {})
        errors: dict[str, tuple[str, Mapping[str, object]]] = {}
        for field in msgspec.structs.fields(struct):
            if field.name in known:
                continue
            values = [value for value in self.values.get(field.name, []) if value]
            if not values:
                if field.required:
                    errors[field.name] = ("required", {})
                continue
            try:
                known[field.name] = msgspec.convert(
                    values if _is_many(field.type) else values[0], field.type, strict=False
                )
            except msgspec.ValidationError as error:
                errors[field.name] = what_is_wrong(str(error))
        if errors:
            raise FieldsRefused(errors)
        return msgspec.convert(known, struct)


async def read_form(request: AnyRequest) -> Form:
    """What the request's form says; empty when it carries none.

    Raises:
        RequestEntityTooLarge: it is longer than its route takes.
    """
    values: dict[str, list[str]] = {}
    files: dict[str, Upload] = {}
    told = await request.form()
    for name, value in list(told.multi_items())[:FIELDS_LIMIT]:
        if isinstance(value, UploadFile):
            if value.filename:
                files[name] = Upload(value.filename, await value.read())
        else:
            # PostgreSQL cannot store NUL, and no keyboard types it.
            values.setdefault(name, []).append(str(value).replace("\x00", "").strip())
    return Form(values, files)


def _is_many(kind: Any) -> bool:
    plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return get_origin(plain) in {list, tuple}


def field_sentence(words: Words, code: str, facts: Mapping[str, object]) -> str:
    """What is wrong with a field, in the page's language."""
    return words.code(f"field.{code}", facts)


_WRONG = (
    (re.compile(r"length <= (\d+)"), "too_long"),
    (re.compile(r"length >= (\d+)"), "too_short"),
    (re.compile(r"(?:`int`|`float`|`decimal`).*<= ([-\d.]+)"), "at_most"),
    (re.compile(r"(?:`int`|`float`|`decimal`).*>= ([-\d.]+)"), "at_least"),
)
_KINDS = {
    "`int": "number",
    "`float": "number",
    "encoded datetime": "moment",
    "encoded date": "date",
    "enum": "choice",
    "regex": "form",
}


def what_is_wrong(message: str) -> tuple[str, Mapping[str, object]]:
    """A field's code and facts, of msgspec's sentence about it."""
    for pattern, code in _WRONG:
        if found := pattern.search(message):
            return code, {"limit": found[1]}
    return next((code for told, code in _KINDS.items() if told in message), "unusable"), {}
