"""Canonical JSON (RFC 8785) of objects, arrays, strings and whole numbers. Imports rfc8785.

One value has one text, so that a hash of the text is a hash of the value.
"""

import json
import re
from typing import Any, NoReturn, cast

import rfc8785

LARGEST = 2**53 - 1
"""What every reader of JSON has exactly."""
NAME_LENGTH = 200
DEPTH_LIMIT = 32
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_HEX = re.compile(r"[0-9a-f]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class NotCanonical(ValueError):
    """The text is not canonical JSON, or the value has none; the message says why."""


def encode(value: Any) -> bytes:
    """The value's canonical text in UTF-8.

    >>> encode({"b": 1, "a": ["x"]})
    b'{"a":["x"],"b":1}'

    Raises:
        NotCanonical: it has something else in it than objects, arrays, strings and whole numbers up to LARGEST.
    """
    try:
        _check(value)
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise NotCanonical(f"no canonical form: {error}") from error


def decode(text: bytes) -> Any:
    """The value of a text that is canonical to the byte.

    >>> decode(b'{"a": 1}')
    Traceback (most recent call last):
    fairness.canonical.NotCanonical: not in canonical form

    Raises:
        NotCanonical: it is not.
    """
    _check_depth(text)
    try:
        value: Any = json.loads(text.decode(), parse_float=_refuse, parse_constant=_refuse, parse_int=_whole)
    except UnicodeDecodeError:
        raise NotCanonical("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise NotCanonical(f"not JSON: {error.msg} at character {error.pos}") from None
    if encode(value) != text:
        raise NotCanonical("not in canonical form")
    return value


def members(value: Any, wanted: dict[str, type], what: str) -> dict[str, Any]:
    """The value, if it is an object with exactly these members of these types.

    Raises:
        NotCanonical: it is not; the message names `what` and the member.
    """
    if not isinstance(value, dict):
        raise NotCanonical(f"{what} is not an object")
    found = cast("dict[str, Any]", value)
    if found.keys() != wanted.keys():
        odd = ", ".join(sorted(found.keys() ^ wanted.keys()))
        raise NotCanonical(f"{what} has other members than it must: {odd[:NAME_LENGTH]}")
    for name, kind in wanted.items():
        if not isinstance(found[name], kind):
            raise NotCanonical(f"{name} of {what} is not of the right type")
    return found


def name_of(text: str, what: str) -> str:
    """The text, if it can be a name: 1 to NAME_LENGTH characters, none of them a control character.

    Raises:
        NotCanonical: it cannot.
    """
    if not 1 <= len(text) <= NAME_LENGTH or _CONTROL.search(text):
        raise NotCanonical(f"{what} is not a name")
    return text


def hex_of(text: Any, size: int, what: str) -> bytes:
    """`size` bytes out of lower-case hex.

    Raises:
        NotCanonical: it is not that.
    """
    if not isinstance(text, str) or len(text) != 2 * size or not _HEX.fullmatch(text):
        raise NotCanonical(f"{what} is not {size} bytes in lower-case hex")
    return bytes.fromhex(text)


def _check_depth(text: bytes) -> None:
    """The decoder goes as deep as the process lets it, and some let it go past the end of their stack."""
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", text)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEPTH_LIMIT:
            raise NotCanonical(f"nested more than {DEPTH_LIMIT} deep")


def _check(value: Any, depth: int = 0) -> None:
    if depth > DEPTH_LIMIT:
        raise NotCanonical(f"nested more than {DEPTH_LIMIT} deep")
    if isinstance(value, bool) or not isinstance(value, str | int | list | dict):
        raise NotCanonical(f"{type(value).__name__} has no place here")
    if isinstance(value, int) and not 0 <= value <= LARGEST:
        raise NotCanonical(f"a number is not within 0 to {LARGEST}")
    if isinstance(value, dict):
        parts = cast("dict[Any, Any]", value)
        if not all(isinstance(name, str) for name in parts):
            raise NotCanonical("a member's name is not a string")
        for part in parts.values():
            _check(part, depth + 1)
    if isinstance(value, list):
        for item in cast("list[Any]", value):
            _check(item, depth + 1)


def _whole(text: str) -> int:
    if len(text) > len(str(LARGEST)) or text.startswith("-"):
        raise NotCanonical(f"a number is not within 0 to {LARGEST}")
    return int(text)


def _refuse(_: str) -> NoReturn:
    raise NotCanonical("a number is not whole")
