"""Passwords: argon2id, checked in a thread, with the same work for known and unknown accounts.

A hash takes tens of milliseconds and 64 MiB (the library's defaults follow RFC 9106's second
choice), so that few run at once and none on the event loop.
"""

import asyncio
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.kernel.errors import Invalid

LENGTHS = (10, 128)
"""NIST SP 800-63B asks for at least 8, and for at least 64 allowed."""

NO_PASSWORD = ""
"""Stored in place of a hash where no password opens anything; see `domain.clients.registration`."""

_AT_ONCE = 2
_DISTINCT_MIN = 5
_OWN_WORD_MIN = 4
_GUESSED_FIRST = frozenset(
    {"password12", "password123", "qwertyuiop", "1234567890", "letmein123", "welcome123",
     "administrator", "iloveyou12", "changeme123", "trading123", "forex12345"}
)  # fmt: skip


class PasswordWeak(Invalid):
    """The password is too short, too long or too easy to guess; the message says what to change."""

    def __init__(self, message: str) -> None:
        super().__init__("PASSWORD_WEAK", message, path=("input", "password"))


def check_password(password: str, own_words: Iterable[str] = ()) -> None:
    """Accept a new password of 10 to 128 characters that is not among the first guesses.

    `own_words` are parts of its owner's name and address, which it may not hold.
    Refusals: PASSWORD_WEAK.
    """
    text = _canonical(password)
    if not LENGTHS[0] <= len(text) <= LENGTHS[1]:
        raise PasswordWeak(f"Use {LENGTHS[0]} to {LENGTHS[1]} characters.")
    plain = text.casefold()
    if plain in _GUESSED_FIRST or len(set(plain)) < _DISTINCT_MIN:
        raise PasswordWeak("This is among the first passwords that get tried.")
    if any(len(word) >= _OWN_WORD_MIN and word.casefold() in plain for word in own_words):
        raise PasswordWeak("Leave your name and e-mail address out of it.")


def own_words(name: str, email: str) -> tuple[str, ...]:
    """What a password may not hold of somebody."""
    return (email.partition("@")[0], *name.split())


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password is right, and whether its hash was made with weaker settings."""

    right: bool
    outdated: bool = False


class Passwords:
    """Hashes and checks passwords. One per process."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._dummy: str | None = None
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def hash(self, password: str) -> str:
        """The argon2id hash of a new password. Refusals: PASSWORD_WEAK."""
        check_password(password)
        return await self.renew(password)

    async def renew(self, password: str) -> str:
        """The hash of a password that was right, by today's settings, however weak it is."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, _canonical(password))

    async def verify(self, password_hash: str | None, password: str) -> Verdict:
        """Judge a password; without a hash the same work is done in vain, and it is wrong."""
        text = _canonical(password)[: LENGTHS[1] + 1]
        async with self._slots:
            if not password_hash:
                await asyncio.to_thread(self._in_vain, text)
                return Verdict(right=False)
            return await asyncio.to_thread(self._judge, password_hash, text)

    def _judge(self, password_hash: str, text: str) -> Verdict:
        try:
            self._hasher.verify(password_hash, text)
        except (VerificationError, InvalidHashError):
            return Verdict(right=False)
        return Verdict(right=True, outdated=self._hasher.check_needs_rehash(password_hash))

    def _in_vain(self, text: str) -> None:
        if self._dummy is None:
            self._dummy = self._hasher.hash("nobody's password")
        self._judge(self._dummy, text)

    async def warm_up(self) -> None:
        """Make the dummy hash, so that the first unknown account costs what later ones do."""
        await self.verify(None, "")


def normalise_email(email: str) -> str:
    """One spelling per address, as registration stores it: NFKC, lower case, no blanks around."""
    lower = unicodedata.normalize("NFKC", email).strip().lower()
    return unicodedata.normalize("NFKC", lower)


def _canonical(password: str) -> str:
    """One spelling per password, whatever keyboard composed it (NIST SP 800-63B §5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
