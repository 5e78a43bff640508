"""A whole draw on this machine: operator, notary, witness and beacon as processes of their own, each with its own keys.

They share one folder, as strangers share the web: what is public goes through it, and nothing else.
"""

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from booking_api import clock
from booking_api.ceremony.beacons import read_chain_file
from fairness.entrants import hash_id

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


def play(folder: Path, *, entrants: int, say: Say) -> Played:
    """The whole protocol, announced to verified.

    Raises:
        CeremonyFailed: a step did not do what it should.
        CeremonyUnusable: a file could not be written.
    """
    public = _new(folder / "public")
    operator, notary, witness, beacon = (
        Actor(name, _new(folder / name), say) for name in ("operator", "notary", "witness", "beacon")
    )
    # (1) everybody makes their keys, and says the public ones
    log_line = operator.run("keys", "new", "log", "--name", "demo.example/log", "--out", "log.key").strip()
    own_line = operator.run("keys", "new", "contributor", "--name", "operator", "--out", "vrf.key").strip()
    notary_line = notary.run("keys", "new", "contributor", "--name", "notary", "--out", "vrf.key").strip()
    witness_line = witness.run(
        "keys", "new", "witness", "--name", "demo.example/witness", "--out", "key"
    ).strip()
    chain_line = beacon.run("draw", "demo-chain", ".").strip()
    (public / "chain.json").write_bytes((beacon.folder / "chain.json").read_bytes())
    (witness.folder / "logs").write_text(f"{log_line}\nquorum none\n")
    with _serving(witness) as url:
        trust = public / "trust"
        trust.write_text(
            f"{log_line}\n{witness_line} {url}\nquorum demo.example/witness\n"
            f"{own_line}\n{notary_line}\n{chain_line}\nlead 0\nmargin {MARGIN_S}\n"
        )
        log = public / "log"
        signed = ("--log", log, "--key", "log.key", "--trust", trust)
        # (2) keys and announcement are logged
        operator.run("keys", "entry", "vrf.key", "--out", "key.entry")
        notary.run("keys", "entry", "vrf.key", "--out", public / "notary.entry")
        number = _round_after(public / "chain.json", entrants)
        keys = [line.split()[-1] for line in (own_line, notary_line)]
        operator.run(
            *(
                "draw",
                "announce",
                "--draw",
                DRAW,
                "--authority",
                AUTHORITY,
                "--quota",
                QUOTA,
                "--period",
                PERIOD,
            ),
            *("--chain", public / "chain.json", "--round", str(number), "--out", public / "announced.entry"),
            *(part for key in keys for part in ("--contributor", key)),
        )
        operator.run(
            "log", "append", *signed, "key.entry", public / "notary.entry", public / "announced.entry"
        )
        # (3) the list is frozen, (4) both contribute, in time
        _write_entrants(operator.folder / "entrants.csv", entrants)
        operator.run(
            *("draw", "freeze", "--announcement", public / "announced.entry", "--entrants", "entrants.csv"),
            *("--list", public / "list", "--out", public / "frozen.entry", *_places(entrants)),
        )
        operator.run("log", "append", *signed, public / "frozen.entry")
        frozen = ("--freeze", public / "frozen.entry", "--list", public / "list")
        for actor in (operator, notary):
            entry = public / f"{actor.name}-contributed.entry"
            actor.run("draw", "contribute", *frozen, "--secret", "vrf.key", "--out", entry)
        operator.run(
            *("log", "append", *signed),
            *(public / f"{actor.name}-contributed.entry" for actor in (operator, notary)),
        )
        # (5) the beacon's round, and the result
        _wait_for(public / "chain.json", number, say)
        beacon.run("draw", "demo-round", ".", "--round", str(number), "--out", public / "round.json")
        bundle = public / "evidence.bundle"
        operator.run(
            *("draw", "finish", *signed, "--draw", DRAW, "--list", public / "list"),
            *("--chain", public / "chain.json", "--beacon", public / "round.json", "--out", bundle),
        )
    # (6) anybody verifies
    auditor = Actor("auditor", _new(folder / "auditor"), say)
    accepted = auditor.run("verify", bundle, "--trust", trust, "--demo")
    refused = auditor.run("verify", bundle, "--trust", trust, expect=1)
    return Played(bundle, trust, accepted, refused)


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


def _write_entrants(path: Path, count: int) -> None:
    """Made-up entrants. Their salts follow from their numbers: a demonstration's list hides nobody."""
    bounds = [
        (category, sum(list(CATEGORIES.values())[: place + 1])) for place, category in enumerate(CATEGORIES)
    ]
    with path.open("w", newline="") as file:
        file.write("id_hash,weight,category\n")
        for number in range(count):
            salt = sha256(b"demo salt %d" % number).digest()
            share = int.from_bytes(sha256(b"class %d" % number).digest()[:4], "big") / 2**32
            category = next((name for name, bound in bounds if share < bound), bounds[-1][0])
            file.write(
                f"{hash_id(salt=salt, entrant_id=f'demo {number}').hex()},{1 + number % 3},{category}\n"
            )


def _places(entrants: int) -> list[str]:
    places = {
        category: max(1, round(entrants * share / PLACES_SHARE)) for category, share in CATEGORIES.items()
    }
    return [part for category, count in places.items() for part in ("--place", f"{category}={count}")]


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
