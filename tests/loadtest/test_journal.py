"""The journal survives what happens to the process that writes it."""

import signal
import subprocess
import sys

import pytest

from loadtest.journal import Action, Journal, JournalUnusable, Line, read_journal

WRITER = """
import sys
from itertools import count
from pathlib import Path
from loadtest.journal import Action, Journal, Line
journal = Journal(Path(sys.argv[1]), "killed")
for n in count(1):
    journal.write(Line(at_ms=n, account="a", n=n, action=Action.LOOK))
    print(n, flush=True)
"""
WRITTEN_BEFORE_THE_KILL = 500


def test_a_killed_process_leaves_every_line_it_had_written(tmp_path):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True)
    for said in writer.stdout:
        if int(said) >= WRITTEN_BEFORE_THE_KILL:
            writer.send_signal(signal.SIGKILL)
            break
    last_said = max([WRITTEN_BEFORE_THE_KILL, *map(int, writer.stdout.read().split("\n")[:-1])])
    writer.wait(10)
    writer.stdout.close()
    (lines,) = read_journal(tmp_path)
    assert [line.n for line in lines] == list(range(1, len(lines) + 1))
    assert len(lines) in {last_said, last_said + 1}


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path):
    with Journal(tmp_path, "one") as journal:
        journal.write(Line(at_ms=1, account="a", n=1, action=Action.LOOK))
    (path,) = tmp_path.iterdir()
    with path.open("ab") as file:
        file.write(b'{"at_ms":2,"account":"a","n":2,"act')
    assert [[line.n for line in lines] for lines in read_journal(tmp_path)] == [[1]]


@pytest.mark.parametrize(
    "text", [b"not json\n", b'{"at_ms":1}\n', b'{"at_ms":1,"account":"a","n":1,"action":"x"}\n']
)
def test_a_whole_line_that_cannot_be_read_is_refused_with_its_place(tmp_path, text):
    with Journal(tmp_path, "one") as journal:
        journal.write(Line(at_ms=1, account="a", n=1, action=Action.LOOK))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + text)
    with pytest.raises(JournalUnusable, match="line 2"):
        read_journal(tmp_path)


def test_an_empty_folder_is_no_journal(tmp_path):
    with pytest.raises(JournalUnusable, match="no journal"):
        read_journal(tmp_path)
