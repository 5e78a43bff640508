"""An installation's sources and gateway, from its settings. Imports `settings` and this room."""

from collections.abc import Callable
from datetime import datetime

from joserfc.jwk import OKPKey
from sqlalchemy.ext.asyncio import AsyncEngine

from booking_api.identity.derivation import derive_key
from booking_api.identity.resting import resting_key
from booking_api.identity.shared_secrets import read_secret
from booking_api.outbound import Outbound
from booking_api.settings import Settings
from booking_api.verification.http_source import HttpSource
from booking_api.verification.online import Verification
from booking_api.verification.register_source import RegisterSource
from booking_api.verification.sources import VerificationSource
from booking_api.verification.text_messages import FileTextMessages, HttpTextMessages, TextMessages


def build_verification(
    settings: Settings,
    *,
    engine: AsyncEngine,
    outbound: Outbound,
    key: OKPKey,
    now: Callable[[], datetime],
) -> Verification | None:
    """What people are verified with here; None where nobody is but at a counter.

    Raises:
        KeyFileError: a file with a shared key cannot be used.
    """
    messages = _messages(settings, outbound, now)
    sources = tuple(_source(name, settings, engine, outbound, now) for name in settings.verification_sources)
    if messages is None or not sources:
        return None
    codes = derive_key(key, label="verification codes")
    return Verification(sources, messages, key=codes, resting_key=resting_key(key))


def _source(
    name: str, settings: Settings, engine: AsyncEngine, outbound: Outbound, now: Callable[[], datetime]
) -> VerificationSource:
    if name == RegisterSource.name:
        return RegisterSource(engine)
    assert settings.verification_url is not None  # noqa: S101 - `read_settings` saw to both
    assert settings.verification_key_file is not None  # noqa: S101
    return HttpSource(
        outbound,
        url=settings.verification_url,
        key=read_secret(settings.verification_key_file),
        now_s=lambda: int(now().timestamp()),
    )


def _messages(settings: Settings, outbound: Outbound, now: Callable[[], datetime]) -> TextMessages | None:
    if settings.sms_url is not None and settings.sms_key_file is not None:
        return HttpTextMessages(outbound, url=settings.sms_url, key=read_secret(settings.sms_key_file))
    if settings.messages_file is not None:
        return FileTextMessages(settings.messages_file, now=now)
    return None
