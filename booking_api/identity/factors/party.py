"""Who asks a security key: the installation, by the address that people use. Imports the settings."""

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit

from booking_api.identity.factors.errors import PublicUrlNeeded
from booking_api.settings import Settings


class RelyingParty(NamedTuple):
    """The name a key is bound to, and the origin the browser must say it is at."""

    id: str
    origin: str


def relying_party(settings: Settings) -> RelyingParty:
    """The installation as browsers know it.

    Raises:
        PublicUrlNeeded: browsers make no keys for an address without a name, or one that a network can listen to
            (W3C WebAuthn level 3, sections 5.1.3 and 13.4.9).
    """
    name = urlsplit(settings.origin).hostname or ""
    if not settings.keeps_cookies_safe or _is_address(name):
        raise PublicUrlNeeded
    return RelyingParty(name, settings.origin)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
