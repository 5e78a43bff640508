"""A round's result file: who got what, the certificate, the bound and the measures. Imports msgspec.

`docs/spec/round.md`, section 8. The text is canonical (RFC 8785): one outcome has one text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

import msgspec

from fairness.canonical import NotCanonical, hex_of
from fairness.rounds.cut import Cut
from fairness.rounds.measures import Measures
from fairness.rounds.passed import BatchPassed, Passed, Witness
from fairness.rounds.result_file import (
    ApplicationPart,
    BatchPart,
    Continues,
    KeptPart,
    PassPart,
    ReservedPart,
    ResultFile,
    SessionPart,
    WitnessPart,
)
from fairness.rounds.round import NEVER, NOBODY, Party, Place, Round

VERSION = 1
SEED_BYTES = 32
_Kind = TypeVar("_Kind")


class OutcomeRefused(ValueError):
    """The file is no result, or one of another problem; the message names the field."""


class Outcome(NamedTuple):
    """What a round gives.

    `first` is the pass before unused reserves were released, None where nothing is reserved and in continuations; `kept`:
    place -> seats reserved in the final pass.
    """

    seed: bytes
    first: Passed | None
    final: Passed
    kept: Mapping[int, int]
    bound: int
    cut: Cut
    measures: Measures
    continues: Continues | None = None


def taken(round_: Round, passed: Passed) -> dict[int, int]:
    """Place -> seats of a reserve that are taken."""
    counts = dict.fromkeys(round_.reserves, 0)
    if counts:
        for place in passed.place_at:
            if place in counts:
                counts[place] += 1
    return counts


def write_outcome(round_: Round, outcome: Outcome) -> bytes:
    """The result's text, without a line feed at its end."""
    final = _write_pass(round_, outcome.final, outcome.kept)
    result = ResultFile(
        version=VERSION,
        seed=outcome.seed.hex(),
        applications=final.applications,
        batches=final.batches,
        sessions=final.sessions,
        reserved=final.reserved,
        first_pass=None if outcome.first is None else _write_pass(round_, outcome.first, round_.reserves),
        bound=outcome.bound,
        cut=[round_.session_ids[session] for session in sorted(outcome.cut.sessions)],
        cut_schools=[round_.school_ids[school] for school in sorted(outcome.cut.schools)],
        measures=outcome.measures,
        continues=msgspec.UNSET if outcome.continues is None else outcome.continues,
    )
    return msgspec.json.encode(result, order="sorted")


def seed_of_result(text: bytes) -> bytes:
    """The seed that a result names, 32 bytes.

    Raises:
        OutcomeRefused: it names none.
    """
    return _seed(_decode(text, _Seeded).seed)


def continues_of_result(text: bytes) -> Continues | None:
    """Which result a result continues, None where it is a round's own.

    Raises:
        OutcomeRefused: it is no result.
    """
    return _decode(text, _Continuing).continues


class _Seeded(msgspec.Struct, frozen=True):
    seed: str


class _Continuing(msgspec.Struct, frozen=True):
    continues: Continues | None = None


