"""A plugin: whatever any process of a run has logged is read in the end, and a person's data in it fails the run.

in-process          a handler of the product's own on the root logger
servers of a test   every `*.log` under its folder, read when the test is over: `gongdao serve`, PostgreSQL, Valkey
children            what they write to the standard error they inherit
commands            their standard error, handed over by `tests.serving`

Where a run has several workers (pytest-xdist), each reads its own, and the process that started them has what they found.

A person's data are the forms below and what the tests' people are called and sign in with.
"""

import contextlib
import copy
import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from booking_api.demo.applicants import APPLICANTS
from booking_api.identity.numbers import IdentityNumberError, parse_identity_number
from booking_api.log import NOISY, make_handler
from booking_api.organisations.keys import PREFIX

TESTS = Path(__file__).parent
NAMES = ("张伟", "李娜", "王芳", *(one.name["zh-CN"] for one in APPLICANTS))
FAR_AHEAD = date(2100, 1, 1)
SHOWN_LIMIT = 20


class Finding(NamedTuple):
    """Where a log names a person, and by what; not the data, which the next log would then have."""

    log: str
    line: int
    kind: str


def _pattern(pattern: str) -> Callable[[str], Iterable[str]]:
    return re.compile(pattern).findall


def _identity_numbers(line: str) -> Iterator[str]:
    for text in re.findall(r"(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])", line):
        with contextlib.suppress(IdentityNumberError):
            yield parse_identity_number(text, today=FAR_AHEAD).text


@cache
def passwords() -> frozenset[str]:
    """Every password that the tests' sources have."""
    found: set[str] = set()
    for source in TESTS.rglob("*.py"):
        text = source.read_text()
        found |= set(re.findall(r'PASSWORD = "([^"]{8,})"', text))
        found |= set(re.findall(r'password"?[:=] ?"([^"]{8,})"', text))
    return frozenset(found)


def _passwords(line: str) -> Iterator[str]:
    return (password for password in passwords() if password in line)


KINDS: dict[str, Callable[[str], Iterable[str]]] = {
    "identity number": _identity_numbers,
    "mobile number": _pattern(r"(?<![\w.-])(?:\+?86[- ]?)?1[3-9][0-9]{9}(?![\w.-])"),
    "plate": _pattern(
        r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][A-HJ-NP-Z0-9]{5,6}"
    ),
    "name": _pattern("|".join(f"{name[0]}[ ·]?{name[1:]}" for name in NAMES)),
    "e-mail address": _pattern(r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}"),
    "token": _pattern(r"\beyJ[\w-]{8,}\.[\w-]+"),
    "API key": _pattern(rf"\b{PREFIX}[0-9a-zA-Z]+_\w+"),
    "session cookie": _pattern(r"gongdao_session=[^\s;]+"),
    "webhook secret": _pattern(r"\bwhsec_[\w+/=]+"),
    "password": _passwords,
    "claimant": _pattern(r"\b(?:person|vehicle):[^\s'\"]+"),
}


def scan(text: str, *, log: str) -> list[Finding]:
    """What a log's text tells of people."""
    return [
        Finding(log, number, kind)
        for number, line in enumerate(text.splitlines(), 1)
        for kind, find in KINDS.items()
        if any(True for _ in find(line))
    ]


