"""What rules ask about people and vehicles, read for many at once. Imports asyncpg, SQLAlchemy and the rules' types.

While one read is on its way the next one's askers gather: a rush of holds costs one statement for dozens of people. It goes
to the driver directly, for it is in every hold's way: measured, the toolkit's own work on a statement costs four times the
driver's.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date
from importlib.resources import files
from typing import Any, Generic, TypeVar

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import msgspec
from sqlalchemy.exc import SQLAlchemyError

from booking_api.rules import Attempt, Certificate, Learner, Outcome, Vehicle
from reservation import Kernel
from reservation.errors import ReservationError, Unavailable
from reservation.failure import describe
from reservation.transaction import transaction

AT_ONCE = 256
FRESH_S = 5.0
KEPT = 1_024

Facts = TypeVar("Facts")


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
log = logging.getLogger(__name__)


class Reader(Generic[Facts]):
    """Owns the askers that wait, the read on its way, and what was read within FRESH_S."""

    def __init__(
        self, read: Callable[[Sequence[str]], Awaitable[Mapping[str, Facts]]], *, nothing: Facts
    ) -> None:
        self._read = read
        self._nothing = nothing
        self._waiting: dict[str, list[asyncio.Future[Facts]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._known: dict[str, tuple[float, Facts]] = {}

    async def of(self, key: str, *, fresh: bool = False) -> Facts:
        """The facts about this one, at most FRESH_S old, or read now with `fresh`.

        Raises:
            Unavailable, Busy: PostgreSQL does not answer.
        """
        loop = asyncio.get_running_loop()
        until, known = self._known.get(key, (0.0, self._nothing))
        if not fresh and loop.time() < until:
            return known
        future: asyncio.Future[Facts] = loop.create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._task is None:
            self._task = loop.create_task(self._drain(), name="facts")
        return await future

    async def _drain(self) -> None:
        # One turn of the loop first: the requests that arrived together are asked about together.
        await asyncio.sleep(0)
        try:
            while self._waiting:
                keys = list(self._waiting)[:AT_ONCE]
                asked = {key: self._waiting.pop(key) for key in keys}
                try:
                    found = await self._read(keys)
                except (ReservationError, SQLAlchemyError, OSError, TimeoutError) as error:
                    _fail(asked.values(), error)
                    continue
                except BaseException as error:
                    _fail(asked.values(), error)
                    raise
                self._remember({key: found.get(key, self._nothing) for key in keys})
                for key, futures in asked.items():
                    for future in futures:
                        if not future.done():
                            future.set_result(self._known[key][1])
        finally:
            self._task = None
            waiting, self._waiting = self._waiting, {}
            _fail(waiting.values(), asyncio.CancelledError())

    def _remember(self, found: Mapping[str, Facts]) -> None:
        if len(self._known) + len(found) > KEPT:
            self._known = {}
        until = asyncio.get_running_loop().time() + FRESH_S
        self._known |= {key: (until, facts) for key, facts in found.items()}


def _fail(waiting: Iterable[list[asyncio.Future[Any]]], error: BaseException) -> None:
    for futures in waiting:
        for future in futures:
            if not future.done():
                future.set_exception(error)


async def _fetch(kernel: Kernel, statement: str, keys: Sequence[str]) -> Sequence[Any]:
    """The rows of a statement whose one parameter is a list of keys.

    Raises:
        Unavailable, Busy: PostgreSQL does not answer.
    """
    async with transaction(kernel.reads) as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        try:
            return await driver.fetch(statement, keys)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            # Past SQLAlchemy's back: it must be told that the connection may be no good any more.
            await connection.invalidate()
            log.warning("facts: %s", describe(error))
            raise Unavailable(part="postgresql") from error


def dossiers(kernel: Kernel) -> Reader[Dossier]:
    """A reader of people's dossiers by account id. Somebody who is not verified has an empty one."""

    async def read(accounts: Sequence[str]) -> dict[str, Dossier]:
        return {row["id"]: _dossier(row) for row in await _fetch(kernel, _DOSSIERS, accounts)}

    return Reader(read, nothing=NOBODY)


def vehicles(kernel: Kernel) -> Reader[Vehicle | None]:
    """A reader of vehicles by plate; None for one that the register does not have."""

    async def read(plates: Sequence[str]) -> dict[str, Vehicle | None]:
        return {row["plate"]: _vehicle(row) for row in await _fetch(kernel, _VEHICLES, plates)}

    return Reader(read, nothing=None)


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
