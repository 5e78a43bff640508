"""Applications that one test after the other uses: building one costs half a second, and hundreds of tests need one.

What a worker keeps is on its desk, which each test has of its own. Only the find page remembers for a second what
strangers were shown: its tests build their application themselves.
"""

from collections.abc import Iterator

import pytest
from litestar import Litestar

from booking_api.app import Built, build, furnish
from booking_api.settings import Settings

_idle: dict[bool, list[Built]] = {False: [], True: []}
_used: list[tuple[bool, Built]] = []


def app_of(settings: Settings) -> Litestar:
    """An application without services that nobody uses now, with a desk for these settings."""
    demo = settings.demo_sign_ins
    built = _idle[demo].pop() if _idle[demo] else build((), demo_sign_ins=demo)
    _used.append((demo, built))
    return furnish(built, settings)


@pytest.fixture(autouse=True)
def apps_go_back() -> Iterator[None]:
    """When a test is over, so are the lifespans of what it used."""
    yield
    while _used:
        demo, built = _used.pop()
        _idle[demo].append(built)
