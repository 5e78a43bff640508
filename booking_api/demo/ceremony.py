"""A whole draw on this machine: operator, notary, witness and beacon as processes of their own, each with its own keys.

They share one folder, as strangers share the web: what is public goes through it, and nothing else.
"""

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from booking_api import clock
from booking_api.ceremony.beacons import read_chain_file
from fairness.entrants import Entrant, hash_id

CLI = "from booking_api.cli import main; main()"
DRAW, AUTHORITY, QUOTA, PERIOD = "demo-2026-12", "cn-zj-hz", "subject-2", "2026-12"
CATEGORIES = {"C1": 0.6, "C2": 0.3, "B2": 0.1}
"""Shares of the entrants by licence class."""
PLACES_SHARE = 10
MARGIN_S = 2
STAGES_S = 18
ENTRANTS_PER_S = 25_000
"""What freezing and contributing take at most: the round lies as far away."""
COMMAND_TIMEOUT_S = 900.0
WITNESS_START_S = 30.0
Say = Callable[[str, str], None]
"""(who, what they do)"""


class CeremonyFailed(Exception):
    """A step did not do what it should; the message has what it said."""


class Actor(NamedTuple):
    """Somebody with a folder of their own, in which their secrets are."""

    name: str
    folder: Path
    say: Say

    def run(self, *arguments: str | Path, expect: int = 0) -> str:
        """A command of this actor's, in a process of its own; gives what it printed.

        Raises:
            CeremonyFailed: it ended with another exit code.
        """
        self.say(self.name, " ".join(str(part) for part in arguments[:2]))
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", CLI, *map(str, arguments)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT_S,
        )
        if done.returncode != expect:
            raise CeremonyFailed(f"{self.name}, {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout


class Played(NamedTuple):
    """What is left: the bundle, the trust file, and what `gongdao verify` said with and without --demo."""

    bundle: Path
    trust: Path
    accepted: str
    refused: str


class Stage(NamedTuple):
    """Who plays, and the folder that is public."""

    operator: Actor
    notary: Actor
    witness: Actor
    beacon: Actor
    public: Path

    @property
    def trust(self) -> Path:
        """The trust file that everybody has."""
        return self.public / "trust"

    @property
    def chain(self) -> Path:
        """The beacon's chain as it says of itself."""
        return self.public / "chain.json"

    @property
    def signed(self) -> tuple[str | Path, ...]:
        """What the operator says with everything about their log."""
        return "--log", self.public / "log", "--key", "log.key", "--trust", self.trust

    def append(self, *entries: str | Path) -> None:
        """The operator's log has these entries more, and its witness has seen it."""
        self.operator.run("log", "append", *self.signed, *entries)


def play(folder: Path, *, entrants: int, say: Say) -> Played:
    """The whole protocol, announced to verified.

    Raises:
        CeremonyFailed: a step did not do what it should.
        CeremonyUnusable: a file could not be written.
    """
    actors = [Actor(name, _new(folder / name), say) for name in ("operator", "notary", "witness", "beacon")]
    stage = Stage(*actors, public=_new(folder / "public"))
    # (1) everybody makes their keys, and says the public ones
    lines = _make_keys(stage)
    with _serving(stage.witness) as url:
        _write_trust(stage, lines, url)
        # (2) keys and announcement are logged; (3) the list is frozen, (4) both contribute, in time
        number = _announce(stage, lines, entrants)
        _freeze(stage, entrants)
        _contribute(stage)
        # (5) the beacon's round, and the result
        bundle = _finish(stage, number, say)
    # (6) anybody verifies
    auditor = Actor("auditor", _new(folder / "auditor"), say)
    accepted = auditor.run("verify", bundle, "--trust", stage.trust, "--demo")
    refused = auditor.run("verify", bundle, "--trust", stage.trust, expect=1)
    return Played(bundle, stage.trust, accepted, refused)


class _Lines(NamedTuple):
    """The parties' lines for a trust file."""

    log: str
    witness: str
    operator: str
    notary: str
    chain: str


def _make_keys(stage: Stage) -> _Lines:
    def made(actor: Actor, kind: str, name: str, out: str) -> str:
        return actor.run("keys", "new", kind, "--name", name, "--out", out).strip()

    lines = _Lines(
        log=made(stage.operator, "log", "demo.example/log", "log.key"),
        witness=made(stage.witness, "witness", "demo.example/witness", "key"),
        operator=made(stage.operator, "contributor", "operator", "vrf.key"),
        notary=made(stage.notary, "contributor", "notary", "vrf.key"),
        chain=stage.beacon.run("draw", "demo-chain", ".").strip(),
    )
    stage.chain.write_bytes((stage.beacon.folder / "chain.json").read_bytes())
    (stage.witness.folder / "logs").write_text(f"{lines.log}\nquorum none\n")
    return lines


def _write_trust(stage: Stage, lines: _Lines, url: str) -> None:
    stage.trust.write_text(
        f"{lines.log}\n{lines.witness} {url}\nquorum demo.example/witness\n"
        f"{lines.operator}\n{lines.notary}\n{lines.chain}\nlead 0\nmargin {MARGIN_S}\n"
    )


def _announce(stage: Stage, lines: _Lines, entrants: int) -> int:
    """Gives the round."""
    stage.operator.run("keys", "entry", "vrf.key", "--out", "key.entry")
    stage.notary.run("keys", "entry", "vrf.key", "--out", stage.public / "notary.entry")
    number = _round_after(stage.chain, entrants)
    announced = stage.public / "announced.entry"
    keys = [line.split()[-1] for line in (lines.operator, lines.notary)]
    stage.operator.run(
        *("draw", "announce", "--draw", DRAW, "--authority", AUTHORITY, "--quota", QUOTA, "--period", PERIOD),
        *("--chain", stage.chain, "--round", str(number), "--out", announced),
        *(part for key in keys for part in ("--contributor", key)),
    )
    stage.append("key.entry", stage.public / "notary.entry", announced)
    return number


def _freeze(stage: Stage, entrants: int) -> None:
    _write_entrants(stage.operator.folder / "entrants.csv", entrants)
    public = stage.public
    places = [
        part for category, count in places_of(entrants).items() for part in ("--place", f"{category}={count}")
    ]
    stage.operator.run(
        *("draw", "freeze", "--announcement", public / "announced.entry", "--entrants", "entrants.csv"),
        *("--list", public / "list", "--out", public / "frozen.entry", *places),
    )
    stage.append(public / "frozen.entry")


def _contribute(stage: Stage) -> None:
    frozen = ("--freeze", stage.public / "frozen.entry", "--list", stage.public / "list")
    entries = [stage.public / f"{name}-contributed.entry" for name in ("operator", "notary")]
    for actor, entry in zip((stage.operator, stage.notary), entries, strict=True):
        actor.run("draw", "contribute", *frozen, "--secret", "vrf.key", "--out", entry)
    stage.append(*entries)


def _finish(stage: Stage, number: int, say: Say) -> Path:
    """Gives the evidence bundle."""
    _wait_for(stage.chain, number, say)
    beacon_round, bundle = stage.public / "round.json", stage.public / "evidence.bundle"
    stage.beacon.run("draw", "demo-round", ".", "--round", str(number), "--out", beacon_round)
    stage.operator.run(
        *("draw", "finish", *stage.signed, "--draw", DRAW, "--list", stage.public / "list"),
        *("--chain", stage.chain, "--beacon", beacon_round, "--out", bundle),
    )
    return bundle


@contextmanager
def _serving(witness: Actor) -> Generator[str]:
    """The witness's server, until the block ends; gives its address."""
    log = witness.folder / "server.log"
    witness.say(witness.name, "log witness")
    arguments = ["log", "witness", "--key", "key", "--trust", "logs", "--state", "seen", "--port", "0"]
    reader, writer = os.pipe()
    server = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", CLI, *arguments], cwd=witness.folder, stdout=writer, stderr=log.open("wb")
    )
    os.close(writer)
    try:
        yield _first_line(reader, log)
    finally:
        os.close(reader)
        server.terminate()
        server.wait(WITNESS_START_S)


