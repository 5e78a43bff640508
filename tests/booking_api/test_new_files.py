"""What commands write: whole or not there, nothing but a file replaced, refused before the work and not after it."""

import os
import stat

import pytest

from booking_api.cli import Unusable
from booking_api.cli.files import New, check_writable, write_whole
from tests.booking_api.commanding import Commands

COMMANDS = [
    ("allocate", "in.json", "--seed", "ab" * 32),
    ("roster", "in.json"),
    ("why", "in.json", "in.json", "--id", "x"),
    ("simulate",),
]


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    return Commands(monkeypatch, capsys)


def test_a_file_that_was_there_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "out"
    path.write_text("before")
    write_whole(New(path, b"after", "--out"))
    assert path.read_bytes() == b"after"
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


def test_a_link_stays_one_and_the_file_behind_it_is_replaced(tmp_path):
    (tmp_path / "file").write_text("before")
    (tmp_path / "link").symlink_to("file")
    write_whole(New(tmp_path / "link", b"after", "--out"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"after"


@pytest.mark.parametrize("command", COMMANDS, ids=[one[0] for one in COMMANDS])
def test_what_could_not_be_written_is_refused_before_anything_is_read(run, tmp_path, command):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "part.part").mkdir()
    for name, said in (
        ("", "it is empty, the name of a file is needed"),
        ("fifo", "fifo: it is there and no file"),
        ("missing/x", f"missing/x: there is no folder {tmp_path / 'missing'}"),
        ("part", "remove it"),
        ("x" * 253, "File name too long"),
    ):
        done = run(*command, "--out", name)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("gongdao: --out: ")
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["fifo", "part.part"]


def test_a_folder_that_nothing_can_be_written_into_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(Unusable, match=r"^--out: .*nothing can be written into "):
        check_writable(tmp_path / "out", "--out")


def test_of_two_files_neither_is_replaced_where_one_cannot_be_written(tmp_path):
    (tmp_path / "one").write_text("before")
    (tmp_path / "two.part").write_text("somebody's")
    with pytest.raises(Unusable, match=r"^--board: "):
        write_whole(New(tmp_path / "one", b"after", "--out"), New(tmp_path / "two", b"x", "--board"))
    assert (tmp_path / "one").read_text() == "before"
    assert (tmp_path / "two.part").read_text() == "somebody's"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["one", "two.part"]


@pytest.mark.parametrize(
    "command",
    [
        ("allocate", "in.json", "--seed", "ab" * 32),
        ("allocate", "x", "--after", "in.json"),
        ("allocate", "x", "--after", "x", "--declined", "in.json"),
        ("allocate", "x", "--after", "x", "--improving", "in.json"),
        ("roster", "in.json"),
        ("roster", "x", "--board", "in.svg"),
        ("why", "in.json", "x", "--id", "x"),
        ("why", "x", "in.json", "--id", "x"),
        ("simulate", "--roster", "in.json"),
        ("simulate", "--roster", "x", "--staff", "in.json"),
    ],
)
def test_a_file_that_is_read_or_written_besides_is_not_written_over(run, tmp_path, command):
    (tmp_path / "in.json").write_text("before")
    (tmp_path / "in.svg").symlink_to("in.json")
    done = run(*command, "--out", tmp_path / "." / "in.svg")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"gongdao: --out: {tmp_path / 'in.svg'} is named twice, another file is needed\n"
    assert (tmp_path / "in.json").read_text() == "before"


def test_a_board_is_not_drawn_over_its_staff(run, tmp_path):
    (tmp_path / "staff.svg").write_text("before")
    done = run("roster", "staff.svg", "--board", "staff.svg", "--out", "out.json")
    assert done.stderr == "gongdao: --board: staff.svg is named twice, another file is needed\n"
