"""Secrets at rest: AES-256-GCM envelopes bound to the very place they stand in.

Each value has its own random data key, sealed by the brand's key, which is derived from the master
key (HKDF-SHA-256, RFC 5869). Both seals carry `brand|table|column|id` as associated data, so that
a row copied to another brand, table, column or id does not open. The master key is in no dump.
"""

import hmac
import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_VERSION = b"\x01"
_WRAPPED_BYTES = KEY_BYTES + _TAG_BYTES


class SecretUnreadable(Exception):
    """Another place, another master key, or altered bytes: nothing says which."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret stands."""

    brand_id: UUID
    table: str
    column: str
    id: UUID

    def associated(self) -> bytes:
        """The place as associated data; names hold no `|`."""
        assert "|" not in self.table + self.column
        return f"{self.brand_id.hex}|{self.table}|{self.column}|{self.id.hex}".encode()


class Vault:
    """Seals and opens with one master key of 32 bytes."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise ValueError("the master key has 32 bytes")
        self._master_key = master_key

    def __repr__(self) -> str:
        return "Vault()"

    def seal(self, place: Place, secret: bytes) -> bytes:
        """The envelope: version, nonce and sealed data key, nonce and sealed value."""
        data_key = AESGCM.generate_key(bit_length=KEY_BYTES * 8)
        outer, inner = os.urandom(_NONCE_BYTES), os.urandom(_NONCE_BYTES)
        bound = _VERSION + place.associated()
        wrapped = self._of_brand(place.brand_id).encrypt(outer, data_key, bound)
        return _VERSION + outer + wrapped + inner + AESGCM(data_key).encrypt(inner, secret, bound)

    def open(self, place: Place, envelope: bytes) -> bytes:
        """The secret that was sealed at this place. Raises SecretUnreadable."""
        version, rest = envelope[:1], envelope[1:]
        outer, rest = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        wrapped, rest = rest[:_WRAPPED_BYTES], rest[_WRAPPED_BYTES:]
        inner, sealed = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        if version != _VERSION or len(sealed) < _TAG_BYTES:
            raise SecretUnreadable
        bound = version + place.associated()
        try:
            data_key = self._of_brand(place.brand_id).decrypt(outer, wrapped, bound)
            return AESGCM(data_key).decrypt(inner, sealed, bound)
        except InvalidTag as error:
            raise SecretUnreadable from error

    def digest(self, brand_id: UUID, secret: bytes) -> str:
        """A keyed digest, in hex: the same secret of a brand has the same, and nobody without the
        master key can try out which one it was."""
        key = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"backdesk/digest/" + brand_id.bytes)
        return hmac.new(key.derive(self._master_key), secret, "sha256").hexdigest()

    def _of_brand(self, brand_id: UUID) -> AESGCM:
        info = b"backdesk/brand/" + brand_id.bytes
        return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(self._master_key))
