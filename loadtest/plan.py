"""What one wave of clients is told before it starts: a JSON file named in LOADTEST_PLAN. Imports msgspec only."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

PLAN_VARIABLE = "LOADTEST_PLAN"
CLIENTS_LIMIT = 20_000
SECONDS_LIMIT = 600
ARRIVALS_PER_S = 300
"""People come to the lobby before the opening, not with it: the spike is in what they ask for then."""
CLIENTS_PER_PROCESS = 10_000
"""Numbers one Locust process gives to its clients before they would meet the next process's."""

WEIGHTS = 100
"""What the two kinds of clients' weights add up to."""
_NETWORKS = 250


class PlanUnusable(ValueError):
    """There is no plan, or it cannot be used; the message says why."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One wave. Shares are of 1; `wave` begins the accounts' names, so that two waves are different people."""

    wave: str
    url: str
    key_file: str
    journal: str
    pool: int
    clients: int
    seconds: int
    seed: int = 1
    abandoning_share: float = 0.04
    patient_share: float = 0.2
    page_share: float = 0.0
    """How many of the clients come through the pages, with a browser, and not through the API."""
    secret: str = ""
    """What their sessions' cookies are computed from."""

    def __post_init__(self) -> None:
        if not 1 <= self.clients <= CLIENTS_LIMIT:
            raise ValueError(f"clients must be 1 to {CLIENTS_LIMIT}")
        if not 1 <= self.seconds <= SECONDS_LIMIT:
            raise ValueError(f"seconds must be 1 to {SECONDS_LIMIT}")
        if not self.url.startswith("http://127."):
            raise ValueError("clients send to 127.0.0.0/8 only")

    @property
    def opened_file(self) -> Path:
        """Written at the opening second: milliseconds since 1970."""
        return Path(self.journal) / f"{self.wave}.opened"

    def opened_at_ms(self) -> int | None:
        """When the doors opened, milliseconds since 1970; None before that."""
        try:
            return int(self.opened_file.read_text() or 0) or None
        except FileNotFoundError:
            return None


def write_plan(plan: Plan, path: Path) -> None:
    """Leaves the plan for Locust's processes."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(plan)))


def read_plan(environment: Mapping[str, str]) -> Plan:
    """The plan of this process.

    Raises:
        PlanUnusable: the variable, the file or a value in it is missing or wrong.
    """
    path = environment.get(PLAN_VARIABLE)
    if not path:
        raise PlanUnusable(f"{PLAN_VARIABLE} names no plan; `python -m loadtest.run` writes one")
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Plan)
    except (OSError, msgspec.DecodeError) as error:
        raise PlanUnusable(f"{path}: {error}") from error


def source_address(number: int) -> str:
    """The loopback address a client calls from, out of 127.1.0.0/16.

    Neighbours are in different /24 networks, so that the limit per network meets few of them, as in life.

    >>> source_address(0), source_address(1), source_address(250)
    ('127.1.1.1', '127.1.2.1', '127.1.1.2')
    """
    host, network = divmod(number, _NETWORKS)
    return f"127.1.{network + 1}.{host % _NETWORKS + 1}"
