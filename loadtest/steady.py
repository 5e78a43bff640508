"""A steady stream of holds and releases, so many requests a second, from many people. Imports gevent and joserfc.

    python -m loadtest.steady --url http://127.0.0.1:8000 --key-file token.jwk --pool 1 --units 1,2,3

Paced by the clock and not by the answers: a slow server gets its next request on time. Prints one JSON line.
"""

import sys
import time
from collections import Counter
from pathlib import Path

import click
import gevent
import msgspec

from booking_api.identity.tokens import issue_token, load_key
from loadtest.cli import run
from loadtest.connection import Answer, Connection
from loadtest.plan import SECONDS_LIMIT, source_address

RATE_LIMIT = 5_000
ASKS_EVERY_S = 1.0
"""One person's pace, well under the limit per account."""


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent and how it was answered, by status; 0 where no answer came."""

    seconds: float
    requests: int
    per_s: float
    answers: dict[int, int]
    slow_share: float
    """Of the requests that were due, how many were sent more than a pace late: the sender itself was too slow."""


@click.command("steady")
@click.option("--url", required=True)
@click.option("--key-file", type=click.Path(path_type=Path), required=True)
@click.option("--pool", type=int, required=True)
@click.option("--units", required=True, help="Ids with commas.")
@click.option("--rate", type=click.IntRange(1, RATE_LIMIT), default=1_000, show_default=True)
@click.option("--seconds", type=click.IntRange(1, SECONDS_LIMIT), default=20, show_default=True)
def command(*, url: str, key_file: Path, pool: int, units: str, rate: int, seconds: int) -> int:
    """Holds and releases at this rate; loopback only."""
    if not url.startswith("http://127."):
        raise click.UsageError("clients send to 127.0.0.0/8 only")
    key, now_s = load_key(key_file), int(time.time())
    wanted = [int(unit) for unit in units.split(",")]
    answers: Counter[int] = Counter()
    late = [0]
    began = time.monotonic()

    def person(number: int) -> None:
        account = f"steady-{number}"
        token = issue_token(key, account=account, now_s=now_s, life_s=SECONDS_LIMIT * 2, verified=True)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection = Connection(url, source=source_address(number), at_once=1)
        body = msgspec.json.encode({"pool": pool, "units": [wanted[number % len(wanted)]]})
        due, held = began + number / rate * ASKS_EVERY_S, ""
        while due < began + seconds:
            gevent.sleep(max(0.0, due - time.monotonic()))
            late[0] += time.monotonic() > due + ASKS_EVERY_S
            answer = _ask(connection, held, body, headers)
            held = "" if held else str(answer.body.get("id", ""))
            answers[answer.status] += 1
            due += ASKS_EVERY_S
        connection.close()

    gevent.joinall([gevent.spawn(person, number) for number in range(round(rate * ASKS_EVERY_S))])
    sent = sum(answers.values())
    took = time.monotonic() - began
    told = Stream(
        seconds=round(took, 1),
        requests=sent,
        per_s=round(sent / took, 1),
        answers=dict(answers),
        slow_share=round(late[0] / max(sent, 1), 4),
    )
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    return 0


def _ask(connection: Connection, held: str, body: bytes, headers: dict[str, str]) -> Answer:
    if held:
        return connection.ask("DELETE", f"/api/v1/holds/{held}", body=b"", headers=headers)
    return connection.ask("POST", "/api/v1/holds", body=body, headers=headers)


if __name__ == "__main__":
    run(command)
