"""A secret in a file is read without the line's end, or refused by name."""

import pytest

from booking_api.identity.shared_secrets import read_secret
from booking_api.identity.tokens import KeyFileError


def test_the_line_end_is_no_part_of_a_secret(tmp_path):
    path = tmp_path / "key"
    path.write_text("sixteen letters!\n")
    assert read_secret(path) == b"sixteen letters!"


@pytest.mark.parametrize("content", [None, b"", b"too short", b"x" * 1025, "密密密密密密密密".encode()])
def test_what_is_no_secret_is_refused_by_the_files_name(tmp_path, content):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(KeyFileError, match="key: "):
        read_secret(path)