def _first_line(reader: int, log: Path) -> str:
    with selectors.DefaultSelector() as selector:
        selector.register(reader, selectors.EVENT_READ)
        ready = selector.select(WITNESS_START_S)
    line = os.read(reader, 200).decode().strip() if ready else ""
    if not line:
        raise CeremonyFailed(f"the witness does not come up: {log.read_text(errors='replace').strip()}")
    return line


def made_up_entrants(count: int) -> Iterator[Entrant]:
    """So many. Their salts follow from their numbers: a demonstration's list hides nobody."""
    bounds = list(zip(CATEGORIES, accumulate(CATEGORIES.values()), strict=True))
    for number in range(count):
        salt = sha256(b"demo salt %d" % number).digest()
        share = int.from_bytes(sha256(b"class %d" % number).digest()[:4], "big") / 2**32
        category = next((name for name, bound in bounds if share < bound), bounds[-1][0])
        yield Entrant(hash_id(salt=salt, entrant_id=f"demo {number}"), 1 + number % 3, category)


def places_of(entrants: int) -> dict[str, int]:
    """Places by category: one for every PLACES_SHARE entrants."""
    return {
        category: max(1, round(entrants * share / PLACES_SHARE)) for category, share in CATEGORIES.items()
    }


def _write_entrants(path: Path, count: int) -> None:
    with path.open("w", newline="") as file:
        file.write("id_hash,weight,category\n")
        file.writelines(
            f"{one.id_hash.hex()},{one.weight},{one.category}\n" for one in made_up_entrants(count)
        )


def _round_after(chain_file: Path, entrants: int) -> int:
    chain = read_chain_file(chain_file)
    due_s = clock.now_s() + STAGES_S + entrants // ENTRANTS_PER_S + MARGIN_S
    return max(1, -(-(due_s - chain.genesis_time_s) // chain.period_s) + 1)


def _wait_for(chain_file: Path, number: int, say: Say) -> None:
    wait_s = read_chain_file(chain_file).time_of(number) - clock.now_s()
    if wait_s > 0:
        say("beacon", f"round {number} is due in {wait_s} s")
        time.sleep(wait_s + 1)


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
