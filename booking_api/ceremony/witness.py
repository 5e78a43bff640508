"""A witness of logs: cosigns a checkpoint when the log has only grown since the last one it cosigned.

c2sp.org/tlog-witness, `POST /add-checkpoint`. Its memory is one file a log, on the disk before the cosignature leaves.
"""

import base64
import binascii
import threading
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from booking_api.ceremony.errors import CeremonyUnusable
from booking_api.ceremony.folders import LogFolder
from fairness.checkpoint import Checkpoint, CheckpointRefused, parse_checkpoint
from fairness.cosignature import cosign
from fairness.merkle import ProofRefused, check_consistency
from fairness.note import Note, NoteRefused, SigningKey, VerifierKey, parse_note, verify_signature

BODY_LIMIT = 200_000
PROOF_LIMIT = 63
TEXT, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    text: str
    media_type: str = TEXT


class _Asked(NamedTuple):
    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


class Witness:
    """Owns the witness's key and what it has seen of each log."""

    def __init__(
        self, key: SigningKey, logs: tuple[VerifierKey, ...], memory: LogFolder, *, now_s: Callable[[], int]
    ) -> None:
        self._key = key
        self._logs = {log.name: log for log in logs}
        self._memory = memory
        self._now_s = now_s
        self._lock = threading.Lock()

    def add_checkpoint(self, body: bytes) -> Reply:
        """Cosigns, or says why not, by the status that the specification gives each case."""
        try:
            asked = _read(body)
        except (NoteRefused, ValueError) as error:
            return Reply(400, f"{error}\n")
        log = self._logs.get(asked.checkpoint.origin)
        if log is None:
            return Reply(404, "this log is not known here\n")
        try:
            signed = verify_signature(asked.note, log)
        except NoteRefused:
            signed = False
        if not signed:
            return Reply(403, "the log's signature does not verify\n")
        if asked.old > asked.checkpoint.size:
            return Reply(400, "old is larger than the checkpoint\n")
        # What is compared must not change before it is written: one checkpoint at a time.
        with self._lock:
            return self._grow(asked)

    def _grow(self, asked: _Asked) -> Reply:
        path = sha256(asked.checkpoint.origin.encode()).hexdigest()
        kept = self._memory.read(path)
        known = parse_checkpoint(kept.decode()) if kept is not None else None
        size = known.size if known is not None else 0
        if asked.old != size:
            return Reply(409, f"{size}\n", SIZE)
        new = asked.checkpoint
        if known is not None and known.size == new.size and known.root != new.root:
            return Reply(409, f"{size}\n", SIZE)
        try:
            _check_growth(known, new, asked.proof)
        except ProofRefused as error:
            return Reply(422, f"{error}\n")
        # A crash after this line has cosigned nothing, and cosigns the same checkpoint when asked again.
        self._memory.write(path, asked.note.text.encode())
        return Reply(200, cosign(asked.note.text, self._key, self._now_s()))


def _check_growth(known: Checkpoint | None, new: Checkpoint, proof: tuple[bytes, ...]) -> None:
    if known is not None and known.size:
        check_consistency(old=known.size, new=new.size, old_root=known.root, new_root=new.root, proof=proof)
    elif proof:
        raise ProofRefused("from nothing there is no proof")


def _read(body: bytes) -> _Asked:
    head, _, note_text = body.partition(b"\n\n")
    first, *hashes = head.decode("ascii").split("\n")
    word, _, size = first.partition(" ")
    if word != "old" or not size.isdigit() or (size != "0" and size.startswith("0")) or len(size) > 19:
        raise ValueError("the first line is not old and a size")
    if len(hashes) > PROOF_LIMIT:
        raise ValueError(f"there are more than {PROOF_LIMIT} hashes")
    note = parse_note(note_text)
    return _Asked(int(size), tuple(map(_hash, hashes)), note, parse_checkpoint(note.text))


def _hash(line: str) -> bytes:
    try:
        found = base64.b64decode(line, validate=True)
    except binascii.Error:
        raise ValueError("a line of the proof is no hash in base64") from None
    if len(found) != 32:
        raise ValueError("a hash of the proof has not 32 bytes")
    return found


def serve_witness(witness: Witness, *, host: str, port: int) -> ThreadingHTTPServer:
    """The witness's server, listening; `serve_forever` answers.

    Raises:
        CeremonyUnusable: the port cannot be had.
    """

    class Handler(BaseHTTPRequestHandler):
        """One connection."""

        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            """Answers `add-checkpoint`."""
            length = self.headers.get("Content-Length", "")
            if self.path != "/add-checkpoint":
                self._send(Reply(404, "only /add-checkpoint is here\n"))
            elif not length.isdigit() or int(length) > BODY_LIMIT:
                self._send(Reply(413, "the body is too long, or its length is not said\n"))
            else:
                self._send(self._answer(self.rfile.read(int(length))))

        def _answer(self, body: bytes) -> Reply:
            try:
                return witness.add_checkpoint(body)
            except (CeremonyUnusable, CheckpointRefused) as error:
                return Reply(500, f"the witness's memory cannot be used: {error}\n")

        def _send(self, reply: Reply) -> None:
            body = reply.text.encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.media_type)
            self.send_header("Content-Length", str(len(body)))
            if reply.status == 413:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it is called by
            """Says nothing: whoever calls is no matter of the witness's."""

    try:
        return ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise CeremonyUnusable(f"{host}:{port}: {error.strerror or error}") from error
