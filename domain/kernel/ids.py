"""Ids: UUIDv7 made here, shown to callers as `<type>_<32 hex digits>`.

UUIDv7 (RFC 9562 §5.7) sorts by time, so that keys stay close together in an index; Postgres and
Python both render the hex form for nothing. The brand is never in an id: it comes from the token.
"""

import re
import secrets
import time
from collections.abc import Callable
from uuid import UUID

_SHOWN = re.compile(r"([a-z][a-z_]{0,39})_([0-9a-f]{32})", re.ASCII)
_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_LOW = (1 << 62) - 1
_LAST_PLACE = (1 << 12) - 1

RandomBits = Callable[[int], int]


def new_uuid(
    now_ms: int | None = None,
    random_bits: RandomBits = secrets.randbits,
    *,
    place: int | None = None,
) -> UUID:
    """A new UUIDv7 for `now_ms` (Unix milliseconds; the system clock when absent).

    `place` is its place among those made at one instant, which sort by it: the counter of RFC 9562
    §6.2, of 4,096; what comes after those is the last of them, in any order.
    """
    at = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    return UUID(int=_version_7(at, random_bits(74), place))


def new_hex() -> str:
    """The 32 hex digits of a new UUIDv7, for what is never more than a text."""
    return f"{_version_7(time.time_ns() // 1_000_000, secrets.randbits(74), None):032x}"


def _version_7(at: int, bits: int, place: int | None) -> int:
    high, low = bits >> 62 if place is None else min(place, _LAST_PLACE), bits & _LOW
    return (at & (1 << 48) - 1) << 80 | _VERSION | high << 64 | _VARIANT | low


def encode_id(kind: str, key: UUID) -> str:
    """The id that callers see: `client_018f…`."""
    return f"{kind}_{key.hex}"


def decode_id(text: str) -> tuple[str, UUID] | None:
    """Kind and key of a shown id; None for whatever `encode_id` did not make."""
    match = _SHOWN.fullmatch(text)
    return (match[1], UUID(hex=match[2])) if match else None


def decode_id_of(kind: str, text: str) -> UUID | None:
    """The key of an id of one kind; None for malformed ids and for other kinds alike."""
    decoded = decode_id(text)
    return decoded[1] if decoded and decoded[0] == kind else None
