"""Verification without a counter: a source knows the person, and the person has the phone the source has on record.

Either alone proves little: numbers and names are known to many, and a phone alone is nobody's card.
"""

from booking_api.verification.online import (
    Started,
    Verification,
    match,
    send_code,
    switched_on,
    try_code,
)
from booking_api.verification.parts import build_verification

__all__ = ["Started", "Verification", "build_verification", "match", "send_code", "switched_on", "try_code"]
