"""What this room needs of a worker, and what carries one batch. Imports the kernel, the rules and the gate."""

from datetime import datetime
from typing import NamedTuple

from booking_api.eligibility import Eligibility
from booking_api.gate import Gate
from booking_api.organisations.register import Organisation
from reservation import Kernel


class Parts(NamedTuple):
    """One worker's kernel, rules and limits."""

    kernel: Kernel
    eligibility: Eligibility
    gate: Gate


class Work(NamedTuple):
    """One batch in the hands of one worker, as long as nobody else has its lease."""

    parts: Parts
    school: Organisation
    batch: int
    lease: str
    promised_until: datetime | None
