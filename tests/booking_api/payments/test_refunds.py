"""Fees are paid back once, whatever is lost between the refund and its note."""

import asyncio
import signal
import subprocess
import sys

import pytest

from tests.booking_api.payments.conftest import BOOKING
from tests.booking_api.payments.peer import KEY


async def test_who_pays_what_was_given_up_is_settled_and_who_paid_twice_is_paid_back(world):
    first = (await world.pay()).json()["id"]
    await world.tell(first, state="closed")
    world.peer.pay(first)
    await world.tell(first)
    assert await world.states() == ["settled"]
    second = (await world.pay("b")).json()["id"]
    await world.tell(second, state="closed")
    again = await world.paid_fee("b")
    world.peer.pay(second)
    assert (await world.tell(second)).json()["state"] == "refunding"
    await world.time_passes()
    await world.mend()
    assert world.peer.orders[second]["refunds"] == 1
    assert world.peer.orders[again]["refunds"] == 0
    assert await world.states() == ["settled", "refunded", "settled"]


async def test_a_cancelled_sessions_fees_are_paid_back_used_or_not(world, token):
    orders = [await world.paid_fee(account) for account in ("a", "b", "c")]
    other = await world.paid_fee("a", subject=1)
    await world.use("b")
    assert await world.ask_refund(accounts=["a"], bookings=[BOOKING]) == 2
    assert await world.ask_refund(accounts=["a"], bookings=[BOOKING]) == 0, "once"
    assert await world.settled("a", "b", "c") == {"a": frozenset({1}), "c": frozenset({2})}
    await world.mend()
    assert [world.peer.orders[order]["refunds"] for order in (*orders, other)] == [1, 1, 0, 0]
    assert sorted(await world.states()) == ["refunded", "refunded", "settled", "settled"]
    assert [notice["kind"] for notice in await world.get("notices", "b")] == [
        "payment.refunded",
        "payment.settled",
    ]


async def test_a_refund_rolled_back_with_its_session_is_not_carried_out(world):
    order = await world.paid_fee()
    assert await world.ask_refund(commit=False) == 1
    await world.mend()
    assert world.peer.orders[order]["refunds"] == 0
    assert await world.states() == ["settled"]


async def test_a_refund_done_unheard_is_done_once(world):
    order = await world.paid_fee()
    await world.ask_refund()
    world.peer.unheard = True
    await world.mend()
    assert await world.states() == ["refunding"]
    world.peer.unheard = False
    await world.time_passes()
    await world.mend()
    assert await world.states() == ["refunded"]
    assert world.peer.orders[order]["refunds"] == 1


KILLED_BEFORE_NOTING = """
import asyncio, os, signal, sys
from booking_api import clock
from booking_api.payments import mending
from booking_api.payments.remote import HttpPaymentProvider
from reservation.database import create_engine

async def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

async def main(url, base, key):
    provider = HttpPaymentProvider(base, merchant="m1", key=key.encode(), now_s=clock.now_s)
    await mending.mend_payments(create_engine(url), provider, now=clock.now)

mending.note_standing = die
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.fault
async def test_a_worker_killed_between_the_refund_and_its_note_leaves_it_to_another(world, database_url):
    order = await world.paid_fee()
    await world.ask_refund()
    words = [sys.executable, "-c", KILLED_BEFORE_NOTING, database_url, world.peer.url, KEY.decode()]
    killed = await asyncio.to_thread(subprocess.run, words, timeout=30, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (await world.states(), world.peer.orders[order]["refunds"]) == (["refunding"], 1)
    await world.mend()
    assert world.peer.asked.count("/v1/refunds") == 1, "the dead worker's turn still runs"
    await world.time_passes()
    await world.mend()
    assert (await world.states(), world.peer.orders[order]["refunds"]) == (["refunded"], 1)
