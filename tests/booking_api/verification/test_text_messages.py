"""Messages reach the gateway once, with the key; or a file that only its owner reads."""

import asyncio
import json
import stat

import pytest

from booking_api import clock
from booking_api import outbound as outbound_module
from booking_api.outbound import Outbound
from booking_api.verification.errors import MessageNotSent
from booking_api.verification.text_messages import FileTextMessages, HttpTextMessages
from tests.peers import Told, peer


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(outbound_module, "TRY_S", 0.3)
    monkeypatch.setattr(outbound_module, "PAUSE_S", 0.01)


class Gateway:
    """Delivers each message once by its Idempotency-Key, after the statuses it was told to answer first."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.delivered = {}
        self.asked = 0

    async def answer(self, asked):
        self.asked += 1
        if asked.headers["authorization"] != "Bearer the-key-of-the-gateway":
            return Told(401)
        status = self.statuses.pop(0) if self.statuses else 202
        # A gateway may take a message and fail to say so.
        if status != 400:
            self.delivered[asked.headers["idempotency-key"]] = json.loads(asked.body)
        return Told(status)


async def send(gateway, key=b"the-key-of-the-gateway"):
    outbound = Outbound()
    try:
        async with peer(gateway.answer) as url:
            await HttpTextMessages(outbound, url=url, key=key).send(to="13800138000", text="验证码 1")
    finally:
        await outbound.close()


async def test_a_message_is_delivered_once_though_it_is_offered_three_times():
    gateway = Gateway(503, 500)
    await send(gateway)
    assert gateway.asked == 3
    assert list(gateway.delivered.values()) == [{"to": "13800138000", "text": "验证码 1"}]


@pytest.mark.parametrize(("statuses", "asked"), [([400], 1), ([500] * 3, 3)])
async def test_a_gateway_that_does_not_take_it_is_told(statuses, asked):
    gateway = Gateway(*statuses)
    with pytest.raises(MessageNotSent):
        await send(gateway)
    assert gateway.asked == asked


async def test_a_wrong_key_is_told():
    with pytest.raises(MessageNotSent):
        await send(Gateway(), key=b"another key of the gateway")


async def test_in_a_file_each_message_is_a_line_and_nobody_else_reads_it(tmp_path):
    path = tmp_path / "messages.jsonl"
    path.touch(mode=0o644)
    messages = [FileTextMessages(path, now=clock.now) for _ in range(2)]
    await asyncio.gather(*(messages[n % 2].send(to=str(n), text="码" * 50) for n in range(20)))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(int(line["to"]) for line in lines) == list(range(20))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(MessageNotSent):
        await FileTextMessages(tmp_path / "none" / "messages.jsonl", now=clock.now).send(to="1", text="x")
