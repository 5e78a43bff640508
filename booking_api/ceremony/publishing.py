"""Entries into a log, and the log before its witnesses. Imports httpx.

Nothing is promised before the checkpoint file is written, and that comes last: after the witnesses' quorum.
"""

import base64
from collections.abc import Sequence

import httpx

from booking_api.ceremony.errors import CeremonyRefused, CeremonyUnusable
from booking_api.ceremony.folders import ANSWER_TIMEOUT_S, CHECKPOINT, KEPT, LogFolder
from fairness.checkpoint import Checkpoint, format_checkpoint, open_checkpoint
from fairness.log import LogBuilder, LogRefused
from fairness.note import NoteRefused, SigningKey, parse_note, sign_note
from fairness.policy import Policy, Witness, check_checkpoint

CONFLICT = 409
TRIES = 3


def open_log(folder: LogFolder, key: SigningKey) -> LogBuilder:
    """The log as its checkpoint has it; an empty one where there is none.

    Raises:
        CeremonyUnusable: checkpoint or tiles cannot be used, or the log is another key's.
    """
    note = folder.read(CHECKPOINT)
    if note is None:
        return LogBuilder(folder)
    try:
        checkpoint = open_checkpoint(parse_note(note), key.verifier())
        return LogBuilder.open(folder, size=checkpoint.size, root=checkpoint.root)
    except (NoteRefused, LogRefused) as error:
        raise CeremonyUnusable(f"{folder.path}: {error}") from error


def append(folder: LogFolder, key: SigningKey, policy: Policy, entries: Sequence[bytes]) -> int:
    """Appends entries (or none), has the log witnessed, and publishes its checkpoint. Gives the first one's index.

    Raises:
        CeremonyUnusable: the folder cannot be written, or a witness that the quorum needs does not answer.
        CeremonyRefused: the witnesses refuse, so that the log must not be published.
    """
    with folder.writing():
        log = open_log(folder, key)
        first = log.head.size
        try:
            log.append(entries)
        except LogRefused as error:
            raise CeremonyUnusable(str(error)) from error
        text = format_checkpoint(Checkpoint(key.name, log.head.size, log.head.root))
        note = text + "\n" + sign_note(text, key)
        lines, problems = _cosignatures(log, note, policy, since=first)
        note += "".join(lines)
        try:
            check_checkpoint(policy, note)
        except NoteRefused as error:
            raise CeremonyRefused("; ".join([str(error), *problems])) from error
        # A crash between these two leaves the old log published; the next append brings the same again.
        folder.write(f"{KEPT}/{log.head.size}", note.encode())
        folder.write(CHECKPOINT, note.encode())
    return first


def _cosignatures(log: LogBuilder, note: str, policy: Policy, *, since: int) -> tuple[list[str], list[str]]:
    """(the lines that witnesses gave, why others gave none). A witness without an address is not asked."""
    lines: list[str] = []
    problems: list[str] = []
    with httpx.Client(timeout=ANSWER_TIMEOUT_S) as client:
        for witness in policy.witnesses.values():
            if witness.url is None:
                continue
            try:
                lines.append(_ask(client, witness, log, note, since=since))
            except (CeremonyUnusable, httpx.HTTPError) as error:
                problems.append(f"{witness.name}: {error}")
    return lines, problems


def _ask(client: httpx.Client, witness: Witness, log: LogBuilder, note: str, *, since: int) -> str:
    """One witness's lines. It says itself how far it has seen the log, when that is not where we think."""
    old = since
    for _ in range(TRIES):
        proof = log.consistency_proof(old, log.head.size)
        body = f"old {old}\n" + "".join(f"{base64.b64encode(one).decode()}\n" for one in proof) + "\n" + note
        answer = client.post(f"{witness.url}/add-checkpoint", content=body.encode())
        if answer.is_success:
            return answer.text
        seen = answer.text.strip()
        if answer.status_code != CONFLICT or not seen.isdigit() or not int(seen) <= log.head.size:
            raise CeremonyUnusable(f"answered {answer.status_code} {seen[:200]}")
        old = int(seen)
    raise CeremonyUnusable("it has seen another log")
