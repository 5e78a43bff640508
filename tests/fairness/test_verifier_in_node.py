"""The JavaScript verifier's own tests, run by Node; and what its modules must be to run anywhere unchanged."""

import re
from pathlib import Path

import pytest

from tests.fairness.node import VERIFIER_TESTS, run_node

ROOT = Path(__file__).parent.parent.parent
MODULES = sorted((ROOT / "fairness" / "verifier").glob("**/*.js"))
# The page's own, which tests/browser runs: they need a document.
PAGE = {"page.js", "view.js"}
TESTS = sorted(path.name for path in VERIFIER_TESTS.glob("*.test.mjs"))

_IMPORTED = re.compile(r"""(?:\bfrom|\bimport|\bimport\()\s*["']([^"']+)["']""")


@pytest.mark.parametrize("name", TESTS)
def test_in_node(name):
    run = run_node("--test", name)
    assert run.returncode == 0, run.stdout + run.stderr


def test_there_are_tests_of_every_module():
    tested = "".join((VERIFIER_TESTS / name).read_text() for name in TESTS)
    assert [path.name for path in MODULES if not _is_tested(path.name, tested)] == []


def _is_tested(name: str, tested: str) -> bool:
    return name in PAGE or f"/verifier/{name}" in tested


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_is_short_and_imports_its_neighbours_only(path):
    text = path.read_text()
    assert text.count("\n") <= 400
    imported = _IMPORTED.findall(text)
    assert [name for name in imported if not (name.startswith("./") and name.endswith(".js"))] == []
    assert not re.search(r"\b(?:require|process|Buffer|window|fetch|XMLHttpRequest|WebSocket)\b[.(]", text)
    assert path.name in PAGE or not re.search(r"\bdocument\b[.(]", text)
