"""The log over tiles: grown in any steps, crashed at any write, taken up again, and refused once it is changed."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairness.log import Head, LogBuilder, LogRefused, check_tiles
from fairness.merkle import (
    EMPTY_ROOT,
    ProofRefused,
    check_consistency,
    check_inclusion,
    inclusion_proof,
    leaf_hash,
    root_of,
)
from fairness.tiles import TileReader, TileRefused, parse_tile_path, tiles_of

ENTRIES = [b"entry %d" % n for n in range(70_000)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def drawn(name, number, limit):
    """The numbers of a long draw below `limit`, the same in every run."""
    return int.from_bytes(leaf_hash(b"%s %d" % (name, number))[:8], "big") % limit


class Kept(dict):
    """A store in memory that can run out of writes, before or after the last one took."""

    left = None
    after = False

    def read(self, path):
        return self.get(path)

    def write(self, path, data):
        parse_tile_path(path)
        if self.left == 0 and not self.after:
            raise OSError("the disk is full")
        self[path] = data
        if self.left == 0:
            raise OSError("written, but the answer was lost")
        if self.left is not None:
            self.left -= 1


def grown(*sizes, entries=ENTRIES):
    store = Kept()
    log = LogBuilder(store)
    for size in sizes:
        log.append(entries[log.head.size : size])
    return store, log


@pytest.mark.parametrize(
    "sizes",
    [
        [0],
        [1],
        [255],
        [256],
        [257],
        [100, 200, 300],
        [256, 512],
        [255, 256, 257],
        [0, 1, 1, 2, 600],
        [65_535, 65_536, 65_537],
        [70_000],
        [69_999, 70_000],
        list(range(1, 40)),
    ],
)
def test_a_log_grown_in_any_steps_has_the_trees_root_and_exactly_its_tiles(sizes):
    store, log = grown(*sizes)
    assert log.head == Head(sizes[-1], root_of(LEAVES[: sizes[-1]]))
    check_tiles(store.read, size=log.head.size, root=log.head.root)
    for size in sizes:
        check_tiles(store.read, size=size, root=root_of(LEAVES[:size]))
        assert log.root(size) == root_of(LEAVES[:size])
        assert list(TileReader(size, store.read).entries(0, size)) == ENTRIES[:size]
    assert list(log.reader().entries(0, log.head.size)) == ENTRIES[: log.head.size]
    hashes = {path for path in store if not path.startswith("tile/entries/")}
    assert hashes == {tile.path() for size in sizes for tile in tiles_of(size)}
    taken_up = LogBuilder.open(store, size=log.head.size, root=log.head.root)
    more = [b"one more", b"", b"x" * 65_535]
    assert taken_up.append(more) == log.append(more)
    assert log.head.root == root_of([*LEAVES[: sizes[-1]], *map(leaf_hash, more)])


def test_proofs_for_all_sizes_come_out_of_the_newest_logs_tiles():
    _, log = grown(*range(1, 20), 255, 256, 257, 300, 520)
    for n in range(300):
        size = 1 + drawn(b"size", n, 520)
        index, old = drawn(b"index", n, size), drawn(b"old", n, size + 1)
        root = root_of(LEAVES[:size])
        check_inclusion(
            leaf=LEAVES[index], index=index, size=size, proof=log.inclusion_proof(index, size), root=root
        )
        check_consistency(
            old=old,
            new=size,
            old_root=root_of(LEAVES[:old]),
            new_root=root,
            proof=log.consistency_proof(old, size),
        )
    with pytest.raises(LogRefused, match="has not had 521"):
        log.inclusion_proof(0, 521)
    with pytest.raises(LogRefused, match="has not had"):
        log.root(-1)
    with pytest.raises(ProofRefused):
        log.inclusion_proof(300, 300)
    with pytest.raises(ProofRefused):
        log.consistency_proof(301, 300)


def test_an_entry_that_is_too_long_leaves_everything_as_it_was():
    store, log = grown(300)
    before = dict(store)
    with pytest.raises(LogRefused, match="65536 bytes"):
        log.append([b"fine", b"x" * 65_536])
    assert (store, log.head) == (before, Head(300, root_of(LEAVES[:300])))
    assert log.append(ENTRIES[300:301]).root == root_of(LEAVES[:301])


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("old", "new"),
    [(0, 1), (0, 600), (1, 2), (200, 255), (200, 256), (250, 700), (256, 257), (300, 1100), (65_400, 66_000)],
)
def test_a_crash_at_any_write_leaves_the_old_log_and_the_append_can_be_repeated(old, new, after):
    writes = _writes(old, new)
    promised, before = grown(old)
    head, wanted = before.head, root_of(LEAVES[:new])
    whole = grown(old, new)[0]
    for n in range(writes):
        store = Kept(promised)
        log = LogBuilder.open(store, size=old, root=head.root)
        store.left, store.after = n, after
        with pytest.raises(OSError, match=r"disk is full|answer was lost"):
            log.append(ENTRIES[old:new])
        store.left = None
        # The old checkpoint is served as before, down to the byte, and adds up.
        assert log.head == head
        assert {path: store[path] for path in promised} == promised
        if n in (0, writes // 2, writes - 1) or old < 1000:
            check_tiles(store.read, size=old, root=head.root)
        # The same object appends again, and so does one that is started anew: with the same root.
        again = LogBuilder.open(Kept(store), size=head.size, root=head.root)
        assert again.append(ENTRIES[old:new]).root == wanted
        assert log.append(ENTRIES[old:new]) == Head(new, wanted)
        assert store == whole


def _writes(old, new):
    store, log = grown(old)
    store.left = limit = 10_000
    log.append(ENTRIES[old:new])
    return limit - store.left


def test_after_a_crash_other_entries_may_be_appended_too():
    """Not advised, for somebody may have cached the files; but what the new checkpoint covers adds up."""
    for n in range(_writes(250, 700)):
        store, log = grown(250)
        store.left = n
        with pytest.raises(OSError, match="disk is full"):
            log.append(ENTRIES[250:700])
        store.left = None
        others = [b"other %d" % place for place in range(10)]
        head = log.append(others)
        assert head.root == root_of([*LEAVES[:250], *map(leaf_hash, others)])
        check_tiles(store.read, size=head.size, root=head.root)
        check_tiles(store.read, size=250, root=root_of(LEAVES[:250]))


def test_a_file_is_written_after_the_files_it_stands_on():
    store, log = grown(250)
    order = []
    write = store.write
    store.write = lambda path, data: (order.append(parse_tile_path(path)), write(path, data))
    log.append(ENTRIES[250:1100])
    assert [tile.level for tile in order] == sorted(tile.level for tile in order)
    assert order == sorted(order)


def test_a_log_whose_edge_was_changed_is_not_taken_up():
    size = 66_000
    store, log = grown(size)
    LogBuilder.open(store, size=size, root=log.head.root)
    edge = ["tile/0/257.p/208", "tile/1/001.p/1", "tile/2/000.p/1", "tile/entries/257.p/208"]
    assert set(edge) <= set(store)
    for path in edge:
        for changed in (
            None,
            store[path][:-1],
            store[path] + b"\x00",
            bytes([store[path][0] ^ 1]) + store[path][1:],
        ):
            spoilt = Kept(store)
            if changed is None:
                del spoilt[path]
            else:
                spoilt[path] = changed
            with pytest.raises(LogRefused):
                LogBuilder.open(spoilt, size=size, root=log.head.root)
    for wrong in (size - 1, size + 1, 0, -1, 2**63, 2**64, 2**62):
        with pytest.raises(LogRefused):
            LogBuilder.open(store, size=wrong, root=log.head.root)
    with pytest.raises(LogRefused, match="do not give the checkpoint's root"):
        LogBuilder.open(store, size=size, root=bytes(32))
    bundle = Kept(store)
    bundle["tile/entries/257.p/208"] = grown(size, entries=[b"entrY %d" % n for n in range(size)])[0][edge[3]]
    with pytest.raises(LogRefused, match="does not hold the entries"):
        LogBuilder.open(bundle, size=size, root=log.head.root)
    assert LogBuilder.open(Kept(), size=0, root=EMPTY_ROOT).head == Head(0, EMPTY_ROOT)


def test_a_change_anywhere_in_the_tiles_is_found_by_checking_them_all():
    store, log = grown(1100)
    check_tiles(store.read, size=1100, root=log.head.root)
    for path in store:
        for place in (2, len(store[path]) - 1):
            spoilt = dict(store)
            spoilt[path] = store[path][:place] + bytes([store[path][place] ^ 1]) + store[path][place + 1 :]
            with pytest.raises(LogRefused, match="does not add up"):
                check_tiles(spoilt.get, size=1100, root=log.head.root)
        with pytest.raises(TileRefused, match="is missing"):
            check_tiles({**store, path: None}.get, size=1100, root=log.head.root)
    with pytest.raises(LogRefused, match="do not give"):
        check_tiles(store.get, size=1100, root=bytes(32))


@given(steps=st.lists(st.integers(0, 400), max_size=6), entries=st.lists(st.binary(max_size=6), min_size=1))
def test_any_growth_adds_up(steps, entries):
    store = Kept()
    log = LogBuilder(store)
    tree = []
    for step in steps:
        added = (entries * step)[:step]
        tree += map(leaf_hash, added)
        assert log.append(added) == Head(len(tree), root_of(tree))
        log = LogBuilder.open(store, size=log.head.size, root=log.head.root)
    check_tiles(store.read, size=log.head.size, root=log.head.root)


def refuse_a_fork(log, heads, entries):
    """Consistency between all the steps; a log that is another at one of them is consistent with none after it."""
    forked_entries = list(entries[: heads[9].size])
    forked_entries[heads[9].size // 2] = b"forked"
    forked = LogBuilder(Kept()).append(forked_entries)
    for n, old in enumerate(heads):
        for new in heads[n:]:
            proof = log.consistency_proof(old.size, new.size)
            growth = {"old": old.size, "new": new.size, "proof": proof}
            check_consistency(old_root=old.root, new_root=new.root, **growth)
            if old.size == forked.size:
                with pytest.raises(ProofRefused):
                    check_consistency(old_root=forked.root, new_root=new.root, **growth)


@pytest.mark.slow
def test_a_million_entries():
    """Built once in twenty steps; proofs at random, consistency between all the steps, and a fork refused."""
    million, steps = 1_000_000, 20
    sizes = sorted({million, *(1 + drawn(b"size", n, million) for n in range(steps - 1))})
    entries = [b"entry %d" % n for n in range(million)]
    store = Kept()
    log = LogBuilder(store)
    began = perf_counter()
    heads = [log.append(entries[log.head.size : size]) for size in sizes]
    built = perf_counter() - began
    log = LogBuilder.open(store, size=million, root=heads[-1].root)

    began = perf_counter()
    proofs = []
    for n in range(1000):
        head = heads[drawn(b"head", n, steps)]
        index = drawn(b"index", n, head.size)
        proofs.append((index, head, log.inclusion_proof(index, head.size)))
    made = (perf_counter() - began) / len(proofs)
    began = perf_counter()
    for index, head, proof in proofs:
        leaf = leaf_hash(entries[index])
        check_inclusion(leaf=leaf, index=index, size=head.size, proof=proof, root=head.root)
    checked = (perf_counter() - began) / len(proofs)
    reader = log.reader()
    began = perf_counter()
    for index, head, proof in proofs:
        assert inclusion_proof(index, head.size, reader.hash_of) == proof
    together = (perf_counter() - began) / len(proofs)
    for n in range(100):
        size = 1 + drawn(b"any size", n, million)
        index = drawn(b"any index", n, size)
        root, proof = log.root(size), log.inclusion_proof(index, size)
        check_inclusion(leaf=leaf_hash(entries[index]), index=index, size=size, proof=proof, root=root)

    refuse_a_fork(log, heads, entries)
    with pytest.raises(LogRefused):
        LogBuilder.open(store, size=heads[9].size, root=bytes(32))
    assert TileReader(million, store.read).hash_of(0, million - 1) == leaf_hash(entries[-1])
    print(
        f"{million:,} entries in {built:.1f} s, {sum(map(len, store.values())) / 1e6:.0f} MB in {len(store):,} files; "
        f"inclusion proof {made * 1e3:.2f} ms to make, {together * 1e3:.2f} ms out of one reader, {checked * 1e6:.0f} µs to check"
    )
