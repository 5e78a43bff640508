"""Work beside serving goes on whatever one round of it does, and ends when it is told to."""

import asyncio

from sqlalchemy.exc import OperationalError

from booking_api.repeating import repeated

FAILURES = [OperationalError("SELECT", {}, OSError("gone")), TimeoutError(), ZeroDivisionError("our own")]


async def test_a_failing_round_is_logged_and_the_next_one_comes(caplog):
    rounds = 0

    async def work() -> bool:
        nonlocal rounds
        rounds += 1
        if rounds <= len(FAILURES):
            raise FAILURES[rounds - 1]
        return False

    async with repeated(work, name="work", every_s=0.001):
        while rounds < len(FAILURES) + 2:
            await asyncio.sleep(0.001)
    said = [(record.levelname, record.exc_info is not None) for record in caplog.records]
    assert said == [("WARNING", False), ("WARNING", False), ("ERROR", True)]
    ended = rounds
    await asyncio.sleep(0.02)
    assert rounds == ended


async def test_while_there_is_more_nobody_waits():
    rounds = 0

    async def work() -> bool:
        nonlocal rounds
        rounds += 1
        return rounds < 100

    async with repeated(work, name="work", every_s=3_600), asyncio.timeout(5):
        while rounds < 100:
            await asyncio.sleep(0)


async def test_a_round_under_way_is_ended_with_the_worker():
    ended = asyncio.Event()

    async def work() -> bool:
        try:
            await asyncio.sleep(3_600)
        finally:
            ended.set()
        return False

    async with repeated(work, name="work", every_s=0), asyncio.timeout(5):
        await asyncio.sleep(0.01)
    assert ended.is_set()
