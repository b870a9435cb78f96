"""Notices of the sandbox PSP. They are signed as Stripe signs (`t=…,v1=…`), over the raw bytes."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from domain.payments.psp_values import Notice, NoticeKind

HEADER = "sandbox-signature"
WINDOW = timedelta(minutes=5)
_TEXT_MAX = 200
_SECONDS_DIGITS_MAX = 12
_SIGNATURES_MAX = 8


class SandboxNotices:
    """See `domain.payments.ports.Notices`."""

    def verify(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], *, now: datetime
    ) -> int | None:
        """Compares every signature with every secret in constant time, so that nothing tells how
        close a forgery came. `headers` have lower-case names."""
        read = _header(headers.get(HEADER, ""))
        if read is None or abs(now.timestamp() - read[0]) > WINDOW.total_seconds():
            return None
        at, given = read
        found = None
        for n, secret in enumerate(secrets):
            made = sign(secret, body, at=at)
            matches = [hmac.compare_digest(made, one) for one in given]
            if any(matches) and found is None:
                found = n
        return found

    def read(self, body: bytes) -> Notice:
        """A body without an id is known by its digest."""
        digest = hashlib.sha256(body).hexdigest()
        try:
            told = orjson.loads(body)
            about = told["object"]
            kind, object_id = NoticeKind(about["type"]), _text(about["id"])
            return Notice(
                _text(told.get("id") or digest), kind, object_id, _text(about["reference"])
            )
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            return Notice(digest, NoticeKind.OTHER, "", "")


def sign(secret: str, body: bytes, *, at: int) -> str:
    """The signature of a body at an instant, in hex."""
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def _header(text: str) -> tuple[int, list[str]] | None:
    """The instant and the signatures; None when the header is not of the scheme."""
    if not text.isascii():
        return None
    parts = [part.strip().partition("=") for part in text.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not 1 <= len(given) <= _SIGNATURES_MAX:
        return None
    if not times[0].isdigit() or len(times[0]) > _SECONDS_DIGITS_MAX:
        return None
    return int(times[0]), given


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= _TEXT_MAX:
        raise ValueError("a short text is expected")
    return value
