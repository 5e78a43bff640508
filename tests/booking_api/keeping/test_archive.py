"""The archive's file: whole or not there, private, and every byte of it accounted for."""

import fcntl
import io
import subprocess
import tarfile

import msgspec
import pytest

from booking_api.keeping.archive import PARTIAL, Source, check_archive, measure, write_archive
from booking_api.keeping.errors import ArchiveBroken, KeepingError
from booking_api.keeping.manifest import Database, Manifest, decode_manifest, encode_manifest

CONTENTS = {
    "database.dump": ("database", b"rows" * 5_000),
    "settings.json": ("settings", b"{}\n"),
    "keys/token_key_file": ("key", b"a key"),
}
DATABASE = Database(name="gongdao", postgresql="18.4", pg_dump="18.4", revisions=["1"], rows={"booking": 2})


def sources() -> list[Source]:
    return [Source(name, kind, io.BytesIO(content)) for name, (kind, content) in CONTENTS.items()]


def manifest_of(members) -> Manifest:
    return Manifest(
        format="gongdao-backup",
        version=1,
        product="0.1.0",
        created_at="2026-11-20T02:15:00Z",
        database=DATABASE,
        members=members,
    )


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "a.tar"
    write_archive(path, manifest_of([measure(source) for source in sources()]), sources())
    return path


def test_what_was_written_is_found_good_and_is_its_owners_alone(archive):
    assert [member.name for member in check_archive(archive).members] == list(CONTENTS)
    assert archive.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in archive.parent.iterdir()] == ["a.tar"]


def test_it_needs_no_tool_of_ours_to_be_checked_and_unpacked(archive, tmp_path):
    there = tmp_path / "unpacked"
    there.mkdir()
    subprocess.run(["tar", "-xf", archive, "-C", there], check=True)
    subprocess.run(["sha256sum", "--check", "--status", "manifest.sha256"], cwd=there, check=True)
    for name, (_, content) in CONTENTS.items():
        assert (there / name).read_bytes() == content


def places() -> list[bytes]:
    """Bytes of every part: a number of the manifest, its digest, a header, each member's content."""
    return [b'"booking":2', b"manifest.json\n", b"database.dump\0", b"rowsrows", b"{}\n", b"a key"]


@pytest.mark.parametrize("place", places())
def test_one_wrong_byte_anywhere_is_found(archive, place):
    raw = bytearray(archive.read_bytes())
    raw[raw.rindex(place) + len(place) - 2] ^= 1
    archive.write_bytes(raw)
    with pytest.raises(ArchiveBroken):
        check_archive(archive)


@pytest.mark.parametrize("left", [0, 100, 512, 3_000, 12_000])
def test_an_archive_cut_short_is_found(archive, left):
    archive.write_bytes(archive.read_bytes()[:left])
    with pytest.raises(ArchiveBroken):
        check_archive(archive)


def test_a_file_that_the_manifest_does_not_name_is_found(archive):
    with tarfile.open(archive, "a") as tar:
        tar.addfile(tarfile.TarInfo("more"), io.BytesIO())
    with pytest.raises(ArchiveBroken, match="names"):
        check_archive(archive)


def test_a_link_in_place_of_a_file_is_found(tmp_path):
    path = tmp_path / "links.tar"
    with tarfile.open(path, "w") as tar:
        link = tarfile.TarInfo("manifest.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(ArchiveBroken):
        check_archive(path)


def test_what_is_there_is_not_overwritten(archive):
    before = archive.read_bytes()
    with pytest.raises(KeepingError, match="already"):
        write_archive(archive, manifest_of([measure(source) for source in sources()]), sources())
    assert archive.read_bytes() == before
    assert [path.name for path in archive.parent.iterdir()] == ["a.tar"]


def test_the_next_backup_removes_what_a_killed_one_left_and_no_running_ones(archive):
    killed, running = (archive.with_name(PARTIAL.format(name)) for name in ("killed", "running"))
    killed.touch()
    with running.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        write_archive(
            archive.with_name("b.tar"), manifest_of([measure(source) for source in sources()]), sources()
        )
        assert not killed.exists()
        assert running.exists()


def changed(**fields) -> bytes:
    told = msgspec.to_builtins(manifest_of([measure(source) for source in sources()]))
    return msgspec.json.encode(told | fields, order="sorted")


def test_a_manifest_has_one_form():
    manifest = manifest_of([measure(source) for source in sources()])
    raw = encode_manifest(manifest)
    assert decode_manifest(raw) == manifest
    assert decode_manifest(changed()) == manifest
    for other in (
        raw + b"\n",
        raw.replace(b":1}", b": 1}"),
        raw.replace(b"gongdao-backup", b"gongd\\u0061o-backup"),
    ):
        with pytest.raises(ArchiveBroken):
            decode_manifest(other)


def test_a_newer_version_and_an_unknown_kind_are_refused():
    with pytest.raises(KeepingError, match="version 2"):
        decode_manifest(changed(version=2))
    tile = {"name": "log/tile/0/000", "kind": "log", "bytes": 1, "sha256": "0" * 64}
    with pytest.raises(ArchiveBroken, match="kind"):
        decode_manifest(changed(members=[tile]))


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../b", "", "keys//x", "Keys/x"])
def test_no_member_has_a_name_that_leads_elsewhere(name):
    with pytest.raises(ArchiveBroken):
        decode_manifest(changed(members=[{"name": name, "kind": "database", "bytes": 1, "sha256": "0" * 64}]))
