"""A witness cosigns what only grows, remembers it, and refuses everything else by its own status."""

import base64
import threading

import httpx
import pytest

from booking_api.ceremony.errors import CeremonyUnusable
from booking_api.ceremony.folders import LogFolder
from booking_api.ceremony.witness import BODY_LIMIT, Witness, serve_witness
from fairness.checkpoint import Checkpoint, format_checkpoint
from fairness.cosignature import read_cosignature
from fairness.merkle import consistency_proof, leaf_hash, root_of
from fairness.note import COSIGNATURE, SigningKey, parse_note, sign_note
from tests.fairness.ceremonies import hashes_of

LOG = SigningKey("log.test/one", bytes(range(32)))
KEY = SigningKey("witness.test/w", bytes(range(1, 33)))
NOW_S = 1_700_000_000


def leaves(count, name=b"entry"):
    return [leaf_hash(b"%s %d" % (name, number)) for number in range(count)]


def note_of(found, key=LOG, origin=LOG.name):
    text = format_checkpoint(Checkpoint(origin, len(found), root_of(found)))
    return text + "\n" + sign_note(text, key)


def asking(note, *, old=0, proof=()):
    lines = [f"old {old}", *(base64.b64encode(one).decode() for one in proof)]
    return ("\n".join(lines) + "\n\n" + note).encode()


def growing(old, new, name=b"entry"):
    found = leaves(new, name)
    return asking(note_of(found), old=old, proof=consistency_proof(old, new, hashes_of(found)))


@pytest.fixture
def witness(tmp_path):
    return Witness(KEY, (LOG.verifier(),), LogFolder(tmp_path / "seen"), now_s=lambda: NOW_S)


def test_a_log_that_grows_is_cosigned_with_the_time(witness):
    for old, new in ((0, 3), (3, 8), (8, 8)):
        reply = witness.add_checkpoint(growing(old, new))
        assert reply.status == 200, reply.text
        note = parse_note(note_of(leaves(new)) + reply.text)
        assert read_cosignature(note, KEY.verifier(COSIGNATURE)) == NOW_S


def test_the_witness_says_how_far_it_has_seen(witness):
    witness.add_checkpoint(growing(0, 5))
    reply = witness.add_checkpoint(growing(0, 8))
    assert (reply.status, reply.text, reply.media_type) == (409, "5\n", "text/x.tlog.size")


def test_what_it_has_seen_outlives_it(witness, tmp_path):
    witness.add_checkpoint(growing(0, 5))
    again = Witness(KEY, (LOG.verifier(),), LogFolder(tmp_path / "seen"), now_s=lambda: NOW_S)
    assert again.add_checkpoint(growing(0, 8)).status == 409
    assert again.add_checkpoint(growing(5, 8)).status == 200


def test_a_fork_is_refused_whatever_it_proves(witness):
    witness.add_checkpoint(growing(0, 5))
    fork = leaves(8, b"other")
    for proof in (
        consistency_proof(5, 8, hashes_of(fork)),
        consistency_proof(5, 8, hashes_of(leaves(8))),
        [],
    ):
        assert witness.add_checkpoint(asking(note_of(fork), old=5, proof=proof)).status == 422
    assert witness.add_checkpoint(growing(5, 8)).status == 200


def test_another_root_of_the_same_size_is_a_conflict(witness):
    witness.add_checkpoint(growing(0, 5))
    assert witness.add_checkpoint(asking(note_of(leaves(5, b"other")), old=5)).status == 409


def test_a_log_that_shrinks_is_refused(witness):
    witness.add_checkpoint(growing(0, 5))
    assert witness.add_checkpoint(asking(note_of(leaves(3)), old=5)).status == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"old 0\n\n", 400),
        (asking("no note\n"), 400),
        (asking(note_of(leaves(3)), old=-1), 400),
        (asking(note_of(leaves(3))).replace(b"old 0", b"old 00"), 400),
        (asking(note_of(leaves(3))).replace(b"old 0", b"old " + b"9" * 30), 400),
        (asking(note_of(leaves(3))).replace(b"old 0\n", b"old 0\n!!\n"), 400),
        (asking(note_of(leaves(3)), proof=[bytes(31)]), 400),
        (asking(note_of(leaves(3)), proof=[bytes(32)] * 64), 400),
        (asking(note_of(leaves(3)), proof=[bytes(32)]), 422),
        (b"\xff\xfe", 400),
        (asking(note_of(leaves(3), origin="log.test/other")), 404),
        (asking(note_of(leaves(3), key=SigningKey(LOG.name, bytes(32)))), 403),
        (asking(note_of(leaves(3)).replace("log.test/one\n3", "log.test/one\n4")), 403),
    ],
)
def test_what_cannot_be_cosigned_is_answered_by_its_status(witness, body, status):
    assert witness.add_checkpoint(body).status == status
    assert witness.add_checkpoint(growing(0, 3)).status == 200, "and nothing is remembered of it"


class _Full:
    """A memory whose disk is full."""

    def read(self, _):
        return None

    def write(self, *_):
        raise CeremonyUnusable("no space left on device")


def test_nothing_is_cosigned_that_could_not_be_remembered(tmp_path):
    witness = Witness(KEY, (LOG.verifier(),), _Full(), now_s=lambda: NOW_S)
    with pytest.raises(CeremonyUnusable, match="no space"):
        witness.add_checkpoint(growing(0, 3))
    with serve_witness(witness, host="127.0.0.1", port=0) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        answer = httpx.post(f"http://127.0.0.1:{server.server_port}/add-checkpoint", content=growing(0, 3))
    assert answer.status_code == 500
    assert "no space" in answer.text


def test_over_http(witness):
    with serve_witness(witness, host="127.0.0.1", port=0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with httpx.Client(base_url=url) as client:
            assert client.post("/add-checkpoint", content=growing(0, 3)).status_code == 200
            assert client.post("/other", content=b"x").status_code == 404
            assert client.get("/add-checkpoint").status_code == 501
            conflict = client.post("/add-checkpoint", content=growing(0, 8))
            assert (conflict.text, conflict.headers["content-type"]) == ("3\n", "text/x.tlog.size")
            assert client.post("/add-checkpoint", content=bytes(BODY_LIMIT + 1)).status_code == 413
        server.shutdown()


def test_a_port_that_is_taken_is_said(witness):
    with (
        serve_witness(witness, host="127.0.0.1", port=0) as server,
        pytest.raises(CeremonyUnusable, match="in use"),
    ):
        serve_witness(witness, host="127.0.0.1", port=server.server_port)
