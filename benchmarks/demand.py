"""A round as a province has it: regional sites, some of them loved, more people than seats. The same for the same seed.

`python -m benchmarks.demand APPLICATIONS SESSIONS PROBLEM.json` writes it as a problem file.
"""

import sys
from array import array
from collections.abc import Iterator
from hashlib import shake_128
from itertools import accumulate, cycle
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

SITES_A_REGION = 5
SESSIONS_A_REGION = 250
WEEK = 10
"""Sessions of a site in one week."""
DEMAND = 1.1
CLASSES = 4
MOST_SINGLE_LINES = 5
_NUMBERS_A_FORM = 16
_POPULAR = [1 / rank for rank in range(1, SITES_A_REGION + 1)]


class _Region(NamedTuple):
    """A region's sites, the best loved first; each has its sessions in order of time."""

    sites: list[list[str]]


def demand(applications: int, sessions: int, *, seed: int = 1) -> dict[str, Any]:
    """The problem, as it is written: forms of one to five single sessions, then a week, a neighbour's week, a whole site.

    Half of the people would take any session of some week at their site, three in ten one of the neighbouring site's too, and
    two in ten any session of their site. Earlier sessions of a site are asked for more than later ones.
    """
    numbers = _numbers(seed, applications * _NUMBERS_A_FORM + sessions)
    regions = _regions(sessions)
    mean = applications / DEMAND / sessions
    capacities = {
        session: max(1, round(mean * (0.5 + next(numbers))))
        for region in regions
        for site in region.sites
        for session in site
    }
    return {
        "version": 1,
        "sessions": [{"id": session, "capacity": seats} for session, seats in capacities.items()],
        "applications": [
            {"id": f"A{number:07}", "class": int(next(numbers) * CLASSES), "lines": _form(regions, numbers)}
            for number in range(applications)
        ],
    }


def _regions(sessions: int) -> list[_Region]:
    count = max(1, sessions // SESSIONS_A_REGION)
    site_sessions = sessions // (count * SITES_A_REGION)
    return [
        _Region(
            [
                [f"R{region:02}-S{site}-{number:03}" for number in range(site_sessions)]
                for site in range(SITES_A_REGION)
            ]
        )
        for region in range(count)
    ]


def _form(regions: list[_Region], numbers: Iterator[float]) -> list[list[str]]:
    sites = regions[int(next(numbers) * len(regions))].sites
    home = _site(next(numbers))
    lines = _singles(sites[home], 1 + int(next(numbers) * MOST_SINGLE_LINES), numbers)
    patience = next(numbers)
    if patience < 0.5:
        lines.append(_week(sites[home], next(numbers)))
    if patience < 0.3:
        lines.append(_week(sites[(home + 1) % SITES_A_REGION], next(numbers)))
    if patience >= 0.8:
        lines.append(sites[home])
    return lines


def _site(chance: float) -> int:
    bounds = list(accumulate(_POPULAR))
    return next(site for site, bound in enumerate(bounds) if chance * bounds[-1] < bound)


def _singles(site: list[str], count: int, numbers: Iterator[float]) -> list[list[str]]:
    """Different sessions, the early ones likelier: the square of an even number."""
    wanted = {site[int(next(numbers) ** 2 * len(site))]: None for _ in range(count)}
    return [[session] for session in wanted]


def _week(site: list[str], chance: float) -> list[str]:
    start = int(chance * max(1, len(site) // WEEK)) * WEEK
    return site[start : start + WEEK]


def _numbers(seed: int, count: int) -> Iterator[float]:
    """Even numbers from 0 to 1, as many as are asked for; after `count` they begin anew."""
    drawn = array("I", shake_128(seed.to_bytes(8, "big")).digest(4 * count))
    if sys.byteorder == "big":
        drawn.byteswap()
    return (number / 2**32 for number in cycle(drawn))


if __name__ == "__main__":
    people, places, path = sys.argv[1:]
    Path(path).write_bytes(msgspec.json.encode(demand(int(people), int(places))))