class Logs:
    """Owns what has been found in this run, and copies of the logs it was found in."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.read = 0
        self._numbers = count(1)
        self._seen: set[Path] = set()

    def begin(self) -> None:
        """Makes a folder for what is kept until the end."""
        self.folder = Path(tempfile.mkdtemp(prefix="gongdao-logs-"))
        self._errors = (self.folder / "standard-error.log").open("w")
        self._ours = (self.folder / "in-process.log").open("w")
        self._handler = make_handler(self._ours, "console")
        # The product's filter tells errors discreetly by changing the record; other handlers want it as it was.
        handle = self._handler.handle
        self._handler.handle = lambda record: handle(copy.copy(record))  # type: ignore[method-assign]

    def attach(self) -> None:
        """Listens in this process, also after a test has put handlers of its own in place."""
        root = logging.getLogger()
        if self._handler not in root.handlers:
            root.addHandler(self._handler)
        root.setLevel(logging.INFO)
        for noisy in NOISY:
            logging.getLogger(noisy).setLevel(logging.WARNING)

    def take_error_output(self, text: str, *, of: str) -> None:
        """Keeps what a process wrote to standard error."""
        if text:
            self._errors.write(f"--- {of}\n{text}\n")

    def read_folder(self, folder: Path) -> None:
        """Reads every log below a folder that is about to go."""
        for path in sorted(folder.rglob("*.log*")):
            if path.is_file() and path not in self._seen:
                self._seen.add(path)
                self._read(path)

    def end(self) -> None:
        """Reads what was kept; the folder stays if anything was found."""
        logging.getLogger().removeHandler(self._handler)
        for file in (self._ours, self._errors):
            file.close()
            self._read(Path(file.name))
        if not self.findings:
            shutil.rmtree(self.folder)

    def told(self) -> dict[str, Any]:
        """What a worker of pytest-xdist tells the process that started it, in types that execnet sends."""
        findings = [tuple(finding) for finding in self.findings]
        return {"read": self.read, "seen": [str(path) for path in self._seen], "findings": findings}

    def take_over(self, told: dict[str, Any]) -> None:
        """Makes a worker's findings this run's; what it has read is not read again."""
        self.read += told["read"]
        self._seen |= {Path(path) for path in told["seen"]}
        self.findings += [Finding(*finding) for finding in told["findings"]]

    def _read(self, path: Path) -> None:
        self.read += 1
        found = scan(path.read_text(errors="replace"), log=str(path))
        if found and path.parent != self.folder:
            kept = self.folder / f"{next(self._numbers)}-{path.name}"
            shutil.copyfile(path, kept)
            found = [finding._replace(log=str(kept)) for finding in found]
        self.findings += found


LOGS = Logs()


def pytest_configure() -> None:
    """Begins before anything can log."""
    LOGS.begin()


@pytest.fixture(autouse=True)
def logs_are_read(request: pytest.FixtureRequest) -> Iterator[None]:
    """Reads the logs in a test's folder after everything in it has ended, before the folder is removed."""
    LOGS.attach()
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    if folder is not None:
        LOGS.read_folder(folder)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Takes what the test's children wrote to standard error; the last report has all of it."""
    told_by_a_worker = hasattr(report, "node")  # which has taken it
    if report.when == "teardown" and not told_by_a_worker:
        LOGS.take_error_output(report.capstderr, of=report.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a run that has logged a person's data. First of all: the run's folders are removed after it."""
    output = getattr(session.config, "workeroutput", None)
    base = getattr(session.config, "_tmp_path_factory", None)
    # Workers' folders lie in that of the process that started them, which reads them even if a worker has died.
    if output is None and base is not None and base._basetemp is not None:
        LOGS.read_folder(base.getbasetemp())
    LOGS.end()
    if output is not None:
        output["logs"] = LOGS.told()
    if LOGS.findings:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Takes over what a worker of pytest-xdist has found; one that died has told nothing and fails the run itself."""
    if told := getattr(node, "workeroutput", {}).get("logs"):
        LOGS.take_over(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names every place."""
    if not LOGS.findings:
        terminalreporter.write_line(f"{LOGS.read} logs read: nobody's data is in them")
        return
    terminalreporter.section("personal data in logs", red=True, bold=True)
    for finding in LOGS.findings[:SHOWN_LIMIT]:
        terminalreporter.write_line(f"{finding.log}:{finding.line}: {finding.kind}")
    if len(LOGS.findings) > SHOWN_LIMIT:
        terminalreporter.write_line(f"and {len(LOGS.findings) - SHOWN_LIMIT} more")
