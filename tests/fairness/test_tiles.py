"""Tiles: the specification's own paths and layouts, bundles byte for byte, and hashes out of a log's tiles."""

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairness.merkle import SIZE_LIMIT, leaf_hash, root_of
from fairness.tiles import (
    ENTRIES,
    ENTRY_BYTES_LIMIT,
    TILE_WIDTH,
    Tile,
    TileReader,
    TileRefused,
    decode_bundle,
    decode_tile,
    encode_bundle,
    encode_tile,
    parse_tile_path,
    tile_at,
    tiles_of,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(0, 0), "tile/0/000"),
        (Tile(1, 999, 1), "tile/1/999.p/1"),
        (Tile(2, 1000, 255), "tile/2/x001/000.p/255"),
        (Tile(63, 1000000), "tile/63/x001/x000/000"),
        (Tile(ENTRIES, 1234067), "tile/entries/x001/x234/067"),
        (Tile(ENTRIES, 5, 17), "tile/entries/005.p/17"),
    ],
)
def test_paths_are_the_specifications(tile, path):
    assert tile.path() == path
    assert parse_tile_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x001",
        "tile/0/001/234",
        "tile/0/x000/234",
        "tile/0/x01/234",
        "tile/0/x001//234",
        "tile/0/xx01/234",
        "tile/0/\u0660\u0660\u0660",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/data/000",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/1.p/1",
        "tile/0/../000",
        "tile/0/" + "x999/" * 6 + "999",
        "tile/0/" + "x001/" * 5000 + "000",
    ],
)
def test_what_is_no_path_is_refused(path):
    with pytest.raises(TileRefused):
        parse_tile_path(path)


@given(
    level=st.integers(0, 63) | st.just(ENTRIES),
    index=st.integers(0, SIZE_LIMIT // 256) | st.integers(0, 3000),
    width=st.integers(1, 256),
)
def test_every_path_is_read_back(level, index, width):
    assert parse_tile_path(Tile(level, index, width).path()) == Tile(level, index, width)


@given(path=st.text() | st.text("tile/0123x.pentrs", max_size=30))
def test_a_hostile_path_is_only_ever_refused(path):
    try:
        tile = parse_tile_path(path)
    except TileRefused:
        return
    assert tile.path() == path


def test_the_specifications_log_of_70000_entries_is_laid_out_as_it_says():
    tiles = list(tiles_of(70_000))
    full = Counter(tile.level for tile in tiles if tile.width == TILE_WIDTH)
    partial = [(tile.level, tile.width) for tile in tiles if tile.width < TILE_WIDTH]
    assert full == {0: 273, 1: 1}
    assert partial == [(0, 112), (1, 17), (2, 1)]
    assert [(tile.level, tile.width) for tile in tiles_of(256)] == [(0, 256), (1, 1)]
    assert list(tiles_of(0)) == []


def test_a_log_has_no_tile_beyond_its_end():
    assert tile_at(0, 0, 1) == Tile(0, 0, 1)
    assert tile_at(ENTRIES, 1, 300) == Tile(ENTRIES, 1, 44)
    for level, index, size in ((0, 0, 0), (0, 1, 256), (0, -1, 256), (1, 0, 255), (ENTRIES, 1, 256)):
        with pytest.raises(TileRefused, match="has no tile"):
            tile_at(level, index, size)


def test_bundles_are_length_prefixed_and_read_only_whole():
    assert encode_bundle([b"", b"ab", b"x" * 258]).hex() == "0000" + "00026162" + "0102" + "78" * 258
    bundle = encode_bundle([b"", b"ab"])
    assert decode_bundle(bundle, 2) == [b"", b"ab"]
    assert decode_bundle(b"", 0) == []
    largest = [b"x" * ENTRY_BYTES_LIMIT]
    assert decode_bundle(encode_bundle(largest), 1) == largest
    for data, width in (
        (bundle, 1),
        (bundle, 3),
        (bundle[:-1], 2),
        (bundle + b"\x00", 2),
        (bundle + b"\x00\x00", 2),
        (b"\x00", 1),
        (b"\xff\xff", 1),
        (b"", 1),
    ):
        with pytest.raises(TileRefused, match="does not hold"):
            decode_bundle(data, width)
    with pytest.raises(TileRefused, match="65536 bytes"):
        encode_bundle([b"x" * (ENTRY_BYTES_LIMIT + 1)])


@given(data=st.binary(max_size=60), width=st.integers(0, 10), entries=st.lists(st.binary(max_size=9)))
def test_a_hostile_bundle_is_only_ever_refused(data, width, entries):
    assert decode_bundle(encode_bundle(entries), len(entries)) == entries
    with suppress(TileRefused):
        assert encode_bundle(decode_bundle(data, width)) == data
    with suppress(TileRefused):
        assert encode_tile(decode_tile(data, width)) == data


LEAVES = [leaf_hash(b"%d" % n) for n in range(600)]
ROWS = [root_of(LEAVES[:256]), root_of(LEAVES[256:512])]
KEPT = {
    "tile/0/000": encode_tile(LEAVES[:256]),
    "tile/0/001": encode_tile(LEAVES[256:512]),
    "tile/0/002.p/88": encode_tile(LEAVES[512:]),
    "tile/1/000.p/2": encode_tile(ROWS),
}


def test_every_full_subtrees_hash_is_found_in_the_tiles():
    reader = TileReader(600, KEPT.get)
    for level in range(10):
        for index in range(600 >> level):
            assert reader.hash_of(level, index) == root_of(LEAVES[index << level : (index + 1) << level])
    for level, index in ((0, 600), (0, -1), (-1, 0), (9, 1), (10, 0), (3, 75), (2000, 0)):
        with pytest.raises(TileRefused, match="no full subtree"):
            reader.hash_of(level, index)


def test_a_partial_tile_that_is_gone_is_the_beginning_of_the_full_one():
    reader = TileReader(300, KEPT.get)
    assert [reader.hash_of(0, index) for index in range(300)] == LEAVES[:300]
    assert reader.fetch(0, 1) == LEAVES[256:300]
    with pytest.raises(TileRefused, match=r"tile/1/000.p/1 is missing"):
        reader.hash_of(8, 0)


def test_missing_and_malformed_tiles_are_refused():
    with pytest.raises(TileRefused, match=r"tile/0/000 is missing"):
        TileReader(600, {}.get).hash_of(0, 0)
    for data in (b"", KEPT["tile/0/000"][:-1], KEPT["tile/0/000"] + bytes(32)):
        with pytest.raises(TileRefused, match="not those of 256 hashes"):
            TileReader(600, {"tile/0/000": data}.get).hash_of(0, 0)
        with pytest.raises(TileRefused, match="not those of 256 hashes"):
            TileReader(200, {"tile/0/000": data}.get).hash_of(0, 0)


def test_entries_are_read_across_bundles():
    entries = [b"%d" % n for n in range(600)]
    kept = {
        "tile/entries/000": encode_bundle(entries[:256]),
        "tile/entries/001": encode_bundle(entries[256:512]),
        "tile/entries/002.p/88": encode_bundle(entries[512:]),
    }
    reader = TileReader(600, kept.get)
    for start, end in ((0, 600), (0, 0), (600, 600), (255, 257), (256, 512), (511, 599), (7, 8)):
        assert list(reader.entries(start, end)) == entries[start:end]
    assert list(TileReader(300, kept.get).entries(250, 300)) == entries[250:300]
    for start, end in ((0, 601), (-1, 5), (6, 5)):
        with pytest.raises(TileRefused, match="has no entries"):
            list(reader.entries(start, end))
