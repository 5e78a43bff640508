"""Where a log keeps its hashes and entries: c2sp.org/tlog-tiles. Paths, entry bundles, hashes out of tiles.

A tile at level L holds up to 256 hashes of perfect subtrees of 256**L leaves; it is its whole subtree of height
8 by its lowest row. A bundle holds the entries themselves. Both are named by level, index and width.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fairness.encoding import decode_decimal
from fairness.merkle import HASH_BYTES, SIZE_LIMIT, node_hash

TILE_WIDTH = 256
TILE_HEIGHT = 8
ENTRY_BYTES_LIMIT = 0xFFFF
# The level Go's tlog package gives to bundles of entries; in a path it is the word `entries`.
ENTRIES = -1

_ENTRIES_WORD = "entries"
_LEVEL_LIMIT = 63
_LENGTH_BYTES = 2
_PART = 1000
_PATH_LIMIT = 100


class TileRefused(ValueError):
    """A tile, bundle or path that is not what the specification says, or is not there."""


@dataclass(frozen=True, order=True)
class Tile:
    """One tile or, at level `ENTRIES`, one bundle; `width` is 256 for a full one, 1 to 255 for a partial one."""

    level: int
    index: int
    width: int = TILE_WIDTH

    def path(self) -> str:
        """The path below the log's prefix.

        >>> Tile(0, 1234067).path(), Tile(ENTRIES, 5, 17).path()
        ('tile/0/x001/x234/067', 'tile/entries/005.p/17')
        """
        index, last = divmod(self.index, _PART)
        parts = [f"{last:03}"]
        while index:
            index, part = divmod(index, _PART)
            parts.append(f"x{part:03}")
        level = _ENTRIES_WORD if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(parts))}{partial}"

    def full(self) -> "Tile":
        """The same tile once it is full."""
        return Tile(self.level, self.index)


def parse_tile_path(path: str) -> Tile:
    """Read a path back.

    Raises:
        TileRefused: the path is not one that `Tile.path` writes, or lies beyond every log's end.
    """
    head, partial, width_text = path.partition(".p/") if len(path) <= _PATH_LIMIT else ("", "", "")
    word, level_text, *parts = [*head.split("/"), "", ""]
    level = ENTRIES if level_text == _ENTRIES_WORD else decode_decimal(level_text, _LEVEL_LIMIT)
    width = decode_decimal(width_text, TILE_WIDTH - 1) if partial else TILE_WIDTH
    index = decode_decimal("".join(part.removeprefix("x") for part in parts).lstrip("0") or "0", SIZE_LIMIT)
    if word == "tile" and level is not None and index is not None and width:
        tile = Tile(level, index, width)
        if tile.path() == path:
            return tile
    raise TileRefused(f"{path[:_PATH_LIMIT]!r} is no path of a tile")


def tile_at(level: int, index: int, size: int) -> Tile:
    """The tile as wide as a log of `size` entries has it.

    Raises:
        TileRefused: the log has no such tile.
    """
    hashes = size >> (TILE_HEIGHT * max(level, 0))
    width = min(hashes - index * TILE_WIDTH, TILE_WIDTH)
    if index < 0 or width <= 0:
        raise TileRefused(f"a log of {size} entries has no tile {index} at level {level}")
    return Tile(level, index, width)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a log of this size, level by level, the partial one of a level last; bundles are not in it."""
    level, hashes = 0, size
    while hashes:
        for index in range((hashes + TILE_WIDTH - 1) // TILE_WIDTH):
            yield tile_at(level, index, size)
        level, hashes = level + 1, hashes >> TILE_HEIGHT


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """The entries one after the other, each behind its length as two big-endian bytes.

    Raises:
        TileRefused: an entry of over 65,535 bytes.
    """
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES_LIMIT:
            raise TileRefused(f"an entry has {len(entry)} bytes, may have {ENTRY_BYTES_LIMIT}")
        parts += (len(entry).to_bytes(_LENGTH_BYTES, "big"), entry)
    return b"".join(parts)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle of this width.

    Raises:
        TileRefused: it holds fewer or more, or ends within one.
    """
    entries: list[bytes] = []
    place = 0
    while place < len(data) and len(entries) < width:
        start = place + _LENGTH_BYTES
        place = start + int.from_bytes(data[place:start], "big")
        entries.append(data[start:place])
    if place != len(data) or len(entries) != width:
        raise TileRefused(f"the bundle does not hold {width} entries")
    return entries


def encode_tile(hashes: Iterable[bytes]) -> bytes:
    """The hashes one after the other."""
    return b"".join(hashes)


def decode_tile(data: bytes, width: int) -> list[bytes]:
    """The hashes of a tile of this width, 32 bytes each.

    Raises:
        TileRefused: it holds fewer or more.
    """
    if len(data) != width * HASH_BYTES:
        raise TileRefused(f"the tile has {len(data)} bytes, not those of {width} hashes")
    return [data[place : place + HASH_BYTES] for place in range(0, len(data), HASH_BYTES)]


def _rows_over(hashes: list[bytes]) -> list[list[bytes]]:
    """A tile's hashes and the rows of full subtrees over them, which the tile does not hold, lowest first."""
    rows = [hashes]
    while len(rows[-1]) > 1:
        # A last hash without a sibling is under no full subtree.
        rows.append(
            [node_hash(left, right) for left, right in zip(rows[-1][::2], rows[-1][1::2], strict=False)]
        )
    return rows


class TileReader:
    """The tiles and bundles of a log as they were at one size, read through `read(path)`.

    `read` answers None for what is not there. A partial tile may be gone once it is full: then the beginning of
    the full one is the same. Tiles read for hashes are kept as long as the reader, so that many proofs out of one
    reader cost little more than one. What it says is to be checked by proofs against a root.
    """

    def __init__(self, size: int, read: Callable[[str], bytes | None]) -> None:
        self.size = size
        self._read = read
        self._rows: dict[tuple[int, int], list[list[bytes]]] = {}

    def fetch(self, level: int, index: int) -> list[bytes]:
        """The hashes of a tile, read anew; at level `ENTRIES` the entries of a bundle.

        Raises:
            TileRefused: the log has no such tile, it is not there, or it has another length.
        """
        tile = tile_at(level, index, self.size)
        decode = decode_bundle if level == ENTRIES else decode_tile
        data = self._read(tile.path())
        if data is not None:
            return decode(data, tile.width)
        data = self._read(tile.full().path()) if tile.width < TILE_WIDTH else None
        if data is None:
            raise TileRefused(f"{tile.path()} is missing")
        return decode(data, TILE_WIDTH)[: tile.width]

    def hash_of(self, level: int, index: int) -> bytes:
        """The hash of a perfect subtree of the log, as `fairness.merkle` asks for it.

        Raises:
            TileRefused: the subtree reaches beyond the log, or its tile is missing or malformed.
        """
        if level < 0 or index < 0 or (index + 1) << level > self.size:
            raise TileRefused(f"a log of {self.size} entries has no full subtree {index} of height {level}")
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile_index, place = divmod(index << height, TILE_WIDTH)
        if (tile_level, tile_index) not in self._rows:
            self._rows[tile_level, tile_index] = _rows_over(self.fetch(tile_level, tile_index))
        return self._rows[tile_level, tile_index][height][place >> height]

    def entries(self, start: int, end: int) -> Iterator[bytes]:
        """The entries [start, end), bundle by bundle.

        Raises:
            TileRefused: a bundle is missing or malformed, or the range is not in the log.
        """
        if not 0 <= start <= end <= self.size:
            raise TileRefused(f"a log of {self.size} entries has no entries {start} to {end}")
        for index in range(start // TILE_WIDTH, (end + TILE_WIDTH - 1) // TILE_WIDTH):
            first = index * TILE_WIDTH
            yield from self.fetch(ENTRIES, index)[max(start - first, 0) : end - first]
