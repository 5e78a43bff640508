"""Runs commands of `gongdao` in the test's own process: what they load is loaded once."""

import sys
from typing import NamedTuple

import pytest

from booking_api.cli import main


class Done(NamedTuple):
    """What a command said and how it ended."""

    returncode: int
    stdout: str
    stderr: str


class Commands:
    """Owns the streams that commands write to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> Done:
        """As if somebody had typed it."""
        self._monkeypatch.setattr(sys, "argv", ["gongdao", *map(str, arguments)])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = self._capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)
