"""A log is published after its witnesses have seen it, and what fails before leaves the old one."""

import threading
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from booking_api.ceremony.assembling import entries_of, size_of
from booking_api.ceremony.errors import CeremonyRefused, CeremonyUnusable
from booking_api.ceremony.folders import CHECKPOINT, LogFolder
from booking_api.ceremony.monitoring import look_again
from booking_api.ceremony.publishing import append
from booking_api.ceremony.witness import Witness, serve_witness
from fairness.entries import Announced, Beacon, Voided, write
from fairness.log import check_tiles
from fairness.note import COSIGNATURE, SigningKey
from fairness.policy import check_checkpoint, parse_policy
from fairness.seed import freeze_hash
from tests.fairness.ceremonies import CHAIN, ROUND, entrants_of, frozen_of, secret
from tests.fairness.ceremonies import KEYS as KEYS_OF_DRAW

LOG = SigningKey("log.test/one", bytes(range(32)))
KEYS = [SigningKey(f"witness.test/{name}", secret(name)) for name in ("a", "b")]
NOW_S = 1_700_000_000


@contextmanager
def witnessing(tmp_path, *keys):
    """Witnesses that answer, and a trust file in which one of two is enough."""
    servers = []
    lines = [f"log {LOG.verifier()}"]
    try:
        for key in keys:
            memory = LogFolder(tmp_path / key.name.replace("/", "-"))
            witness = Witness(key, (LOG.verifier(),), memory, now_s=lambda: NOW_S)
            server = serve_witness(witness, host="127.0.0.1", port=0)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            servers.append(server)
        ports = [server.server_port for server in servers] + [9] * len(KEYS)
        for key, port in zip(KEYS, ports, strict=False):
            lines.append(f"witness {key.name} {key.verifier(COSIGNATURE)} http://127.0.0.1:{port}")
        lines += [f"group one 1 {KEYS[0].name} {KEYS[1].name}", "quorum one"]
        yield parse_policy("\n".join(lines) + "\n")
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def folder(tmp_path):
    return LogFolder(tmp_path / "log")


def published(folder, policy):
    """The log as a stranger checks it: its checkpoint by the trust file, and every tile."""
    seen = check_checkpoint(policy, folder.read(CHECKPOINT))
    check_tiles(folder.read, size=seen.checkpoint.size, root=seen.checkpoint.root)
    return [text for _, text in entries_of(folder, seen.checkpoint.size)]


def looked(folder, policy, memory, **more):
    """What a monitor finds."""
    seen = check_checkpoint(policy, folder.read(CHECKPOINT))
    return look_again(folder, seen, memory, policy=policy, **more)


def test_entries_are_published_in_order(folder, tmp_path):
    with witnessing(tmp_path, *KEYS) as policy:
        assert append(folder, LOG, policy, [b"a", b"b"]) == 0
        assert append(folder, LOG, policy, [b"c"] * 300) == 2
        assert published(folder, policy) == [b"a", b"b", *[b"c"] * 300]
        assert folder.kept_sizes() == [2, 302]


def test_a_witness_that_is_down_does_not_stop_a_quorum_of_the_others(folder, tmp_path):
    with witnessing(tmp_path, KEYS[0]) as policy:
        append(folder, LOG, policy, [b"a"])
        assert list(check_checkpoint(policy, folder.read(CHECKPOINT)).times) == [KEYS[0].name]


def test_without_a_quorum_the_old_log_stays(folder, tmp_path):
    with witnessing(tmp_path, *KEYS) as policy:
        append(folder, LOG, policy, [b"a"])
    with witnessing(tmp_path) as nobody:
        with pytest.raises(CeremonyRefused, match="no quorum"):
            append(folder, LOG, nobody, [b"b"])
        assert size_of(folder) == 1
    with witnessing(tmp_path, *KEYS) as policy:
        append(folder, LOG, policy, [b"b"])
        assert published(folder, policy) == [b"a", b"b"]


def test_a_witness_that_is_behind_or_ahead_is_asked_from_where_it_is(folder, tmp_path):
    """The second was down for one append; the first cosigned what was then not published."""
    with witnessing(tmp_path, KEYS[0]) as policy:
        append(folder, LOG, policy, [b"a"])
    with witnessing(tmp_path, *KEYS) as policy:
        append(folder, LOG, policy, [b"b"])
        assert len(check_checkpoint(policy, folder.read(CHECKPOINT)).times) == 2


