"""A draw of ten million tickets, beside the hashing that it cannot do without, in as many processes.

Both loops take their hashes from one buffer; the floor keeps nothing, compares nothing and sorts nothing.
"""

import multiprocessing
import resource
import time
from array import array
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256

from booking_api.ceremony.beacons import Round
from booking_api.ceremony.stages import finish
from booking_api.demo.drill import drill
from fairness.bundle import read_header, read_line
from fairness.ceremony import read_ceremony
from fairness.draw import rank
from fairness.entrants import Entrant, reader_of_lines
from fairness.policy import parse_policy
from fairness.processes import scoring_with
from fairness.verify import verify

ENTRANTS = 1_000_000
TICKETS, QUOTA, PROCESSES, ROUNDS = 10_000_000, 100_000, 2, 3
SEED = bytes(32)
_hashes: bytes | bytearray = b""


def _hash_part(part: tuple[int, int]) -> int:
    hashes, seed, first = _hashes, SEED, bytes(4)
    for start in range(part[0], part[1], 32):
        sha256(seed + hashes[start : start + 32] + first).digest()
    return part[1] - part[0]


def _hash_all() -> None:
    size = 32 * -(-TICKETS // PROCESSES)
    parts = [(start, min(start + size, len(_hashes))) for start in range(0, len(_hashes), size)]
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("fork")) as pool:
        assert sum(pool.map(_hash_part, parts)) == len(_hashes)


def _took_s(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def test_draw_of_ten_million_tickets(benchmark):
    """Drawing over bare hashing: 1.3 at most is the goal; memory under 1.5 GB with its children."""
    global _hashes  # noqa: PLW0603 - how a forked child finds what it does not have to be sent
    hashes = bytearray()
    for number in range(TICKETS):
        hashes += sha256(number.to_bytes(4, "big")).digest()
    _hashes = hashes
    weights, scoring = array("I", [1]) * TICKETS, scoring_with(PROCESSES)
    ratios: list[float] = []

    def round_of_both() -> None:
        floor_s = _took_s(_hash_all)
        ratios.append(_took_s(lambda: rank(SEED, _hashes, weights, quota=QUOTA, scoring=scoring)) / floor_s)

    benchmark.pedantic(round_of_both, rounds=ROUNDS, iterations=1)
    ratios.sort()
    own_mb, child_mb = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(
        f"\ndraw of {TICKETS:,} tickets, {QUOTA:,} places, {PROCESSES} processes: "
        f"{ratios[ROUNDS // 2]:.2f} x bare hashing (rounds {ratios[0]:.2f} to {ratios[-1]:.2f}); "
        f"{own_mb:,.0f} MB here, {child_mb:,.0f} MB in the larger child, its list shared with here"
    )


def test_verifying_over_drawing(benchmark, tmp_path):
    """What verifying a million entrants takes beside drawing them, the reading of the bundle's lines left out."""
    drilled = drill(tmp_path / "drill", entrants=ENTRANTS)
    policy = parse_policy(drilled.trust.read_bytes())
    scoring = scoring_with(PROCESSES)
    with drilled.bundle.open("rb") as source:
        header = read_header(source.readline().rstrip(b"\n"))
        ceremony = read_ceremony(header)
    read = reader_of_lines(ceremony.frozen.quotas)
    entrants: list[Entrant] = []

    def read_all() -> None:
        with drilled.bundle.open("rb") as source:
            source.readline()
            entrants[:] = [read(read_line(source)) for _ in range(ENTRANTS)]

    def verify_all() -> None:
        with drilled.bundle.open("rb") as source:
            verify(source, policy, scoring=scoring)

    def draw_all() -> None:
        finish(
            header.entries[ceremony.frozen_at].text,
            entrants,
            ceremony.contributed,
            chain=header.chain,
            beacon_round=Round(header.round, header.signature),
            scoring=scoring,
        )

    ratios: list[float] = []
    reading_s: list[float] = []

    def round_of_both() -> None:
        reading_s.append(_took_s(read_all))
        drawing_s = _took_s(draw_all)
        ratios.append((_took_s(verify_all) - reading_s[-1]) / drawing_s)

    benchmark.pedantic(round_of_both, rounds=ROUNDS, iterations=1)
    ratios.sort()
    print(
        f"\nverifying {ENTRANTS:,} entrants, reading aside: {ratios[ROUNDS // 2]:.2f} x drawing them "
        f"(rounds {ratios[0]:.2f} to {ratios[-1]:.2f}); reading {ENTRANTS / min(reading_s):,.0f} lines a second"
    )
