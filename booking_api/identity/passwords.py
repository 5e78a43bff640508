"""Passwords: argon2id (RFC 9106) in threads, a few at a time. Imports argon2-cffi."""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from reservation.errors import Busy

T = TypeVar("T")

LENGTH_MIN, LENGTH_MAX = 10, 128
NO_PASSWORD = "!"  # noqa: S105 - no hash has this form
"""Stands where an account has no password: nobody signs in with it."""
AT_ONCE = 2
"""Each takes 64 MiB and a fifth of a second of a core: more at once would be memory and cores for an attacker to take."""


WAITING_LIMIT = 50
"""Hashes asked for and not done: the last one waits some five seconds."""


class PasswordUnusable(ValueError):
    """The password cannot be taken; the message says what would be right."""


class Passwords:
    """Owns the threads that hash. The same work is done for a login nobody has, so that time tells nothing."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._nobody = self._hasher.hash("nobody has this login")
        self._waiting = 0

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The password's hash with its own salt and parameters (PHC string).

        Raises:
            Busy: WAITING_LIMIT others wait.
        """
        return await self._run(self._hasher.hash, password)

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """True when the password is that of the hash; None stands for a login nobody has.

        Raises:
            Busy: WAITING_LIMIT others wait.
        """
        matches = await self._run(self._verify, password_hash or self._nobody, password)
        return matches and password_hash is not None

    async def _run(self, work: Callable[..., T], *words: str) -> T:
        if self._waiting >= WAITING_LIMIT:
            raise Busy(part="sign-in")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *words)
        finally:
            self._waiting -= 1

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def checked_password(password: str, *, told: tuple[str, ...]) -> str:
    """The password in one spelling (NFC), if it can be taken (NIST SP 800-63B: long rather than ornate).

    `told`: words an attacker knows of this person; a password made of one of them is none.

    Raises:
        PasswordUnusable: too short or long, one character repeated, or one of the told words.
    """
    spelled = unicodedata.normalize("NFC", password)
    if not LENGTH_MIN <= len(spelled) <= LENGTH_MAX:
        raise PasswordUnusable(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters")
    if len(set(spelled)) < 4:
        raise PasswordUnusable("a password has at least four different characters")
    if spelled.casefold() in {word.casefold() for word in told}:
        raise PasswordUnusable("the password must not be your login, number, phone or name")
    return spelled