def test_a_witness_stops_a_log_that_was_set_back(folder, tmp_path):
    with witnessing(tmp_path, *KEYS) as policy:
        append(folder, LOG, policy, [b"a", b"b"])
        again = LogFolder(tmp_path / "again")
        with pytest.raises(CeremonyRefused, match="no quorum"):
            append(again, LOG, policy, [b"other", b"entries", b"here"])
        assert again.read(CHECKPOINT) is None


def test_another_key_does_not_go_on_with_a_log(folder, tmp_path):
    with witnessing(tmp_path, *KEYS) as policy:
        append(folder, LOG, policy, [b"a"])
        with pytest.raises(CeremonyUnusable):
            append(folder, SigningKey(LOG.name, bytes(32)), policy, [b"b"])


def test_an_entry_that_is_too_long_changes_nothing(folder, tmp_path):
    with witnessing(tmp_path, *KEYS) as policy:
        with pytest.raises(CeremonyUnusable, match="65535"):
            append(folder, LOG, policy, [bytes(70_000)])
        assert folder.read(CHECKPOINT) is None


def test_each_write_that_fails_leaves_a_log_that_can_be_gone_on_with(folder, tmp_path, monkeypatch):
    """Failed, and failed but persisted: the disk is full at the n-th file."""
    with witnessing(tmp_path, *KEYS) as policy:
        append(folder, LOG, policy, [b"a"])
        write_for_real = LogFolder.write
        for number in range(1, 6):
            for persisted in (False, True):
                left = number

                def failing(self, path, data, *, persisted=persisted):
                    nonlocal left
                    left -= 1
                    if left == 0:
                        if persisted:
                            write_for_real(self, path, data)
                        raise CeremonyUnusable("no space left on device")
                    write_for_real(self, path, data)

                before = published(folder, policy)
                monkeypatch.setattr(LogFolder, "write", failing)
                with suppress(CeremonyUnusable):
                    append(folder, LOG, policy, [b"more"])
                monkeypatch.setattr(LogFolder, "write", write_for_real)
                assert published(folder, policy)[: len(before)] == before
                append(folder, LOG, policy, [b"more"])
                assert published(folder, policy)[-1] == b"more"


def test_a_monitor_tells_what_is_new_and_remembers(folder, tmp_path):
    memory = LogFolder(tmp_path / "memory")
    with witnessing(tmp_path, *KEYS) as policy:
        append(folder, LOG, policy, [b"a"])
        look = partial(looked, folder, policy, memory)
        assert look() == (["0 1 bytes"], [])
        assert look() == ([], [])
        append(folder, LOG, policy, [write(frozen_of(entrants_of(3)))])
        assert look() == (["1 Frozen test-draw"], [])


def test_a_monitor_finds_a_second_freeze_unless_the_first_was_voided(folder, tmp_path):
    first, second, third = (write(frozen_of(entrants_of(count))) for count in (3, 4, 5))
    void = write(Voided("test-draw", freeze_hash(first), "a contributor was ill"))
    with witnessing(tmp_path, *KEYS) as policy:
        append(folder, LOG, policy, [first, void, second, third])
        found = looked(folder, policy, LogFolder(tmp_path / "memory"))
    assert found.wrong == ["entry 3 freezes the draw test-draw a second time"]


def test_a_monitor_tells_of_a_matter_that_was_announced_again_once_and_of_one_that_was_left_always(
    folder, tmp_path
):
    memory = LogFolder(tmp_path / "memory")
    first = Announced("first", "cn-zj-hz", "subject-2", "2026-12", Beacon(CHAIN.hash, ROUND), KEYS_OF_DRAW)
    second, third = first._replace(draw="second"), first._replace(draw="third")
    void = Voided("first", freeze_hash(write(first)), "a flood")
    with witnessing(tmp_path, *KEYS) as policy:
        look = partial(looked, folder, policy, memory)
        append(folder, LOG, policy, [write(first), write(void), write(second)])
        found = look()
        assert found.new[-1].endswith(
            "(cn-zj-hz, subject-2, 2026-12), which was voided before it was frozen: a flood"
        )
        assert (found.wrong, look()) == ([], ([], []))
        append(folder, LOG, policy, [write(third)])
        assert "for the matter of second" in look().wrong[0]
        assert look().wrong == look().wrong != []


