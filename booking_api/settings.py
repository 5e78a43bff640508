"""Settings from the environment, prefix `GONGDAO_`. Every problem is told at once, by variable, before anything starts."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from reservation.valkey import ValkeyConfigurationError, split_addresses

PREFIX = "GONGDAO_"
SOURCES = ("register", "http")
"""What may verify a person without a counter."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)


class SettingsError(ValueError):
    """One or more variables cannot be used; the message has a line for each."""


class Rate(msgspec.Struct, frozen=True):
    """A GCRA limit: `burst` at once, then `per_s` a second."""

    per_s: float
    burst: int


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How one installation runs. Absent server URLs mean embedded servers under `data`."""

    data: Path = Path(".gongdao")
    database_url: str | None = None
    valkey_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    metrics_port: int = 9464
    workers: int = 2
    public_url: str | None = None
    token_key_file: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    account_rate: Rate = Rate(5.0, 30)
    network_rate: Rate = Rate(500.0, 2_000)
    log_format: str = "console"
    log_requests: str = "failures"
    demo_sign_ins: bool = False
    webhooks_loopback: bool = False
    payments_url: str | None = None
    payments_merchant: str = "gongdao"
    payments_key_file: Path | None = None
    verification_sources: tuple[str, ...] = ("register",)
    verification_url: str | None = None
    verification_key_file: Path | None = None
    sms_url: str | None = None
    sms_key_file: Path | None = None
    messages_file: Path | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret_file: Path | None = None

    @property
    def embedded(self) -> bool:
        """True when both servers are our own."""
        return self.database_url is None and self.valkey_url is None

    @property
    def key_file(self) -> Path:
        """Where the key that signs tokens is kept (JWK, mode 0600)."""
        return self.token_key_file or self.data / "keys" / "token.jwk"

    @property
    def origin(self) -> str:
        """How browsers name this installation in the header `Origin` (RFC 6454, section 6.1)."""
        return self.public_url or _origin("http", self.host, self.port)

    @property
    def own_origins(self) -> frozenset[str]:
        """Every origin that is ours: without a public URL, a loopback server is reached by each loopback name."""
        if self.public_url is not None or not is_loopback(self.host):
            return frozenset({self.origin})
        names = {self.host, "localhost", "127.0.0.1", "::1"}
        return frozenset(_origin("http", name, self.port) for name in names)

    @property
    def keeps_cookies_safe(self) -> bool:
        """True when no network between a browser and us can read a cookie: TLS, or no network at all."""
        return self.origin.startswith("https://") or is_loopback(urlsplit(self.origin).hostname or "")


def is_loopback(host: str) -> bool:
    """True for localhost and loopback addresses."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment such as `os.environ`.

    Raises:
        SettingsError: a variable has an unusable value, or a name nobody reads.
    """
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    problems = [f"{PREFIX}{name.upper()}: no such setting" for name in given if name not in _READERS]
    values: dict[str, object] = {}
    for name, value in given.items():
        if name not in _READERS or value == "":
            continue
        try:
            values[name] = _READERS[name](value)
        except ValueError as error:
            problems.append(f"{PREFIX}{name.upper()}={value!r}: {error}")
    if ("database_url" in values) != ("valkey_url" in values):
        problems.append(
            f"{PREFIX}DATABASE_URL and {PREFIX}VALKEY_URL: set both, or neither for embedded servers"
        )
    problems += _incomplete(values)
    settings = msgspec.convert(values, Settings) if not problems else Settings()
    if settings.demo_sign_ins and not is_loopback(settings.host):
        problems.append(f"{PREFIX}DEMO_SIGN_INS: only on a loopback {PREFIX}HOST, anybody could be anybody")
    if settings.webhooks_loopback and not is_loopback(settings.host):
        problems.append(
            f"{PREFIX}WEBHOOKS_LOOPBACK: only on a loopback {PREFIX}HOST, or anybody could call this machine's servers"
        )
    if problems:
        raise SettingsError("\n".join(sorted(problems)))
    return settings


def _incomplete(values: Mapping[str, object]) -> list[str]:
    """What is told of another system, and what is missing to speak with it."""
    problems = [
        f"{PREFIX}{first.upper()}: needs {', '.join(f'{PREFIX}{name.upper()}' for name in missing)} too"
        for names in _TOGETHER
        for first in [name for name in names if name in values][:1]
        if (missing := [name for name in names if name not in values])
    ]
    sources = values.get("verification_sources")
    if isinstance(sources, tuple) and "http" in sources and "verification_url" not in values:
        problems.append(f"{PREFIX}VERIFICATION_SOURCES: http needs {PREFIX}VERIFICATION_URL")
    return problems


def _port(value: str) -> int:
    number = int(value) if value.isascii() and value.isdigit() else 0
    if not 1 <= number <= 65535:
        raise ValueError("must be a port, 1 to 65535")
    return number


def _public_url(value: str) -> str:
    """Reads the address people use; written as browsers write an origin: lower case, no default port."""
    parts = urlsplit(value.lower())
    host, port = parts.hostname or "", parts.port
    bare = parts.path in {"", "/"} and not (parts.query or parts.fragment or "@" in parts.netloc)
    named = value.isascii() and (_HOST_NAME.fullmatch(host) or _is_address(host))
    if parts.scheme not in {"http", "https"} or not bare or not named or port == 0:
        raise ValueError("must be the address people use, such as https://booking.example.cn, without a path")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https://, but for localhost")
    return _origin(parts.scheme, host, port)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _origin(scheme: str, host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + ("" if port in {None, _DEFAULT_PORTS[scheme]} else f":{port}")


def _workers(value: str) -> int:
    number = int(value) if value.isascii() and value.isdigit() else 0
    if not 1 <= number <= 64:
        raise ValueError("must be a number of processes, 1 to 64")
    return number


def _rate(value: str) -> Rate:
    """Reads "<per second>/<burst>"."""
    per_s, slash, burst = value.partition("/")
    try:
        rate = Rate(float(per_s), int(burst))
    except ValueError:
        rate = Rate(0, 0)
    if not slash or not 0 < rate.per_s <= 1_000_000 or not 1 <= rate.burst <= 1_000_000:
        raise ValueError("must be a rate such as 5/30: five a second after a burst of thirty")
    return rate


def _networks(value: str) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(part.strip())) for part in value.split(","))


def _database_url(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if not separator or scheme not in {"postgresql", "postgres", "postgresql+asyncpg"}:
        raise ValueError("must begin with postgresql://")
    return f"postgresql+asyncpg://{rest}"


def _valkey_url(value: str) -> str:
    try:
        split_addresses(value)
    except ValkeyConfigurationError as error:
        raise ValueError(str(error)) from error
    return value


def _merchant(value: str) -> str:
    if not 0 < len(value) <= 64 or not value.isascii() or not value.isprintable():
        raise ValueError("must be 1 to 64 printable ASCII characters")
    return value


def checked_url(value: str) -> str:
    """The address of another system, which no network on the way may read or change.

    Raises:
        ValueError: it is neither https nor on this machine.
    """
    url = urlsplit(value)
    safe = url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or ""))
    if not safe or not url.hostname or url.username is not None or url.fragment or not value.isascii():
        raise ValueError("must be a URL that begins with https://, or with http:// for this machine only")
    return value


def _sources(value: str) -> tuple[str, ...]:
    names = () if value == "none" else tuple(part.strip() for part in value.split(","))
    if not set(names) <= set(SOURCES) or len(set(names)) < len(names):
        raise ValueError(f"must be {' or '.join(SOURCES)}, both with a comma between them, or none")
    return names


def _client_id(value: str) -> str:
    if len(value) > 200 or not value.isascii() or not value.isprintable():
        raise ValueError("must be the client's id as the provider gave it, up to 200 characters")
    return value


def _switch(value: str) -> bool:
    if value not in {"on", "off"}:
        raise ValueError("must be on or off")
    return value == "on"


def _log_format(value: str) -> str:
    if value not in {"console", "json"}:
        raise ValueError("must be console or json")
    return value


def _log_requests(value: str) -> str:
    if value not in {"failures", "all", "none"}:
        raise ValueError("must be failures, all or none")
    return value


_READERS = {
    "data": Path,
    "database_url": _database_url,
    "valkey_url": _valkey_url,
    "host": str,
    "port": _port,
    "metrics_port": _port,
    "public_url": _public_url,
    "workers": _workers,
    "token_key_file": Path,
    "trusted_proxies": _networks,
    "account_rate": _rate,
    "network_rate": _rate,
    "log_format": _log_format,
    "log_requests": _log_requests,
    "demo_sign_ins": _switch,
    "webhooks_loopback": _switch,
    "payments_url": checked_url,
    "payments_merchant": _merchant,
    "payments_key_file": Path,
    "verification_sources": _sources,
    "verification_url": checked_url,
    "verification_key_file": Path,
    "sms_url": checked_url,
    "sms_key_file": Path,
    "messages_file": Path,
    "oidc_issuer": checked_url,
    "oidc_client_id": _client_id,
    "oidc_client_secret_file": Path,
}

_TOGETHER = (
    ("payments_url", "payments_key_file"),
    ("verification_url", "verification_key_file"),
    ("sms_url", "sms_key_file"),
    ("oidc_issuer", "oidc_client_id", "oidc_client_secret_file"),
)
