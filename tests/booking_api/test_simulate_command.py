"""`gongdao simulate`, as anybody runs it."""

import doctest
import html
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from allocator.simulation.demand import Parameters
from booking_api.pages.rounds import sheet
from booking_api.pages.rounds.simulation import command_told
from tests.booking_api.commanding import Commands

STAFF = Path(__file__).parent.parent.parent / "docs" / "examples" / "staff.json"
SMALL = ("--applications", 100, "--sessions", 10, "--rounds", 2)


@pytest.fixture
def run(monkeypatch, capsys):
    return Commands(monkeypatch, capsys)


@pytest.fixture
def page(run, tmp_path):
    path = tmp_path / "report.html"
    done = run("simulate", *SMALL, "--out", path, "--json")
    assert done.returncode == 0, done.stderr
    return path.read_text(), json.loads(done.stdout)


def test_examples_in_the_docstrings_are_true():
    assert doctest.testmod(sheet).failed == 0


def test_the_page_is_one_file_that_needs_nothing_else(page):
    text, _ = page
    assert not re.search(r'(src|href)="', text)
    assert "<script" not in text
    assert " style=" not in text
    assert "url(" not in text


def test_its_policy_lets_its_own_styles_in_and_nothing_more(page):
    text, _ = page
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    policy = policy.replace("&#39;", "'")
    for style in re.findall("<style>(.*?)</style>", text, re.DOTALL):
        assert sheet._source(style) in policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_every_finding_has_a_title_with_its_numbers_and_a_table(page):
    text, report = page
    assert text.count('class="plot"') == text.count("<details>") == 8
    bots = next(one for one in report["rules"] if one["rule"] == "first_come")["seats_by_kind"]["bot"]
    assert f"They get {bots / report['seats']:.0%} of the seats where the first to come is served" in text


def test_the_command_on_the_page_gives_the_same_page(run, page, tmp_path):
    text, _ = page
    [command] = re.findall(r"<code>gongdao (simulate .*?)</code>", text)
    words = shlex.split(command)
    assert words[:3] == ["simulate", "--out", "report.html"]
    done = run("simulate", "--out", tmp_path / "again.html", *words[3:])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again.html").read_text() == text


def test_the_smallest_share_is_told_as_the_command_takes_it():
    told = command_told(Parameters(bots_share=1e-8, liars_share=0.0, seats_share=1 / 3), "")
    assert "--seats 33.333333% --bots 0.000001% --liars 0% " in told


def test_without_a_page_it_prints_a_line_for_each_rule(run):
    done = run("simulate", *SMALL)
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "rule",
        "first_come",
        "timestamp",
        "seat_most",
        "draw",
        "promise",
    ]
    assert "promise: rounds done" in done.stderr


def test_a_rosters_sessions_are_shared_out_and_its_board_is_shown(run, tmp_path):
    roster, page = tmp_path / "the sessions.json", tmp_path / "report.html"
    assert run("roster", STAFF, "--out", roster, "--rounds", 0).returncode == 0
    done = run(
        "simulate",
        "--roster",
        roster,
        "--staff",
        STAFF,
        "--rounds",
        1,
        "--lang",
        "zh-CN",
        "--json",
        "--out",
        page,
    )
    assert done.returncode == 0, done.stderr
    sessions = json.loads(roster.read_text())["sessions"]
    report = json.loads(done.stdout)
    assert report["seats"] == sum(one["capacity"] for one in sessions)
    assert report["parameters"]["sessions"] == len(sessions)
    assert 'class="board"' in page.read_text()
    assert "五种规则" in page.read_text()
    [command] = re.findall("<code>gongdao (simulate .*?)</code>", page.read_text())
    words = shlex.split(html.unescape(command))
    again = run(*words[:1], *words[3:], "--json")
    assert json.loads(again.stdout) == report


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--bots", "200%"), "is no share"),
        (("--bots", "60%", "--liars", "40%"), "--bots, --liars: they leave nobody who is honest"),
        (("--applications", 40, "--bots", "99%", "--liars", 0), "they leave nobody who is honest"),
        (("--seats", "0"), "--seats: they come to none"),
        (("--seats", "0.0001%"), "--seats: they come to none"),
        (("--seed", "12"), "64 digits of lower-case hex are needed"),
        (("--seed", "AB" * 32), "64 digits of lower-case hex are needed"),
        (("--applications", "3"), "20<=x"),
        (("--roster", "missing.json"), "missing.json: No such file"),
        (("--staff", STAFF), "--roster"),
        (("--applications", "30", "--rounds", "1", "--out", "missing/page.html"), "there is no folder"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_two(run, arguments, said):
    done = run("simulate", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("sessions", "said"),
    [
        ("[]", "Expected `object`"),
        ('{"sessions": []}', "length >= 5"),
        (json.dumps({"sessions": [{"id": "a", "capacity": 1}] * 5}), "twice"),
        (
            json.dumps({"sessions": [{"id": f"s{number}", "capacity": 0} for number in range(5)]}),
            "none has a seat",
        ),
        (json.dumps({"sessions": [{"id": f"s{number}", "capacity": -1} for number in range(5)]}), "capacity"),
    ],
)
def test_a_roster_that_is_none_is_refused_with_its_field(run, sessions, said, tmp_path):
    roster = tmp_path / "sessions.json"
    roster.write_text(sessions)
    done = run("simulate", "--roster", roster)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture
def roster(tmp_path):
    def of(capacity):
        path = tmp_path / "sessions.json"
        path.write_text(json.dumps({"sessions": [{"id": f"s{n}", "capacity": capacity} for n in range(5)]}))
        return path

    return of


@pytest.mark.parametrize(
    ("capacity", "arguments", "said"),
    [
        (
            80,
            ("--seats", "0.0001%"),
            "--seats: for the 400 seats of --roster they are 400,000,000 applications",
        ),
        (80, ("--seats", "0"), "--seats: they come to none"),
        (10_000, ("--applications", 50, "--bots", "99%", "--liars", 0), "nobody who is honest"),
        (80, ("--sessions", 60), "--sessions: --roster says how many there are"),
        (80, ("--seats", "80%", "--applications", 50), "--seats: --roster and --applications say"),
    ],
)
def test_what_a_roster_leaves_no_room_for_is_refused(run, roster, capacity, arguments, said):
    done = run("simulate", "--roster", roster(capacity), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_roster_of_more_seats_than_can_be_simulated_is_refused(run, tmp_path):
    path = tmp_path / "sessions.json"
    path.write_text(json.dumps({"sessions": [{"id": f"s{n}", "capacity": 10_000} for n in range(21)]}))
    done = run("simulate", "--roster", path, "--applications", 20)
    assert (done.returncode, done.stderr) == (
        2,
        "gongdao: --roster: it has 210,000 seats, 200,000 are the most\n",
    )


def test_with_one_who_is_honest_it_goes_on(run):
    done = run(
        "simulate",
        "--applications",
        40,
        "--sessions",
        5,
        "--rounds",
        1,
        "--weeks",
        2,
        "--bots",
        "97%",
        "--liars",
        0,
    )
    assert done.returncode == 0, done.stderr


def test_help_is_quick_because_no_solver_is_loaded():
    code = "import sys, booking_api.cli.simulate\nprint('ortools' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
