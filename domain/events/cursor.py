"""Feed cursors: a position in a brand's log, encrypted so that it says nothing and fits one feed.

Deterministic (AES-SIV, RFC 5297), with brand and feed as associated data: equal positions give
equal cursors, by which callers dedupe; a cursor of another brand, feed or filter does not decrypt;
and nobody reads from it how many events a brand has.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.kernel.errors import Invalid

BAD_INPUT: Final = "BAD_USER_INPUT"
_LABEL: Final = b"backdesk feed cursor 1"
_SECRET_BYTES_MIN: Final = 32
# 16 bytes of synthetic IV and 8 of position are exactly 32 characters: one spelling per cursor.
_SHOWN = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)


class FeedCursors:
    """Writes and reads the cursors of every brand and feed of one installation."""

    def __init__(self, secret: bytes) -> None:
        """`secret` is the installation's, at least 32 bytes; the key is derived from it."""
        if len(secret) < _SECRET_BYTES_MIN:
            raise ValueError(f"the secret has at least {_SECRET_BYTES_MIN} bytes")
        key = HKDF(algorithm=SHA512(), length=64, salt=None, info=_LABEL).derive(secret)
        self._siv = AESSIV(key)

    def write(self, brand_id: UUID, feed: bytes, seq: int) -> str:
        """The cursor of position `seq` (every event up to it is behind) in a feed."""
        sealed = self._siv.encrypt(seq.to_bytes(8, "big"), _bound_to(brand_id, feed))
        return urlsafe_b64encode(sealed).decode()

    def read(self, brand_id: UUID, feed: bytes, shown: str) -> int:
        """The position behind a cursor of this brand and feed.

        Refusals: BAD_USER_INPUT for whatever `write` did not make for them.
        """
        if _SHOWN.fullmatch(shown):
            try:
                sealed = urlsafe_b64decode(shown)
                return int.from_bytes(self._siv.decrypt(sealed, _bound_to(brand_id, feed)), "big")
            except InvalidTag:
                pass
        raise Invalid(
            BAD_INPUT, "This is no cursor of this feed and filter.", path=("after",)
        ) from None


def _bound_to(brand_id: UUID, feed: bytes) -> list[bytes]:
    return [brand_id.bytes, feed]
