"""A round's problem file: who asks for what, and how much there is of it. Imports msgspec.

`docs/spec/round.md`, section 2. Lines are kept as they were written until they are known (`_Lines`): hundreds of thousands of
forms repeat a few thousand lines, and are read in a third of the memory that way.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Raw

from fairness.canonical import NotCanonical, name_of

VERSION = 1
CAPACITY_LIMIT = 2**31 - 1
CLASS_LIMIT = 2**53 - 1

Capacity: TypeAlias = Annotated[int, Meta(ge=0, le=CAPACITY_LIMIT)]
WaitingClass: TypeAlias = Annotated[int, Meta(ge=-CLASS_LIMIT, le=CLASS_LIMIT)]
Line: TypeAlias = tuple[int, ...]
"""Sessions by their place in id order, ascending, each once."""


class ProblemUnusable(ValueError):
    """The file is no problem of a round; the message names the field and says what would be right."""


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many places at one place and time."""

    id: str
    capacity: Capacity


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One person's form: lines, best first. A smaller waiting class comes first."""

    id: str
    waiting_class: WaitingClass = msgspec.field(name="class")
    lines: list[Raw]
    school: str | None = None


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Applications that want seats in one session together, or none."""

    id: str
    members: Annotated[list[str], Meta(min_length=1)]
    lines: list[Raw]


class Reserve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seats of a session that are a school's before they are anybody's."""

    session: str
    seats: Capacity


