"""House law that no linter knows: sizes and names of modules, and the import rules."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "services",
    "booking_api",
    "allocator",
    "plate_pool",
    "reservation",
    "fairness",
    "loadtest",
    "benchmarks",
    "tests",
)
LINES_LIMIT = 400
FUNCTION_LINES_LIMIT = 50
SAYS_NOTHING = {"utils", "util", "helpers", "common", "shared", "base", "manager", "misc"}
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_and_its_name_says_what_is_in_it(path):
    text = path.read_text()
    assert text.count("\n") <= LINES_LIMIT
    assert path.stem not in SAYS_NOTHING
    long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_LIMIT
    ]
    assert long == []


def test_fairness_runs_without_the_server_packages():
    blocked = ["litestar", "sqlalchemy", "redis", "asyncpg", "granian", "click"]
    code = (
        f"import sys\nfor name in {blocked!r}: sys.modules[name] = None\n"
        "import fairness, fairness.__main__\nprint(fairness.commit(salt=bytes(32), claimant='x').hex())"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.strip()) == 64
