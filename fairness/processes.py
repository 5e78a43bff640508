"""The ranking with several processes, for lists of millions. Imports multiprocessing.

The children are forked and read the list where it lies: nothing of it is copied or sent, only what is near the cutoff
comes back.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from fairness.draw import Buffer, Scored, Scoring, Weights, scored_within

WORTH_IT = 200_000
"""Fewer entrants than this are scored sooner than processes are started."""
_list: tuple[bytes, Buffer, Weights, bytes] | None = None


def scoring_with(processes: int) -> Scoring:
    """A scoring that gives what `scored_within` gives, in so many processes.

    Where processes cannot be forked it is `scored_within` itself.
    """
    if processes < 2 or "fork" not in multiprocessing.get_all_start_methods():
        return scored_within

    def scored(seed: bytes, id_hashes: Buffer, weights: Weights, bound: bytes) -> list[Scored]:
        global _list  # noqa: PLW0603 - how a forked child finds what it does not have to be sent
        if len(weights) < WORTH_IT:
            return scored_within(seed, id_hashes, weights, bound)
        _list = seed, id_hashes, weights, bound
        size = -(-len(weights) // processes)
        try:
            with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
                parts = pool.map(_part, [(start, size) for start in range(0, len(weights), size)])
                return [Scored(*scored) for part in parts for scored in part]
        finally:
            _list = None

    return scored


def _part(place: tuple[int, int]) -> list[tuple[bytes, bytes, int]]:
    assert _list is not None  # noqa: S101 - set before the fork
    seed, id_hashes, weights, bound = _list
    start, size = place
    end = start + size
    found = scored_within(seed, id_hashes[32 * start : 32 * end], weights[start:end], bound)
    # Plain tuples go through a pipe in half the time of named ones.
    return [(scored.score, scored.id_hash, scored.weight) for scored in found]
