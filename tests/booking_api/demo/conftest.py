"""A `gongdao serve` with and without its demo, for the whole folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import Serving


def _running(data: Path, *options: str) -> Iterator[Serving]:
    running = Serving(data, *options)
    try:
        running.wait_ready()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The demo that runs."""
    yield from _running(tmp_path_factory.mktemp("demo") / "data", "--demo")


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A platform that runs and is no demo."""
    yield from _running(tmp_path_factory.mktemp("plain") / "data")
