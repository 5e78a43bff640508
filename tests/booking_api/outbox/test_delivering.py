"""Webhooks reach a real server: signed, at least once, never by two workers at once, and never for ever."""

import asyncio
import ipaddress
import signal
import ssl
import subprocess
import sys
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from booking_api import clock
from booking_api.outbox import addresses, courier, delivering
from booking_api.outbox.courier import Courier
from booking_api.outbox.pruning import prune_outbox
from tests.booking_api.outbox.conftest import SCHOOL
from tests.booking_api.outbox.receiver import Receiver


async def test_a_message_is_what_happened_signed_and_delivered_once(world):
    webhook = await world.register()
    await world.happen(batch="b-7", seats=12)
    assert await world.deliver() is True
    assert await world.deliver() is False
    [received] = world.receiver.received
    assert received.path == "/hook"
    assert received.headers["content-type"] == "application/json"
    assert received.message() == {
        "type": "batch.finished",
        "timestamp": "2026-11-25T06:00:00Z",
        "data": {"batch": "b-7", "seats": 12, "organisation": SCHOOL},
    }
    assert received.is_signed_with(webhook.secret)
    assert not received.is_signed_with("whsec_" + "A" * 44)
    assert not received._replace(body=received.body.replace(b"12", b"13")).is_signed_with(webhook.secret)
    [row] = await world.deliveries()
    assert (row.state, row.attempts, row.last_status, row.last_error) == ("delivered", 1, 204, None)


async def test_the_account_of_an_event_is_not_told_to_the_webhook(world):
    await world.register()
    await world.happen(account="p-secret")
    await world.deliver()
    assert b"p-secret" not in world.receiver.received[0].body


async def test_a_failed_try_is_repeated_later_with_the_same_id(world):
    world.receiver.answer = lambda nth: (500 if nth < 3 else 200, {})
    webhook = await world.register()
    await world.happen()
    for attempt, pause_s in ((1, 30), (2, 120)):
        await world.deliver()
        assert await world.deliver() is False, "not due yet"
        [row] = await world.deliveries()
        assert (row.state, row.attempts, row.last_status) == ("waiting", attempt, 500)
        assert pause_s - 5 < row.due_in_s <= pause_s * 1.2 + 1
        await world.time_passes()
    await world.deliver()
    assert [row.state for row in await world.deliveries()] == ["delivered"]
    assert len({received.id for received in world.receiver.received}) == 1
    assert all(received.is_signed_with(webhook.secret) for received in world.receiver.received)


async def test_after_the_last_try_it_has_failed_and_is_sent_no_more(world):
    world.receiver.answer = lambda _: (503, {})
    await world.register()
    await world.happen()
    for _ in range(delivering.ATTEMPTS):
        await world.deliver()
        await world.time_passes()
    assert await world.deliver() is False
    [row] = await world.deliveries()
    assert (row.state, row.attempts) == ("failed", 8)
    assert len(world.receiver.received) == 8
    assert (await world.rows("SELECT failing_since IS NOT NULL AS failing, off_at FROM webhook"))[0] == (
        True,
        None,
    )


def test_eight_tries_take_about_a_day_and_spread():
    assert timedelta(hours=20) < timedelta(seconds=sum(delivering.PAUSES_S)) < timedelta(hours=28)
    pauses = {delivering.pause_s(7) for _ in range(50)}
    assert len(pauses) > 25
    assert all(50_400 <= pause <= 60_480 for pause in pauses)


async def test_a_redirect_is_a_failure_and_is_not_followed(world):
    world.receiver.answer = lambda _: (302, {"Location": f"http://127.0.0.1:{world.receiver.port}/elsewhere"})
    await world.register()
    await world.happen()
    await world.deliver()
    assert [received.path for received in world.receiver.received] == ["/hook"]
    assert (await world.deliveries())[0].last_error == "status 302"


async def test_a_receiver_that_is_slow_is_left_and_tried_again(world, monkeypatch):
    monkeypatch.setattr(courier, "SEND_TIMEOUT_S", 0.3)
    world.receiver.delay_s = 0.8
    await world.register()
    await world.happen()
    await world.deliver()
    [row] = await world.deliveries()
    assert (row.state, row.last_status, row.last_error) == ("waiting", None, "no answer in time")


async def test_a_receiver_that_is_not_there_is_tried_again(world):
    closed = Receiver()
    closed.close()
    await world.register(closed.url)
    await world.happen()
    await world.deliver()
    assert (await world.deliveries())[0].last_error == "ConnectError"


async def test_two_workers_never_send_the_same_at_once(world):
    world.receiver.delay_s = 0.2
    await world.register()
    for _ in range(3):
        await world.happen()
    other = Courier(loopback=True)

    await asyncio.gather(*(world.deliver(courier) for courier in (None, other, None, other)))
    await other.close()
    assert len({received.id for received in world.receiver.received}) == len(world.receiver.received) == 3
    assert {(row.state, row.attempts) for row in await world.deliveries()} == {("delivered", 1)}


