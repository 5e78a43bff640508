"""The first page while a rush is on: how long until its first byte, and what it weighs over the wire.

    python -m loadtest.first_page [--rate 1000] [--seconds 20]

A platform of its own; holds and releases at a steady rate from another process; a stranger's browser that comes anew
ten times a second. Prints the figures without the rush and during it.
"""

import asyncio
import gzip
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from booking_api.cli import Unusable
from booking_api.cli.surroundings import open_kernel
from loadtest.answers import percentile
from loadtest.cli import run
from loadtest.plan import SECONDS_LIMIT
from loadtest.stage import Stage, running_stage
from loadtest.steady import Stream
from loadtest.stock import publish
from reservation import tables

SIZES = [400] * 100
VISITS_EVERY_S = 0.1
ANSWER_TIMEOUT_S = 20.0
START_S = 2.0
_LINKED = re.compile(rb'(?:src|href)="(/(?:static/[^"#]+|manifest\.webmanifest))')
HEAD = "Host: 127.0.0.1\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\nAccept-Language: en\r\nConnection: close\r\n\r\n"


class Visit(NamedTuple):
    """One answer: milliseconds to its first byte, connecting included, and its bytes with headers."""

    status: int
    first_byte_ms: float
    content: bytes


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured. Milliseconds to the first byte; bytes of the page with everything it links."""

    page_bytes: int
    first_view_bytes: int
    requests: int
    calm_ms: list[float]
    rush_ms: list[float]
    failed: int
    rush: Stream


@click.command("first-page", context_settings={"show_default": True})
@click.option("--rate", type=click.IntRange(1, 5_000), default=1_000, help="Requests a second beside it.")
@click.option("--seconds", type=click.IntRange(2, SECONDS_LIMIT), default=20)
@click.option("--json", "as_json", is_flag=True)
def command(rate: int, seconds: int, *, as_json: bool) -> int:
    """The first page's first byte and weight, without a rush and during one."""
    folder = Path(tempfile.mkdtemp(prefix="gongdao-first-page-"))
    try:
        with Console(stderr=True).status("measuring"), running_stage(folder, limits={}) as stage:
            figures = _measure(stage, rate=rate, seconds=seconds)
    finally:
        shutil.rmtree(folder)
    if as_json:
        sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
    else:
        _print(Console(), figures)
    return 1 if figures.failed else 0


def _measure(stage: Stage, *, rate: int, seconds: int) -> Figures:
    pool, _ = asyncio.run(publish(stage, sizes=SIZES, hold_ttl_s=60, timeout_s=60))
    host, port = stage.url.removeprefix("http://").split(":")
    page = _visit(host, int(port), f"/?pool={pool}")
    linked = {found.decode() for found in _LINKED.findall(_unpacked(page.content))}
    weights = [len(_visit(host, int(port), path).content) for path in sorted(linked)]
    calm = _visits(host, int(port), pool, seconds=min(seconds, 5))
    steady = _start_rush(stage, pool, rate=rate, seconds=seconds)
    time.sleep(START_S)
    rush = _visits(host, int(port), pool, seconds=seconds - START_S)
    told, _ = steady.communicate(timeout=seconds + ANSWER_TIMEOUT_S)
    if steady.returncode != 0:
        raise Unusable(f"the rush ended with status {steady.returncode}")
    return Figures(
        page_bytes=len(page.content),
        first_view_bytes=len(page.content) + sum(weights),
        requests=1 + len(weights),
        calm_ms=[visit.first_byte_ms for visit in calm],
        rush_ms=[visit.first_byte_ms for visit in rush],
        failed=sum(1 for visit in (*calm, *rush) if visit.status != 200),
        rush=msgspec.json.decode(told, type=Stream),
    )


def _start_rush(stage: Stage, pool: int, *, rate: int, seconds: int) -> subprocess.Popen[bytes]:
    units = asyncio.run(_units(stage, pool))
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "loadtest.steady", "--url", stage.url),
            *("--key-file", str(stage.key_file), "--pool", str(pool)),
            *("--units", ",".join(map(str, units)), "--rate", str(rate), "--seconds", str(seconds)),
        ],
        stdout=subprocess.PIPE,
    )


async def _units(stage: Stage, pool: int) -> list[int]:
    async with open_kernel(stage.addresses) as kernel, kernel.engine.connect() as connection:
        query = select(tables.unit.c.id).where(tables.unit.c.pool_id == pool)
        return list((await connection.execute(query)).scalars())


def _visits(host: str, port: int, pool: int, *, seconds: float) -> list[Visit]:
    found: list[Visit] = []
    due = time.monotonic()
    over = due + seconds
    while due < over:
        time.sleep(max(0.0, due - time.monotonic()))
        found.append(_visit(host, port, f"/?pool={pool}"))
        due += VISITS_EVERY_S
    return found


def _visit(host: str, port: int, path: str) -> Visit:
    """One request on a connection of its own, as a browser that has never been here."""
    began = time.perf_counter()
    with socket.create_connection((host, port), timeout=ANSWER_TIMEOUT_S) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\n{HEAD}".encode())
        content = connection.recv(65_536)
        first_byte_ms = (time.perf_counter() - began) * 1000
        while more := connection.recv(65_536):
            content += more
    return Visit(int(content[9:12] or b"0"), round(first_byte_ms, 2), content)


def _unpacked(content: bytes) -> bytes:
    """A page's body, whether it came packed or not."""
    head, _, body = content.partition(b"\r\n\r\n")
    if b"content-encoding: gzip" not in head.lower():
        return body
    if b"transfer-encoding: chunked" in head.lower():
        body = _joined(body)
    return gzip.decompress(body)


def _joined(body: bytes) -> bytes:
    """The chunks of RFC 9112, section 7.1, put together."""
    found = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        found, body = found + rest[:length], rest[length + 2 :]
        if length == 0:
            break
    return found


def _print(console: Console, figures: Figures) -> None:
    table = Table("first byte of the first page", "visits", "p50", "p95", "p99", "most", title=None)
    for name, times in (
        ("alone", figures.calm_ms),
        (f"at {figures.rush.per_s:,.0f} requests/s", figures.rush_ms),
    ):
        shown = [f"{percentile(times, share):.1f} ms" for share in (50, 95, 99, 100)]
        table.add_row(name, str(len(times)), *shown)
    console.print(table)
    console.print(
        f"{figures.page_bytes:,} bytes the page, {figures.first_view_bytes:,} with all it links, in "
        f"{figures.requests} requests; the rush was answered {figures.rush.answers}, "
        f"{figures.rush.slow_share:.1%} sent late; {figures.failed} visits failed"
    )


if __name__ == "__main__":
    run(command)