@pytest.mark.parametrize(
    ("due_after_s", "chains", "said"),
    [
        (60, (CHAIN,), "told: was voided before its round"),
        (-60, (CHAIN,), "wrong: was voided, but nothing shows that it was before its round"),
        (60, (), "told: was voided, before or after its round is not known"),
    ],
)
def test_a_void_is_in_time_by_the_witnesses_of_the_checkpoint_after_it(
    folder, tmp_path, due_after_s, chains, said
):
    number = 1 + (NOW_S + due_after_s - CHAIN.genesis_time_s) // CHAIN.period_s
    first = Announced("first", "cn-zj-hz", "subject-2", "2026-12", Beacon(CHAIN.hash, number), KEYS_OF_DRAW)
    freeze = write(frozen_of(entrants_of(3), draw="first", beacon=first.beacon))
    void = Voided("first", freeze_hash(freeze), "a flood")
    with witnessing(tmp_path, *KEYS) as policy:
        append(folder, LOG, policy, [write(first), freeze])
        append(folder, LOG, policy, [write(void)])
        append(folder, LOG, policy, [write(first._replace(draw="second"))])
        kept = folder.read("checkpoints/3")
        folder.write("checkpoints/3", folder.read("checkpoints/2"))
        forged = looked(folder, policy, LogFolder(tmp_path / "forged"), chains=chains)
        folder.write("checkpoints/3", kept)
        found = looked(folder, policy, LogFolder(tmp_path / "memory"), chains=chains)
    assert [bool(found.wrong), bool(forged.wrong)] == [said.startswith("wrong"), bool(chains)]
    [line] = found.wrong or [line for line in found.new if "for the matter of" in line]
    assert said.partition(": ")[2] in line


def test_a_monitor_finds_a_log_that_was_written_anew(folder, tmp_path):
    memory = LogFolder(tmp_path / "memory")
    with witnessing(tmp_path, *KEYS) as policy:
        append(folder, LOG, policy, [b"a", b"b"])
        looked(folder, policy, memory)
    other = LogFolder(tmp_path / "other")
    with witnessing(tmp_path / "elsewhere", *KEYS) as policy:
        append(other, LOG, policy, [b"a", b"x", b"c"])
        found = looked(other, policy, memory)
    assert found.wrong == ["the first 2 entries are not those that were seen before"]


def test_a_memory_that_cannot_be_read_is_said_in_a_line(folder, tmp_path):
    memory = LogFolder(tmp_path / "memory")
    told = '{"origin":"log.test/one","size":%s,"root":"%s"}'
    root = "ab" * 32
    with witnessing(tmp_path, *KEYS) as policy:
        append(folder, LOG, policy, [b"a"])
        for text, reason in (
            (told % ("1e400", root), "out of range"),
            (told % ("-3", root), "size"),
            (told % ("1.5", root), "size"),
            (told % ("1", root.upper()), "root is not 32 bytes in lower-case hex"),
            (told % ("1", root[2:]), "root is not 32 bytes in lower-case hex"),
            (told % ("1", "\\ud800"), "cannot be read"),
            ("[" * 100_000, "Expected `object`"),
            ('{"more":' + "[" * 100_000, "nested too deep"),
            ("{}", "origin"),
            ("\xff", "cannot be read"),
            (told.replace("one", "two\\n") % ("1", root), "another log, 'log.test/two"),
        ):
            memory.write("seen.json", text.encode("latin-1"))
            with pytest.raises(CeremonyUnusable, match=f"^--state: [^\n]*{reason}[^\n]*$"):
                looked(folder, policy, memory)
            assert memory.read("seen.json") == text.encode("latin-1")
        memory.write("seen.json", (told % ("1", root)).encode())
        assert looked(folder, policy, memory).wrong == [
            "the log had 1 entries before, and they are not these"
        ]