async def test_without_the_lease_they_would(world, monkeypatch):
    """The negative control of the test above."""
    monkeypatch.setattr(delivering, "LEASE_S", 0)
    world.receiver.delay_s = 0.3
    await world.register()
    await world.happen()
    first = asyncio.create_task(world.deliver())
    await asyncio.sleep(0.1)
    await asyncio.gather(first, world.deliver())
    assert len(world.receiver.received) == 2


async def test_who_was_too_slow_for_its_lease_changes_nothing(world):
    """The first sending fails late, after another worker has delivered: the failure is not noted over the success."""
    world.receiver.delay_s = 0.3
    world.receiver.answer = lambda nth: (500 if nth == 1 else 200, {})
    await world.register()
    await world.happen()
    late = asyncio.create_task(world.deliver())
    while not world.receiver.received:
        await asyncio.sleep(0.01)
    await world.time_passes()
    world.receiver.delay_s = 0
    await world.deliver()
    await late
    [row] = await world.deliveries()
    assert (row.state, row.attempts, row.last_status) == ("delivered", 2, 200)


KILLED_BEFORE_NOTING = """
import asyncio, os, signal, sys
from pathlib import Path
from booking_api import clock
from booking_api.identity.tokens import load_key
from booking_api.outbox import delivering
from booking_api.outbox.courier import Courier
from reservation.database import create_engine

async def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

delivering._note = die
url, key = sys.argv[1:]
asyncio.run(delivering.deliver_due(create_engine(url), Courier(loopback=True), load_key(Path(key)), now=clock.now))
"""


