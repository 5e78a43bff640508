"""A crowd asking the same thing at once is one read."""

import asyncio

import pytest

from reservation import fresh
from reservation.fresh import Fresh


@pytest.fixture
def reads():
    """A read that counts its calls and gives their number."""
    calls = []

    async def read() -> int:
        calls.append(None)
        await asyncio.sleep(0.01)
        return len(calls)

    return read, calls


async def test_a_crowd_shares_one_read(reads):
    read, calls = reads
    shared: Fresh[int] = Fresh()
    assert await asyncio.gather(*(shared.get("a", read) for _ in range(50))) == [1] * 50
    assert len(calls) == 1


async def test_another_key_is_another_read(reads):
    read, calls = reads
    shared: Fresh[int] = Fresh()
    await asyncio.gather(shared.get("a", read), shared.get("b", read))
    assert len(calls) == 2


async def test_a_read_is_not_fresh_for_ever(reads):
    read, _ = reads
    shared: Fresh[int] = Fresh(0.02)
    assert shared.known("a") is None
    assert await shared.get("a", read) == shared.known("a") == 1
    await asyncio.sleep(0.03)
    assert shared.known("a") is None
    assert await shared.get("a", read) == 2


async def test_a_failure_is_told_to_all_and_not_kept(reads):
    read, _ = reads

    async def fail() -> int:
        raise OSError("gone")

    shared: Fresh[int] = Fresh()
    told = await asyncio.gather(*(shared.get("a", fail) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in told] == [OSError] * 3
    assert await shared.get("a", read) == 1


async def test_one_who_hangs_up_does_not_end_the_others_read(reads):
    read, _ = reads
    shared: Fresh[int] = Fresh()
    first = asyncio.create_task(shared.get("a", read))
    second = asyncio.create_task(shared.get("a", read))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1


async def test_only_so_many_are_kept(reads, monkeypatch):
    read, _ = reads
    monkeypatch.setattr(fresh, "KEPT", 3)
    shared: Fresh[int] = Fresh()
    for key in range(10):
        await shared.get(key, read)
    assert len(shared._reads) == 3
