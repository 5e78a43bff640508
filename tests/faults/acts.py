"""What a claimant can ask for, by name: one table for workers, for drivers that are killed, and for tests.

Imports `reservation`, msgspec, and of the application what carries a school's batch.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec
from joserfc.jwk import OKPKey

from booking_api import clock
from booking_api.eligibility import Eligibility
from booking_api.gate import Gate
from booking_api.gate.access import ACCESS
from booking_api.identity.sessions.memory import Sessions
from booking_api.identity.tokens import ALGORITHM, TokenVerifier
from booking_api.registers.asking import vehicles_of
from booking_api.schools.carrying import carry
from booking_api.schools.leases import claim
from booking_api.schools.parts import Parts
from booking_api.settings import Settings
from reservation import (
    Kernel,
    ReservationError,
    cancel,
    confirm,
    confirm_promise,
    hold,
    promise,
    rebuild,
    release,
    reschedule,
    sweep,
    withdraw,
)

Ask = Callable[..., Awaitable[dict[str, Any]]]
"""`await ask("hold", pool_id=1, units=[2], claimant=..., owner=...)`: the answer, or `Refused`."""


async def carry_batch(kernel: Kernel) -> None:
    """Carries the batch that nobody else carries, as a worker does."""
    key = OKPKey.generate_key(ALGORITHM)
    sessions = Sessions(kernel.engine, kernel.reads, key, now_ms=clock.now_ms, vehicles_of=vehicles_of)
    gate = Gate(Settings(), kernel, TokenVerifier(key, now_s=clock.now_s), sessions, ACCESS)
    parts = Parts(kernel, Eligibility(kernel), gate)
    found = await claim(kernel)
    if found is not None:
        await carry(parts, batch=found[0], lease=found[1])


ACTS: dict[str, Callable[..., Awaitable[Any]]] = {
    "hold": hold,
    "release": release,
    "confirm": confirm,
    "cancel": cancel,
    "reschedule": reschedule,
    "promise": promise,
    "confirm_promise": confirm_promise,
    "withdraw": withdraw,
    "rebuild": rebuild,
    "sweep": sweep,
    "carry_batch": carry_batch,
}

WORKER_GONE = "worker_gone"
"""What `Refused` says when the worker's connection ended before its answer."""


class Refused(Exception):
    """The request was answered with a refusal, or not at all (WORKER_GONE)."""

    def __init__(self, code: str, facts: dict[str, Any] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts or {}


async def act(kernel: Kernel, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Does one act; gives its answer as plain values.

    Raises:
        Refused: with the code of the kernel's refusal.
    """
    if "until" in given:
        given = {**given, "until": datetime.fromisoformat(given["until"])}
    try:
        answer = await ACTS[name](kernel, **given)
    except ReservationError as error:
        raise Refused(error.code, error.facts) from error
    return msgspec.to_builtins(answer) if isinstance(answer, msgspec.Struct) else {}


def asking(*kernels: Kernel) -> Ask:
    """Requests served by these kernels in turn, as by a load balancer."""
    turn = 0

    async def ask(name: str, **given: Any) -> dict[str, Any]:
        nonlocal turn
        turn += 1
        return await act(kernels[turn % len(kernels)], name, given)

    return ask
