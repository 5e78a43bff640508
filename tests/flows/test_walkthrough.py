"""The script that docs tell people to run does what it says, beside a real `gongdao serve --demo`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import Serving

SCRIPT = Path(__file__).parents[2] / "docs" / "walkthrough.py"
pytestmark = pytest.mark.slow


def test_the_whole_way_from_registering_to_a_batch_of_two_hundred(tmp_path):
    serving = Serving(tmp_path / "data", "--demo")
    try:
        serving.wait_ready()
        done = subprocess.run(
            [sys.executable, str(SCRIPT)],
            env=serving.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
    finally:
        serving.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    told = dict(line[10:].split(": ", 1) for line in done.stdout.splitlines())
    assert "the same when repeated: True" in told["booked"]
    assert "*" in told["checked in"]
    assert "'booked': 193, 'refused': 7" in told["the batch"]
    assert [told[f"row {number}"].split()[0] for number in range(194, 201)] == [
        "learner_twice",
        "already_booked",
        "no_consent",
        "no_consent",
        "no_consent",
        "not_planned",
        "school_elsewhere",
    ]
    assert "certificate_wait" in told["applicant-7, subject-2"]
    assert "first day 20" in told["applicant-7, subject-2"]
    assert told["the audit"] == "audit: clean, I1 to I4 hold"
