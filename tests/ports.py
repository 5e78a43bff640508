"""Ports a test may take: those of its own worker, so that two that look for one at once never find the same."""

import os

LANES = 8
"""More than there are workers; divides the 10,000 between a Valkey node's port and its cluster bus."""
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def ours(ports: range) -> list[int]:
    """This worker's share of a range: every eighth."""
    return [port for port in ports if port % LANES == WORKER % LANES]
