"""An append-only log over a store of tiles: grows it, proves things about it, refuses one that does not add up.

The store is the caller's; nothing else is touched. Signing a checkpoint and serving it are the caller's too,
and come last: what no checkpoint covers yet, nobody has been promised.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from fairness.merkle import (
    EMPTY_ROOT,
    SIZE_LIMIT,
    Accumulator,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    peaks,
    root_at,
    root_of,
)
from fairness.tiles import (
    ENTRIES,
    ENTRY_BYTES_LIMIT,
    TILE_WIDTH,
    Tile,
    TileReader,
    TileRefused,
    encode_bundle,
    encode_tile,
    tiles_of,
)


class LogRefused(ValueError):
    """A log whose tiles do not give its checkpoint's root, or an entry that no log can hold."""


class TileStore(Protocol):
    """Where tiles and bundles are kept, by the paths of c2sp.org/tlog-tiles."""

    def read(self, path: str) -> bytes | None:
        """What is kept there, or None."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Keep it, whole or not at all, so that a crash afterwards does not lose it."""
        ...


class Head(NamedTuple):
    """How far a log reaches: the number of its entries and their root (32 bytes)."""

    size: int
    root: bytes


class LogBuilder:
    """The one writer of a log.

    `LogBuilder(store)` begins an empty one; `LogBuilder.open` takes up one that has a checkpoint. Two writers of
    the same log would write different entries under the same names: that there is one is the caller's to ensure.
    """

    def __init__(self, store: TileStore) -> None:
        self._store = store
        self.head = Head(0, EMPTY_ROOT)
        # By level, the hashes of the tile that is not full yet; and the entries of the bundle that is not.
        self._edge: list[list[bytes]] = []
        self._bundle: list[bytes] = []

    @classmethod
    def open(cls, store: TileStore, *, size: int, root: bytes) -> "LogBuilder":
        """Take up the log at its last checkpoint, whatever was written after it.

        Raises:
            LogRefused: no log has that size, the tiles at its edge are missing, or do not give this root, or the last entries are not
                the ones in the tiles.
        """
        if not 0 <= size <= SIZE_LIMIT:
            raise LogRefused(f"no log has {size} entries")
        log = cls(store)
        reader = TileReader(size, store.read)
        try:
            log._load_edge(reader, size)
        except TileRefused as error:
            raise LogRefused(f"the log's edge: {error}") from error
        log.head = Head(size, _edge_root(log._edge, size))
        if log.head.root != root:
            raise LogRefused(f"the tiles of {size} entries do not give the checkpoint's root")
        if [leaf_hash(entry) for entry in log._bundle] != (log._edge[0] if log._edge else []):
            raise LogRefused("the last bundle does not hold the entries of the last tile")
        return log

    def _load_edge(self, reader: TileReader, size: int) -> None:
        hashes, level = size, 0
        while hashes:
            index, width = divmod(hashes, TILE_WIDTH)
            self._edge.append(reader.fetch(level, index) if width else [])
            hashes, level = index, level + 1
        if size % TILE_WIDTH:
            self._bundle = reader.fetch(ENTRIES, size // TILE_WIDTH)

    def append(self, entries: Iterable[bytes]) -> Head:
        """Write the entries' bundles and tiles, and only then count the entries in.

        Nothing the old checkpoint needs is ever overwritten or taken away: full tiles and bundles of the old
        log lie before the edge, and a partial one has another width, so another path, once it has grown. A
        crash between two writes therefore leaves the old log as it was and beside it files that no checkpoint
        asks for. The next append writes over them: with the same bytes if it brings the same entries in the same
        order, as it should, for such files may already be in somebody's cache. Bundles come first and tiles
        from below, so no file names something that is not there yet.

        Raises:
            LogRefused: an entry is over 65,535 bytes long; nothing was written.
            Whatever the store raises: the log, this object too, stands where it stood.
        """
        bundle = list(self._bundle)
        leaves: list[bytes] = []
        for entry in entries:
            if len(entry) > ENTRY_BYTES_LIMIT:
                raise LogRefused(f"an entry has {len(entry)} bytes, may have {ENTRY_BYTES_LIMIT}")
            bundle.append(entry)
            leaves.append(leaf_hash(entry))
        size = self.head.size + len(leaves)
        for tile, part in _parts(ENTRIES, self.head.size // TILE_WIDTH, bundle, len(leaves)):
            self._store.write(tile.path(), encode_bundle(part))
        edge = self._write_tiles(leaves)
        self._edge, self._bundle = edge, bundle[len(bundle) - size % TILE_WIDTH :]
        self.head = Head(size, _edge_root(edge, size))
        return self.head

    def _write_tiles(self, leaves: list[bytes]) -> list[list[bytes]]:
        """Write what grew at each level; the new edge."""
        edge: list[list[bytes]] = []
        added, before, level = leaves, self.head.size, 0
        while added or level < len(self._edge):
            row = [*(self._edge[level] if level < len(self._edge) else []), *added]
            above: list[bytes] = []
            for tile, part in _parts(level, before // TILE_WIDTH, row, len(added)):
                self._store.write(tile.path(), encode_tile(part))
                if tile.width == TILE_WIDTH:
                    above.append(root_of(part))
            edge.append(row[len(row) - len(row) % TILE_WIDTH :])
            added, before, level = above, before // TILE_WIDTH, level + 1
        return edge

    def reader(self) -> TileReader:
        """The log as it is, entries and hashes."""
        return TileReader(self.head.size, self._store.read)

    def _at(self, size: int) -> TileReader:
        """What a proof at an earlier size is read from: the newest tiles, for that size may have had no own.

        Partial tiles are only kept of the sizes at which an append ended, but full subtrees stay what they are.
        """
        if not 0 <= size <= self.head.size:
            raise LogRefused(f"a log of {self.head.size} entries has not had {size}")
        return self.reader()

    def root(self, size: int) -> bytes:
        """The root the log had at `size`, out of its tiles.

        Raises:
            LogRefused: it is not that long.
            TileRefused: a tile is missing or malformed.
        """
        return root_at(size, self._at(size).hash_of)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """The proof that entry `index` is in the log of `size` entries, which may be any size it has had.

        Raises:
            LogRefused: the log is not that long.
            ProofRefused: it had no such entry at that size.
            TileRefused: a tile is missing or malformed.
        """
        return inclusion_proof(index, size, self._at(size).hash_of)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """The proof that the log of `old` entries is the beginning of the log of `new`, both of any size.

        Raises:
            LogRefused: the log is not that long.
            ProofRefused: `old` is larger than `new`.
            TileRefused: a tile is missing or malformed.
        """
        return consistency_proof(old, new, self._at(new).hash_of)


def _parts(tile_level: int, first: int, row: list[bytes], added: int) -> Iterator[tuple[Tile, list[bytes]]]:
    """The tiles a row fills from tile number `first` on, with what is in each; none if nothing was added."""
    for start in range(0, len(row) if added else 0, TILE_WIDTH):
        part = row[start : start + TILE_WIDTH]
        yield Tile(tile_level, first + start // TILE_WIDTH, len(part)), part


def _edge_root(edge: list[list[bytes]], size: int) -> bytes:
    """The root over a log's last tiles: their perfect subtrees are the log's peaks."""
    hashes: list[bytes] = []
    for row in reversed(edge):
        for level, index in peaks(len(row)):
            start = index << level
            hashes.append(root_of(row[start : start + (1 << level)]))
    return Accumulator(size, hashes).root()


def check_tiles(read: Callable[[str], bytes | None], *, size: int, root: bytes) -> None:
    """Refuse unless every tile and bundle of the log of `size` entries is there and adds up to the root.

    Hashes every entry again; memory for one bundle and 257 tiles.

    Raises:
        LogRefused: a tile is not over the entries or tiles below it, or the log has another root.
        TileRefused: a tile or bundle is missing or malformed.
    """
    reader = TileReader(size, read)
    for tile in tiles_of(size):
        if tile.level == 0:
            below = [leaf_hash(entry) for entry in reader.fetch(ENTRIES, tile.index)]
        else:
            first = tile.index * TILE_WIDTH
            below = [root_of(reader.fetch(tile.level - 1, first + place)) for place in range(tile.width)]
        if reader.fetch(tile.level, tile.index) != below:
            raise LogRefused(f"{tile.path()} does not add up")
    if root_at(size, reader.hash_of) != root:
        raise LogRefused(f"the tiles of {size} entries do not give the checkpoint's root")
