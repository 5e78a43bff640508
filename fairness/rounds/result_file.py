"""The parts of a round's result file, as `docs/spec/round.md`, section 8, has them. Imports msgspec."""

from typing import Literal

import msgspec

from fairness.rounds.measures import Measures


class Continues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which result is continued (SHA-256 of its canonical text, in hex), and who asked for what, in id order."""

    result: str
    declined: list[str]
    improving: list[str]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every member is there, and no other."""


class ApplicationPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Who got what."""

    id: str
    position: int
    line: int | None
    session: str | None


class KeptPart(Part, frozen=True):
    """A school's reserve in a session."""

    school: str
    session: str


class WitnessPart(Part, frozen=True):
    """Why a batch could not have a session: sessions and reserves that would hold too many."""

    line: int
    session: str
    sessions: list[str]
    reserved: list[KeptPart]


class BatchPart(Part, frozen=True):
    """What a batch got, and the witnesses against what it did not."""

    id: str
    position: int
    line: int | None
    session: str | None
    witnesses: list[WitnessPart]


class SessionPart(Part, frozen=True):
    """When a session closed."""

    id: str
    closed_at: int | None


class ReservedPart(Part, frozen=True):
    """A reserve: how many seats it kept, and who sits in them."""

    school: str
    session: str
    seats: int
    closed_at: int | None
    taken_by: list[str]


class PassPart(Part, frozen=True):
    """One pass."""

    applications: list[ApplicationPart]
    batches: list[BatchPart]
    sessions: list[SessionPart]
    reserved: list[ReservedPart]


class ResultFile(Part, frozen=True):
    """The whole file."""

    version: Literal[1]
    seed: str
    applications: list[ApplicationPart]
    batches: list[BatchPart]
    sessions: list[SessionPart]
    reserved: list[ReservedPart]
    first_pass: PassPart | None
    bound: int
    cut: list[str]
    cut_schools: list[str]
    measures: Measures
    continues: Continues | msgspec.UnsetType = msgspec.UNSET