def _decode(text: bytes, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OutcomeRefused(f"no result: {error}") from error
    except RecursionError:
        raise OutcomeRefused("no result: nested deeper than one is") from None


def read_outcome(text: bytes, round_: Round) -> Outcome:
    """The outcome of this round that a result tells.

    Raises:
        OutcomeRefused: it is not canonical, or speaks of another round.
    """
    result = _decode(text, ResultFile)
    if msgspec.json.encode(result, order="sorted") != text:
        raise OutcomeRefused("not in canonical form")
    continues = None if result.continues is msgspec.UNSET else result.continues
    if (result.first_pass is None) != (not round_.reserves or continues is not None):
        raise OutcomeRefused("first_pass: it is there where seats are reserved, and not in continuations")
    names = _Numbers(round_)
    final = PassPart(result.applications, result.batches, result.sessions, result.reserved)
    return Outcome(
        _seed(result.seed),
        None if result.first_pass is None else _read_pass(round_, names, result.first_pass, "first_pass."),
        _read_pass(round_, names, final, ""),
        {names.kept_place(one, "reserved"): one.seats for one in result.reserved},
        result.bound,
        Cut(
            frozenset(_ascending([names.session(one, "cut") for one in result.cut], "cut")),
            frozenset(
                _ascending([names.school(one, "cut_schools") for one in result.cut_schools], "cut_schools")
            ),
        ),
        result.measures,
        continues,
    )


def _write_pass(round_: Round, passed: Passed, reserved: Mapping[int, int]) -> PassPart:
    session_of = [round_.session_ids[place.session] for place in round_.places]
    applications = [
        ApplicationPart(one, position, None, None)
        if place == NOBODY
        else ApplicationPart(one, position, line, session_of[place])
        for position, (one, line, place) in enumerate(
            zip(round_.application_ids, passed.line_at, passed.place_at, strict=True)
        )
    ]
    takers = _takers(round_, passed.place_at, reserved)
    return PassPart(
        applications,
        [
            _write_batch(round_, index, got, applications[round_.parties[index].turn].session)
            for index, got in enumerate(passed.batches)
        ],
        [
            SessionPart(round_.session_ids[place.session], _or_none(passed.closed_at[number], NEVER))
            for number, place in enumerate(round_.places)
            if place.school is None
        ],
        [
            ReservedPart(
                *_kept(round_, place), seats, _or_none(passed.closed_at[place], NEVER), takers[place]
            )
            for place, seats in reserved.items()
        ],
    )


def _write_batch(round_: Round, index: int, got: BatchPassed, session: str | None) -> BatchPart:
    party = round_.parties[index]
    witnesses = [
        WitnessPart(
            witness.line,
            round_.session_ids[witness.session],
            [
                round_.session_ids[round_.places[place].session]
                for place in witness.places
                if round_.places[place].school is None
            ],
            [
                KeptPart(*_kept(round_, place))
                for place in witness.places
                if round_.places[place].school is not None
            ],
        )
        for witness in got.witnesses
    ]
    return BatchPart(party.id, party.turn, _or_none(got.line, NOBODY), session, witnesses)


def _kept(round_: Round, place: int) -> tuple[str, str]:
    session, school = round_.places[place]
    assert school is not None  # noqa: S101 - reserves are places of schools
    return round_.school_ids[school], round_.session_ids[session]


def _or_none(number: int, none: int) -> int | None:
    return None if number == none else number


class _Numbers:
    """A round's numbers by id; an id that it does not have is refused."""

    def __init__(self, round_: Round) -> None:
        self._sessions = {one: number for number, one in enumerate(round_.session_ids)}
        self._schools = {one: number for number, one in enumerate(round_.school_ids)}
        self._places = {place: number for number, place in enumerate(round_.places)}
        self.open_places = {
            round_.session_ids[place.session]: number
            for number, place in enumerate(round_.places)
            if place.school is None
        }

    def session(self, one: str, field: str) -> int:
        if one not in self._sessions:
            raise OutcomeRefused(f"{field}: there is no session {one!r}")
        return self._sessions[one]

    def school(self, one: str, field: str) -> int:
        if one not in self._schools:
            raise OutcomeRefused(f"{field}: there is no school {one!r}")
        return self._schools[one]

    def open_place(self, session: str, field: str) -> int:
        self.session(session, field)
        return self.open_places[session]

    def kept_place(self, kept: KeptPart | ReservedPart, field: str) -> int:
        place = Place(self.session(kept.session, field), self.school(kept.school, field))
        if place not in self._places:
            raise OutcomeRefused(f"{field}: school {kept.school!r} has no reserve in {kept.session!r}")
        return self._places[place]


def _read_pass(round_: Round, names: _Numbers, file: PassPart, within: str) -> Passed:
    if [one.id for one in file.applications] != list(round_.application_ids):
        raise OutcomeRefused(f"{within}applications: they are not the problem's in the public order")
    if [one.id for one in file.sessions] != list(round_.session_ids):
        raise OutcomeRefused(f"{within}sessions: they are not the problem's in id order")
    if [one.id for one in file.batches] != [party.id for party in round_.parties]:
        raise OutcomeRefused(f"{within}batches: they are not the problem's in order of their turns")
    kept = [names.kept_place(one, f"{within}reserved") for one in file.reserved]
    if kept != list(round_.reserves):
        raise OutcomeRefused(f"{within}reserved: they are not the problem's")
    if within and [one.seats for one in file.reserved] != list(round_.reserves.values()):
        raise OutcomeRefused(f"{within}reserved: the first pass keeps the seats that the problem reserves")
    kept_by = {
        (who, one.session): place
        for one, place in zip(file.reserved, kept, strict=True)
        for who in one.taken_by
    }
    place_at = list(_places(file.applications, names.open_places, kept_by, within))
    closed_at = [NEVER] * len(round_.places)
    for place, one in _chain_closings(file, names.open_places, kept):
        closed_at[place] = NEVER if one is None else one
    if list(_takers(round_, place_at, kept).values()) != [one.taken_by for one in file.reserved]:
        raise OutcomeRefused(
            f"{within}reserved: taken_by names others than those who sit there, in public order"
        )
    return Passed(
        [NOBODY if one.line is None else one.line for one in file.applications],
        place_at,
        closed_at,
        [
            _read_batch(
                one, party, file.applications[party.turn].session, names, f"{within}batches[{number}]"
            )
            for number, (one, party) in enumerate(zip(file.batches, round_.parties, strict=True))
        ],
    )


def _places(
    applications: Sequence[ApplicationPart],
    open_places: dict[str, int],
    kept_by: dict[tuple[str, str], int],
    within: str,
) -> Iterator[int]:
    for number, one in enumerate(applications):
        if one.position != number:
            raise OutcomeRefused(f"{within}applications[{number}].position: it must be {number}")
        if (one.session is None) != (one.line is None):
            raise OutcomeRefused(f"{within}applications[{number}]: a line and a session, or neither")
        if one.session is None:
            yield NOBODY
        elif one.session not in open_places:
            raise OutcomeRefused(
                f"{within}applications[{number}].session: there is no session {one.session!r}"
            )
        else:
            yield (
                kept_by.get((one.id, one.session), open_places[one.session])
                if kept_by
                else open_places[one.session]
            )


def _chain_closings(
    file: PassPart, open_places: dict[str, int], kept: Sequence[int]
) -> Iterator[tuple[int, int | None]]:
    yield from ((open_places[one.id], one.closed_at) for one in file.sessions)
    yield from zip(kept, (one.closed_at for one in file.reserved), strict=True)


def _takers(round_: Round, place_at: Sequence[int], reserved: Iterable[int]) -> dict[int, list[str]]:
    """Place -> who sits in its reserved seats, in the public order."""
    takers: dict[int, list[str]] = {place: [] for place in reserved}
    if takers:
        for position, place in enumerate(place_at):
            if place in takers:
                takers[place].append(round_.application_ids[position])
    return takers


def _read_batch(
    file: BatchPart, party: Party, session: str | None, names: _Numbers, field: str
) -> BatchPassed:
    if (file.position, file.session) != (party.turn, session):
        raise OutcomeRefused(f"{field}: position and session are not those of its last member")
    if (file.session is None) != (file.line is None):
        raise OutcomeRefused(f"{field}: a line and a session, or neither")
    witnesses = tuple(_read_witness(one, names, f"{field}.witnesses") for one in file.witnesses)
    told = [(witness.line, witness.session) for witness in witnesses]
    asked = [(line, option.session) for line, options in enumerate(party.lines) for option in options]
    if told != sorted(set(told) & set(asked)):
        raise OutcomeRefused(f"{field}.witnesses: each is for a session of a line, in order, each once")
    return BatchPassed(NOBODY if file.line is None else file.line, witnesses)


def _read_witness(file: WitnessPart, names: _Numbers, field: str) -> Witness:
    own = [names.open_place(session, field) for session in file.sessions]
    kept = [names.kept_place(one, field) for one in file.reserved]
    places = sorted([*_ascending(own, field), *_ascending(kept, field)])
    return Witness(file.line, names.session(file.session, field), tuple(places))


def _ascending(numbers: list[int], field: str) -> list[int]:
    """One outcome has one text: what is named is in order, each once."""
    if any(one >= other for one, other in pairwise(numbers)):
        raise OutcomeRefused(f"{field}: what is named is in order, each once")
    return numbers


def _seed(text: str) -> bytes:
    try:
        return hex_of(text, SEED_BYTES, "the seed")
    except NotCanonical as error:
        raise OutcomeRefused(f"seed: {error}") from error
