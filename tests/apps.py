"""Applications that one test after the other uses: building one costs half a second, and hundreds of tests need one.

What a worker keeps is on its desk, which each test has of its own. Only the find page remembers for a second what
strangers were shown: its tests take an application that has been idle for longer.
"""

import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from litestar import Litestar

from booking_api.app import Built, build, furnish
from booking_api.offers import FRESH_S
from booking_api.settings import Settings


class Idle(NamedTuple):
    """An application that nobody uses now, and since when."""

    since: float
    built: Built


_idle: dict[bool, deque[Idle]] = {False: deque(), True: deque()}
"""The one that has been idle for longest first; with and without the demo's sign-ins."""
_used: list[tuple[bool, Built]] = []


def app_of(settings: Settings, *, forgetful: bool = False) -> Litestar:
    """An application without services that nobody uses now, with a desk for these settings.

    `forgetful`: one that no longer knows what it has shown.
    """
    demo = settings.demo_sign_ins
    built = _taken(_idle[demo], forgetful=forgetful) or build((), demo_sign_ins=demo)
    _used.append((demo, built))
    return furnish(built, settings)


def _taken(idle: deque[Idle], *, forgetful: bool) -> Built | None:
    if not forgetful:
        return idle.pop().built if idle else None
    if idle and idle[0].since + FRESH_S < time.monotonic():
        return idle.popleft().built
    return None


@pytest.fixture(autouse=True)
def apps_go_back() -> Iterator[None]:
    """When a test is over, so are the lifespans of what it used."""
    yield
    while _used:
        demo, built = _used.pop()
        _idle[demo].append(Idle(time.monotonic(), built))
