"""What rules ask about people and vehicles, read for many at once. Imports `gathering` and the rules' types."""

from collections.abc import Mapping, Sequence
from datetime import date
from importlib.resources import files
from typing import Any

import msgspec

from booking_api.gathering import Reader, fetch
from booking_api.rules import Attempt, Certificate, Learner, Outcome, Vehicle
from reservation import Kernel

FRESH_S = 5.0


class Dossier(msgspec.Struct, frozen=True):
    """What the registers and this platform know of a person: certificates the newest first, sittings, fees, priority.

    `fees_settled`: (authority, subject) of each fee that is paid and not used.
    """

    certificates: tuple[Certificate, ...]
    attempts: tuple[tuple[str | None, Attempt], ...]
    fees_settled: frozenset[tuple[str, int]]
    priority_used: frozenset[int]

    def learner(self, vehicle_class: str, *, authority: str) -> Learner:
        """The person as a learner of this class at an authority: the newest certificate for it, else the newest of any class.

        Sittings count that belong to that certificate: of its class, and not before it.
        """
        of_class = [held for held in self.certificates if held.vehicle_class == vehicle_class]
        certificate = next(iter(of_class or self.certificates), None)
        if certificate is None:
            return Learner(None)
        attempts = tuple(
            attempt
            for attempted_class, attempt in self.attempts
            if attempted_class in {None, certificate.vehicle_class} and attempt.day >= certificate.issued
        )
        paid = frozenset(subject for where, subject in self.fees_settled if where == authority)
        return Learner(certificate, attempts, paid, self.priority_used)


NOBODY = Dossier((), (), frozenset(), frozenset())
_DOSSIERS = (files("booking_api.eligibility") / "sql" / "dossiers.sql").read_text()
_VEHICLES = (files("booking_api.eligibility") / "sql" / "vehicles.sql").read_text()


def dossiers(kernel: Kernel) -> Reader[str, Dossier]:
    """A reader of people's dossiers by account id. Somebody who is not verified has an empty one."""

    async def read(accounts: Sequence[str]) -> dict[str, Dossier]:
        return {row["id"]: _dossier(row) for row in await fetch(kernel, _DOSSIERS, accounts)}

    return Reader(read, nothing=NOBODY, fresh_s=FRESH_S)


def vehicles(kernel: Kernel) -> Reader[str, Vehicle | None]:
    """A reader of vehicles by plate; None for one that the register does not have."""

    async def read(plates: Sequence[str]) -> dict[str, Vehicle | None]:
        return {row["plate"]: _vehicle(row) for row in await fetch(kernel, _VEHICLES, plates)}

    return Reader(read, nothing=None, fresh_s=FRESH_S)


_Certificates = list[tuple[str, date, date, str | None]]
_Results = list[tuple[int, date, Outcome, str | None]]
_certificates = msgspec.json.Decoder(_Certificates)
_results = msgspec.json.Decoder(_Results)


def _dossier(row: Mapping[str, Any]) -> Dossier:
    seen: set[tuple[int, date]] = set()
    attempts: list[tuple[str | None, Attempt]] = []
    # A no-show that our own sites noted may come again from the register of results: the register's row counts.
    for subject, day, outcome, vehicle_class in (
        *_results.decode(row["results"]),
        *_results.decode(row["missed"]),
    ):
        if (subject, day) not in seen:
            seen.add((subject, day))
            attempts.append((vehicle_class, Attempt(subject, day, outcome)))
    return Dossier(
        certificates=tuple(Certificate(*held) for held in _certificates.decode(row["certificates"])),
        attempts=tuple(attempts),
        fees_settled=frozenset(_fee(text) for text in row["fees_settled"]),
        priority_used=frozenset(row["priority_used"]),
    )


def _fee(text: str) -> tuple[str, int]:
    authority, _, subject = text.rpartition(" ")
    return authority, int(subject)


def _vehicle(row: Mapping[str, Any]) -> Vehicle:
    states: list[str] = row["attended"]
    in_a_row = next((n for n, state in enumerate(states) if state != "no_show"), len(states))
    return Vehicle(row["valid_until"], row["open_violations"], tuple(row["no_shows"]), in_a_row)
