"""Signatures of notices: Stripe's scheme, so that anybody's verifier of it will do."""

import hashlib
import hmac
from collections.abc import Iterable

HEADER = "Sandbox-Signature"


def sign(secrets: Iterable[str], body: bytes, *, at: int) -> str:
    """The header's value: `t=<unix seconds>,v1=<hex>` with one v1 per secret."""
    signed = f"{at}.".encode() + body
    made = (hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets)
    return ",".join([f"t={at}", *(f"v1={each}" for each in made)])