@pytest.mark.fault
async def test_a_worker_killed_between_sending_and_noting_leaves_it_to_another(world, database_url, settings):
    webhook = await world.register()
    await world.happen()
    words = [sys.executable, "-c", KILLED_BEFORE_NOTING, database_url, str(settings.key_file)]
    killed = await asyncio.to_thread(subprocess.run, words, timeout=30, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(world.receiver.received) == 1
    assert await world.deliver() is False, "the dead worker's lease still runs"
    [row] = await world.deliveries()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert 40 < row.due_in_s <= delivering.LEASE_S
    await world.time_passes()
    await world.deliver()
    assert [row.state for row in await world.deliveries()] == ["delivered"]
    first, second = world.receiver.received
    assert first.id == second.id
    assert first.body == second.body
    assert second.is_signed_with(webhook.secret)


async def test_a_failure_of_our_own_is_a_failed_try_and_keeps_nobody_else_waiting(world, monkeypatch, caplog):
    async def resolve(text, *, loopback):
        if text.endswith("/poison"):
            raise ZeroDivisionError
        return await addresses.resolve_target(text, loopback=loopback)

    await world.register(f"{world.receiver.url}/poison")
    await world.register()
    monkeypatch.setattr(courier, "resolve_target", resolve)
    await world.happen()
    await world.deliver()
    rows = await world.deliveries()
    assert sorted((row.state, row.attempts) for row in rows) == [("delivered", 1), ("waiting", 1)]
    assert "ZeroDivisionError" in caplog.text


async def test_a_webhook_deleted_while_its_message_is_on_its_way_is_gone_without_trouble(world):
    world.receiver.delay_s = 0.2
    world.receiver.answer = lambda _: (500, {})
    await world.register()
    await world.happen()
    sending = asyncio.create_task(world.deliver())
    while not world.receiver.received:
        await asyncio.sleep(0.01)
    await world.rows("DELETE FROM webhook")
    assert await sending is True
    assert await world.deliveries() == []


async def test_a_slow_receiver_does_not_take_the_whole_batch(world):
    busy, quiet = await world.register(), await world.register(kinds=["plan.published"])
    for _ in range(delivering.EACH_AT_ONCE + 2):
        await world.happen()
    await world.happen("plan.published")
    await world.deliver()
    done = [str(row.webhook) for row in await world.deliveries() if row.state == "delivered"]
    assert done.count(busy.id) == delivering.EACH_AT_ONCE
    assert done.count(quiet.id) == 1


async def test_a_webhook_that_fails_for_three_days_is_switched_off_and_its_registrars_are_told(world):
    world.receiver.answer = lambda _: (500, {})
    webhook = await world.register(account="p1")
    await world.register(kinds=["plan.published"], account="p2")
    await world.happen()
    await world.happen()
    await world.deliver()
    await world.rows("UPDATE webhook SET failing_since = failing_since - interval '71 hours'")
    await world.time_passes()
    await world.deliver()
    assert (await world.rows("SELECT count(*) FROM webhook WHERE off_at IS NOT NULL"))[0].count == 0
    await world.rows("UPDATE webhook SET failing_since = failing_since - interval '1 hour'")
    await world.time_passes()
    await world.deliver()
    [off] = await world.rows("SELECT id, off_reason FROM webhook WHERE off_at IS NOT NULL")
    assert (str(off.id), off.off_reason) == (webhook.id, "no try has succeeded for three days")
    assert {row.state for row in await world.deliveries()} == {"failed"}
    notices = await world.rows("SELECT account, kind, facts FROM notice ORDER BY account")
    assert [(row.account, row.kind) for row in notices] == [("p1", "webhook.off"), ("p2", "webhook.off")]
    assert notices[0].facts["url"] == world.receiver.url
    await world.happen()
    assert len(await world.deliveries()) == 2, "nothing more is kept for it"


async def test_one_success_ends_the_failing(world):
    world.receiver.answer = lambda nth: (500 if nth == 1 else 200, {})
    await world.register()
    await world.happen()
    await world.deliver()
    await world.rows("UPDATE webhook SET failing_since = failing_since - interval '80 hours'")
    await world.time_passes()
    await world.deliver()
    assert (await world.rows("SELECT failing_since, off_at FROM webhook"))[0] == (None, None)


async def test_a_receiver_that_says_gone_is_switched_off_at_once(world):
    world.receiver.answer = lambda _: (410, {})
    await world.register()
    await world.happen()
    await world.deliver()
    assert "410" in (await world.rows("SELECT off_reason FROM webhook"))[0].off_reason


def _certificate(folder, name):
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem, encoding = folder / f"{name}.pem", serialization.Encoding.PEM
    key = private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(key + certificate.public_bytes(encoding))
    return pem


class TlsReceiver:
    """Owns a receiver with a certificate for a name, which resolves to this machine."""

    def __init__(self, folder, certified: str) -> None:
        pem = _certificate(folder, certified)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(pem)
        self.receiver = Receiver(tls=tls)
        self.trusting = ssl.create_default_context(cafile=pem)
        self.url = f"https://hooks.example.com:{self.receiver.port}/hook"

    async def send(self, *, loopback: bool):
        """What comes of one sending to it, and what it received."""
        courier = Courier(loopback=loopback, tls=self.trusting)
        outcome = await courier.send(self.url, body=b"{}", headers={})
        await courier.close()
        self.receiver.close()
        return outcome, self.receiver.received


@pytest.fixture
def resolves_here(monkeypatch):
    async def resolve(_host, _port):
        return [ipaddress.ip_address("127.0.0.1")]

    monkeypatch.setattr(addresses, "_resolve", resolve)


async def test_the_address_is_called_but_the_name_is_asked_for_and_certified(tmp_path, resolves_here):
    tls = TlsReceiver(tmp_path, "hooks.example.com")
    outcome, [received] = await tls.send(loopback=True)
    assert outcome == (204, None)
    assert received.headers["host"] == f"hooks.example.com:{tls.receiver.port}"


async def test_a_certificate_for_another_name_is_refused(tmp_path, resolves_here):
    assert await TlsReceiver(tmp_path, "other.example.com").send(loopback=True) == (
        (None, "ConnectError"),
        [],
    )


async def test_a_name_that_resolves_to_this_machine_at_sending_is_not_called(tmp_path, resolves_here):
    """As DNS rebinding does: when it was registered it resolved to something public."""
    outcome, received = await TlsReceiver(tmp_path, "hooks.example.com").send(loopback=False)
    assert received == []
    assert outcome.error == "address refused: the host must have public addresses only"


async def test_without_the_check_it_would_be(tmp_path, resolves_here, monkeypatch):
    """The negative control of the test above."""
    monkeypatch.setattr(addresses, "_may_call", lambda *_, **__: True)
    outcome, received = await TlsReceiver(tmp_path, "hooks.example.com").send(loopback=False)
    assert outcome.delivered
    assert len(received) == 1


async def test_what_was_told_long_ago_is_cleared_and_nothing_else(world):
    await world.register()
    await world.happen(account="p1", old=True)
    await world.deliver()
    world.receiver.answer = lambda _: (500, {})
    await world.happen(account="p1", old=False)
    await world.deliver()
    await world.rows("UPDATE delivery SET ended_at = ended_at - interval '31 days'")
    await world.rows("UPDATE event SET noted_at = noted_at - interval '31 days'")
    assert await prune_outbox(world.engine) is False
    assert [row.state for row in await world.rows("SELECT state FROM delivery")] == ["waiting"]
    assert [row.facts for row in await world.rows("SELECT facts FROM event")] == [{"old": False}]
    assert len(await world.rows("SELECT 1 FROM notice")) == 2
    await world.rows(
        "UPDATE notice SET noted_at = noted_at - interval '4 years' WHERE facts @> '{\"old\": true}'"
    )
    await prune_outbox(world.engine)
    assert len(await world.rows("SELECT 1 FROM notice")) == 1


async def test_what_waits_for_a_webhook_that_is_off_has_failed_in_the_end(world):
    await world.register()
    await world.happen()
    await world.rows("UPDATE webhook SET off_at = now() - interval '2 days', off_reason = 'test'")
    assert await world.deliver() is False
    await prune_outbox(world.engine)
    assert [row.state for row in await world.deliveries()] == ["failed"]
