"""`gongdao roster` as people run it: exit codes, one line for what is unusable, nothing half-written."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from allocator.roster.conflict import Conflict
from allocator.roster.rule import Rule
from booking_api.cli import Unusable
from booking_api.cli.roster import command
from fairness.canonical import decode
from tests.allocator.roster.towns import plain, window

EXAMPLE = Path(__file__).parents[3] / "docs/examples/staff.json"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def run(tmp_path):
    def call(staff, *options):
        path = tmp_path / "staff.json"
        path.write_bytes(
            staff if isinstance(staff, bytes) else json.dumps(staff, ensure_ascii=False).encode()
        )
        out = tmp_path / "out.json"
        done = CliRunner().invoke(command, [str(path), "--out", str(out), *options], standalone_mode=False)
        return done, out

    return call


def test_a_roster_is_written_as_sessions_that_a_round_can_share_out(run):
    done, out = run(plain(), "--json")
    assert done.return_value == 0
    roster = decode(out.read_bytes().removesuffix(b"\n"))
    assert roster["sessions"]
    assert all(isinstance(one["id"], str) and one["capacity"] > 0 for one in roster["sessions"])
    assert len({one["id"] for one in roster["sessions"]}) == len(roster["sessions"])
    told = json.loads(done.stdout)
    assert told["sessions"] == len(roster["sessions"])
    assert {name: told[name] for name in ("met", "bound", "seats", "unmet")} == {
        name: roster[name] for name in ("met", "bound", "seats", "unmet")
    }
    assert told["unmet"][0]["reasons"]


def test_minimums_that_cannot_be_kept_are_exit_1_with_reasons_and_no_file(run):
    impossible = plain(minimum=[{"type": "yard", "site": "east", "seats": 20}])
    done, out = run(impossible)
    assert done.return_value == 1
    assert "  - At least 20 seats of yard at east" in done.stderr
    assert not out.exists()


def test_the_reasons_are_there_for_a_program_too(run, monkeypatch):
    conflict = Conflict((Rule("open", "east"),), "prices", minimal=True)
    monkeypatch.setattr("allocator.roster.making.conflict_of", lambda *_: conflict)
    done, out = run(plain(minimum=[{"type": "yard", "site": "east", "seats": 20}]), "--json")
    assert done.return_value == 1
    assert json.loads(done.stdout) == {
        "roster": False,
        "reasons": ["Site east is open 08:00-12:00."],
        "proved_by": "prices",
        "minimal": True,
    }
    assert not out.exists()


BAD = [
    (b"", "the file: input data was truncated"),
    (b"\xff", "the file: JSON is malformed"),
    (b"{\n", "the file: input data was truncated; the format is that of STAFF.json in docs/spec/roster.md"),
    ({"version": 1, "sessions": [], "applications": []}, "the file: object contains unknown field sessions; the format is that of"),
    (b"[" * 100_000, "expected object"),
    (plain(version=2), "version: invalid enum value 2"),
    (plain(extra=1), "the file: object contains unknown field extra"),
    (plain(days=["2026-02-30"]), "days[0]: '2026-02-30' is no day, write 2026-12-14"),
    (plain(days=["2026-12-15", "2026-12-14"]), "days: they must be in order, each once"),
    (plain(slot_minutes=7), "slot_minutes: invalid enum value 7"),
    (plain(demand=[{"type": "yard", "seats": 10**30}]), "demand[0].seats"),
    (plain(demand=[{"type": "yard", "seats": 0}]), "demand[0].seats: expected int >= 1"),
    (plain(demand=[{"type": "yard", "seats": 1.5}]), "demand[0].seats: expected int, got float"),
    (plain(demand=[{"type": "yard", "seats": 1_000_000, "weight": 1000}]), "demand: seats (times weights)"),
    (plain(demand=[{"type": "moon", "seats": 1}]), "demand[0].type: there is no type 'moon'"),
    (plain(minimum=[{"type": "yard", "site": "moon", "seats": 1}]), "minimum[0].site: there is no site 'moon'"),
    (plain(demand=[{"type": "yard", "day": "2026-12-15", "seats": 1}]), "demand[0].day: there is no day"),
    (plain(sites=[{"id": "east", "open": []}, {"id": "east", "open": []}]), "sites[1]: east is there twice"),
    (plain(sites=[{"id": "a\x00b", "open": []}]), "sites[0]: 'a\\x00b' has control characters"),
    (plain(sites=[{"id": "", "open": []}]), "sites[0].id: expected str of length >= 1"),
    (plain(sites=[{"id": "east", "open": [window("12:00", "08:00")]}]), "sites[0].open[0]: ends at 08:00, not after its start at 12:00"),
    (plain(sites=[{"id": "east", "open": [window("8:00")]}]), "sites[0].open[0].from: '8:00' is no clock time, write 08:30"),
    (plain(sites=[{"id": "east", "open": [window("08:30")]}]), "sites[0].open[0].from: 08:30 is not a whole number of slots of 60 minutes"),
    (plain(examiners=[{"id": "li", "types": ["yard"], "hours": [window()], "breaks": [window("09:00", "11:00"), window("10:00", "12:00")]}]), "examiners[0].breaks: the one from 09:00 and the one from 10:00 overlap on 2026-12-14"),
    (plain(examiners=[{"id": "li", "types": ["moon"], "hours": []}]), "examiners[0].types: there is no type 'moon'"),
    (plain(vehicles=[{"id": "car", "site": "moon", "types": []}]), "vehicles[0].site: there is no site 'moon'"),
    (plain(types=[{"id": "yard", "minutes": 90, "seats": 1}]), "types[0].minutes: 90 is not a whole number of slots"),
    (plain(travel=[{"between": ["east", "east"], "minutes": 5}]), "two different sites, not east twice"),
    (plain(travel=[{"between": ["east", "west"], "minutes": 5}, {"between": ["west", "east"], "minutes": 6}]), "east and west are there twice"),
]  # fmt: skip


@pytest.mark.parametrize(("staff", "says"), BAD, ids=[says for _, says in BAD])
def test_unusable_input_is_one_line_with_the_field(run, staff, says):
    done, out = run(staff)
    assert isinstance(done.exception, Unusable)
    assert done.exception.exit_code == 2
    assert says in done.exception.message
    assert "\n" not in done.exception.message
    assert not out.exists()


@pytest.mark.parametrize("seconds", ["nan", "inf"])
def test_a_search_that_never_ends_or_has_no_end_is_refused(run, seconds):
    done, out = run(plain(), "--seconds", seconds)
    assert done.exception.message.startswith(f"--seconds: {seconds} is no number of seconds")
    assert not out.exists()


def test_a_board_is_drawn_alone_as_page_and_as_picture(run, tmp_path):
    for name in ("board.html", "board.svg"):
        done, _ = run(plain(), "--board", str(tmp_path / name))
        assert done.return_value == 0
    root = ET.fromstring((tmp_path / "board.svg").read_text())  # noqa: S314 - our own
    assert root.find(f"{SVG}title").text == "Roster"
    assert "sessions" in root.find(f"{SVG}desc").text
    assert "http://" not in (tmp_path / "board.html").read_text().replace("http://www.w3.org/2000/svg", "")
    done, _ = run(plain(), "--board", str(tmp_path / "board.pdf"))
    assert "must end in .html or .svg" in done.exception.message


def test_a_name_on_the_board_stays_text(run, tmp_path):
    evil = "<script>&\"'"
    examiners = [{"id": "li", "name": evil, "types": ["yard"], "hours": [window()]}]
    run(plain(examiners=examiners), "--board", str(tmp_path / "board.svg"))
    text = (tmp_path / "board.svg").read_text()
    assert "<script" not in text
    ET.fromstring(text)  # noqa: S314 - our own


def test_what_cannot_be_written_is_one_line(run, tmp_path):
    done, _ = run(plain(), "--board", str(tmp_path / "none" / "board.svg"))
    assert "there is no folder" in done.exception.message


def test_the_example_of_the_docs_makes_a_roster(tmp_path):
    out = tmp_path / "sessions.json"
    done = subprocess.run(
        [sys.executable, "-m", "booking_api.cli", "roster", str(EXAMPLE), "--out", str(out), "--rounds", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "weighted demand met" in done.stdout
    assert decode(out.read_bytes().removesuffix(b"\n"))["sessions"]


def test_help_and_unusable_input_need_no_solver():
    code = (
        "import sys\nsys.modules['ortools'] = None\nimport booking_api.cli.roster\n"
        "import allocator.roster.staff, allocator.roster.board, allocator.roster.check\nprint('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
