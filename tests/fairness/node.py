"""Node for the tests of the JavaScript verifier, which runs in a browser and in Node alike."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

VERIFIER_TESTS = Path(__file__).parent / "verifier"
OLDEST = 20


@cache
def _node() -> tuple[str, str]:
    """Node's path and, if it cannot run the verifier, why."""
    path = shutil.which("node")
    if path is None:
        return "", "no node on PATH"
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    major = int(version.removeprefix("v").split(".")[0])
    return path, "" if major >= OLDEST else f"node {version} is older than {OLDEST}"


def run_node(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run Node in the verifier's tests; skip the test where there is none that can."""
    path, why_not = _node()
    if why_not:
        pytest.skip(why_not)
    return subprocess.run(
        [path, *arguments],
        cwd=VERIFIER_TESTS,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def ask_verifier(questions: list[list[object]]) -> list[dict[str, object]]:
    """The verifier's answers to questions of `answer.mjs`: `{"answer": ...}` or `{"error": why}` for each."""
    run = run_node("answer.mjs", stdin=json.dumps(questions))
    assert run.returncode == 0, run.stderr
    answers = json.loads(run.stdout)
    assert len(answers) == len(questions)
    return answers