class School(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A school's rules in this round: the most seats it may get in all, and what is reserved for it."""

    id: str
    max: Capacity | None = None
    reserve: list[Reserve] = []


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    sessions: list[Session]
    applications: list[Application]
    batches: list[Batch] = []
    schools: list[School] = []


class Problem(NamedTuple):
    """A problem whose ids and references hold. Sessions and schools are in id order, applications and batches as written.

    `forms` and `batch_lines` hold, for each application and batch, the number of each of its lines in `lines`.
    """

    sessions: Sequence[Session]
    applications: Sequence[Application]
    batches: Sequence[Batch]
    schools: Sequence[School]
    lines: Sequence[Line]
    forms: Sequence[tuple[int, ...]]
    batch_lines: Sequence[tuple[int, ...]]


def read_problem(text: bytes) -> Problem:
    """The problem of a file.

    Raises:
        ProblemUnusable: it is not one.
    """
    file = _decode(text)
    _check_ids("sessions", (one.id for one in file.sessions))
    _check_ids("applications", (one.id for one in file.applications))
    _check_ids("batches", (one.id for one in file.batches))
    _check_ids("schools", (one.id for one in file.schools))
    _check_schools(file.applications)
    sessions = sorted(file.sessions, key=lambda one: one.id)
    _check_members(file)
    _check_reserves(file.schools, {one.id: one.capacity for one in sessions})
    known = _Lines({one.id: place for place, one in enumerate(sessions)})
    return Problem(
        sessions,
        file.applications,
        file.batches,
        sorted(file.schools, key=lambda one: one.id),
        known.lines,
        [known.numbers(one.lines, "applications", place) for place, one in enumerate(file.applications)],
        [known.numbers(one.lines, "batches", place) for place, one in enumerate(file.batches)],
    )


def _decode(text: bytes) -> _File:
    try:
        return msgspec.json.decode(text, type=_File)
    except msgspec.ValidationError as error:
        raise ProblemUnusable(str(error).replace("`$", "`").replace("`.", "`")) from error
    except UnicodeDecodeError as error:
        raise ProblemUnusable("not UTF-8") from error
    except msgspec.DecodeError as error:
        raise ProblemUnusable(f"not JSON: {error}") from error
    except RecursionError:
        raise ProblemUnusable("nested deeper than a problem is") from None


class _Lines:
    """Lines by number, as they become known: by how they were written, and by the sessions in them."""

    def __init__(self, places: dict[str, int]) -> None:
        self.lines: list[Line] = []
        self._places = places
        self._by_text: dict[bytes, int] = {}
        self._by_sessions: dict[Line, int] = {}
        self._decode = msgspec.json.Decoder(list[str]).decode

    def numbers(self, lines: list[Raw], of: str, place: int) -> tuple[int, ...]:
        by_text = self._by_text
        try:
            return tuple([by_text[bytes(line)] for line in lines])
        except KeyError:
            return tuple(
                [self._number(bytes(line), f"{of}[{place}].lines[{at}]") for at, line in enumerate(lines)]
            )

    def _number(self, text: bytes, field: str) -> int:
        if text not in self._by_text:
            sessions = self._read(text, field)
            self._by_text[text] = self._by_sessions.setdefault(sessions, len(self.lines))
            if self._by_text[text] == len(self.lines):
                self.lines.append(sessions)
        return self._by_text[text]

    def _read(self, text: bytes, field: str) -> Line:
        try:
            names = self._decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProblemUnusable(f"{field}: a line is a list of session ids: {error}") from error
        if not names:
            raise ProblemUnusable(f"{field}: a line without sessions; leave it out")
        for name in names:
            if name not in self._places:
                raise ProblemUnusable(f"{field}: there is no session {name!r}")
        sessions = tuple(sorted({self._places[name] for name in names}))
        if len(sessions) < len(names):
            twice = next(name for at, name in enumerate(names) if name in names[:at])
            raise ProblemUnusable(f"{field}: session {twice!r} is named twice")
        return sessions


def _check_ids(what: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for place, one in enumerate(ids):
        if one in seen:
            raise ProblemUnusable(f"{what}[{place}].id: {one!r} is there twice")
        seen.add(one)
        _check_id(one, f"{what}[{place}].id")


def _check_schools(applications: Sequence[Application]) -> None:
    """A school without rules is in no list of ids."""
    seen: set[str | None] = {None}
    for place, one in enumerate(applications):
        if one.school not in seen:
            seen.add(one.school)
            _check_id(one.school or "", f"applications[{place}].school")


def _check_id(text: str, field: str) -> None:
    try:
        name_of(text, "the id")
    except NotCanonical:
        raise ProblemUnusable(
            f"{field}: {text[:40]!r} is no id: 1 to 200 characters are, none of them a control character"
        ) from None


def _check_members(file: _File) -> None:
    """One application per person: who is in a batch applies with it alone."""
    forms = {one.id: one.lines for one in file.applications}
    batch_of: dict[str, str] = {}
    for place, batch in enumerate(file.batches):
        for at, member in enumerate(batch.members):
            field = f"batches[{place}].members[{at}]"
            if member not in forms:
                raise ProblemUnusable(f"{field}: there is no application {member!r}")
            if member in batch_of:
                raise ProblemUnusable(f"{field}: {member!r} is a member of {batch_of[member]!r} already")
            if forms[member]:
                raise ProblemUnusable(
                    f"{field}: {member!r} has a form of their own; who is in a batch applies with it alone: "
                    "their lines must be []"
                )
            batch_of[member] = batch.id


def _check_reserves(schools: Sequence[School], capacities: dict[str, int]) -> None:
    left = dict(capacities)
    for place, school in enumerate(schools):
        seen: set[str] = set()
        for at, reserve in enumerate(school.reserve):
            field = f"schools[{place}].reserve[{at}]"
            if reserve.session not in left:
                raise ProblemUnusable(f"{field}.session: there is no session {reserve.session!r}")
            if reserve.session in seen:
                raise ProblemUnusable(f"{field}.session: {reserve.session!r} is there twice")
            seen.add(reserve.session)
            left[reserve.session] -= reserve.seats
            if left[reserve.session] < 0:
                raise ProblemUnusable(
                    f"{field}.seats: more is reserved in {reserve.session!r} than its {capacities[reserve.session]} seats"
                )
