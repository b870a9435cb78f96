"""Token texts: `bk_<kind>_<brand>_<id>_<secret>` and, public and without secret, `bk_pub_…`.

Brand and id are 32 hex digits; the secret is 43 base64url characters (256 random bits), so that
one SHA-256 is enough to store: there is nothing to guess. The brand in a text is only a hint that
says under whose row-level security the row is looked up; the row decides. The fixed prefix lets
secret scanners find leaked tokens. Operators belong to no brand: their hint is all zeros.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from tenants.values import TokenKind

NO_BRAND = UUID(int=0)
_TEXT_LENGTH_MAX = 200
_HEX = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class TextKind(StrEnum):
    """The word in a token's text."""

    ACCESS = "access"
    REFRESH = "refresh"
    API = "api"
    VERIFY = "verify"
    RESET = "reset"
    OPERATOR = "operator"
    PUBLISHABLE = "pub"

    @property
    def stored(self) -> TokenKind | None:
        """The kind of row in `token`; None for operators and publishable keys."""
        return TokenKind[self.name] if self.name in TokenKind.__members__ else None


_KINDS = {kind.value: kind for kind in TextKind}


@dataclass(frozen=True, slots=True)
class TokenText:
    """A text taken apart. Well formed says nothing about valid."""

    kind: TextKind
    brand_id: UUID
    id: UUID
    secret: str = ""

    def __repr__(self) -> str:
        return f"TokenText({self.kind}, brand={self.brand_id.hex}, id={self.id.hex})"

    def render(self) -> str:
        """The text, exactly as `parse` reads it."""
        parts = ["bk", self.kind, self.brand_id.hex, self.id.hex]
        if self.kind is not TextKind.PUBLISHABLE:
            parts.append(self.secret)
        return "_".join(parts)

    def prefix(self) -> str:
        """What may be shown of it for ever: everything but the secret."""
        return "_".join(["bk", self.kind, self.brand_id.hex, self.id.hex])


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token: the text its holder sees once, and the hash that is stored."""

    id: UUID
    text: str
    secret_hash: bytes

    def __repr__(self) -> str:
        return f"Minted(id={self.id.hex})"


def parse(text: str) -> TokenText | None:
    """Take a text apart; None for whatever `render` did not make.

    Split at most four times, since a secret may contain underscores.
    """
    if len(text) > _TEXT_LENGTH_MAX:
        return None
    parts = text.split("_", 4)
    kind = _KINDS.get(parts[1]) if len(parts) >= 4 and parts[0] == "bk" else None
    if kind is None:
        return None
    if not (_HEX.fullmatch(parts[2]) and _HEX.fullmatch(parts[3])):
        return None
    secret = parts[4] if len(parts) == 5 else None
    if kind is TextKind.PUBLISHABLE:
        well_formed = secret is None
    else:
        well_formed = secret is not None and _SECRET.fullmatch(secret) is not None
    if not well_formed:
        return None
    return TokenText(kind, UUID(hex=parts[2]), UUID(hex=parts[3]), secret or "")


def mint(kind: TextKind, brand_id: UUID, token_id: UUID) -> Minted:
    """A new token with 256 random bits. Its text exists only in the answer."""
    assert kind is not TextKind.PUBLISHABLE, "a publishable key has no secret"
    secret = secrets.token_urlsafe(32)
    text = TokenText(kind, brand_id, token_id, secret).render()
    return Minted(token_id, text, hash_of(secret))


def publishable(brand_id: UUID, key_id: UUID) -> str:
    """The text of a publishable key."""
    return TokenText(TextKind.PUBLISHABLE, brand_id, key_id).render()


def hash_of(secret: str) -> bytes:
    """SHA-256 of a secret, as stored."""
    return hashlib.sha256(secret.encode("ascii")).digest()


def is_secret(secret: str, secret_hash: bytes) -> bool:
    """Whether a secret is the stored one, in constant time."""
    return hmac.compare_digest(hash_of(secret), bytes(secret_hash))
