"""The server process allows its workers as many connections as they take."""

import resource
import subprocess
import sys

import pytest

from booking_api.server import BACKPRESSURE, SPARE_FILES

WANTED = BACKPRESSURE + SPARE_FILES


@pytest.mark.parametrize(
    ("soft", "hard", "after", "told"),
    [(256, 12_000, WANTED, False), (256, 1_000, 1_000, True), (11_000, 12_000, 11_000, False)],
)
def test_the_limit_of_open_files_is_raised_as_far_as_it_goes(soft, hard, after, told):
    code = (
        "import resource; from booking_api.server import allow_connections as allow; "
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard})); allow(); "
        "print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= 12_000
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert run.stdout.strip() == f"({after}, {hard})"
    assert ("may open" in run.stderr) is told
