"""What a route says of itself beside its signature: its refusals and its examples. Imports msgspec and the errors' types."""

from collections.abc import Mapping
from typing import Any

import msgspec

from booking_api.errors import ApiError
from reservation.errors import ReservationError

Refusal = type[ApiError] | type[ReservationError]
OPTION = "told"


class Told(msgspec.Struct, frozen=True):
    """`also`: further statuses that carry the same answer. `media`: the same answer in other forms, with an example.

    `sends`: headers of the answer, and what is in them. `reads`: the type of a body that the handler reads by itself.
    """

    problems: tuple[Refusal, ...] = ()
    body: Any = None
    answer: Any = None
    headers: tuple[Mapping[str, Any], ...] = ()
    also: Mapping[int, str] = {}
    media: Mapping[str, str] = {}
    sends: Mapping[str, str] = {}
    reads: Any = None


NOTHING_TOLD = Told()


def told(
    *problems: Refusal,
    body: Any = None,
    answer: Any = None,
    headers: tuple[Mapping[str, Any], ...] = (),
    also: Mapping[int, str] | None = None,
    media: Mapping[str, str] | None = None,
    sends: Mapping[str, str] | None = None,
    reads: Any = None,
) -> dict[str, Any]:
    """A handler's `opt`: what it refuses of its own, an example of its body and of its answer.

    What every route of its kind refuses (no token, too many requests, a body that cannot be read, a server that is
    silent) is known from the access table and the signature, and not repeated here.
    """
    return {OPTION: Told(problems, body, answer, headers, also or {}, media or {}, sends or {}, reads)}
