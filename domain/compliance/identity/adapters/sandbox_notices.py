"""Notices of the sandbox KYC vendor, signed as Sumsub signs: a hex HMAC over the raw bytes, and a
header that names its algorithm. Ours is pinned: another one's name proves nothing."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence

import orjson

from domain.compliance.identity.ports import KycNotice

DIGEST = "x-payload-digest"
ALGORITHM = "x-payload-digest-alg"
PINNED = "HMAC_SHA256_HEX"
_TEXT_MAX = 200


class SandboxKycNotices:
    """See `domain.compliance.identity.ports.KycNotices`. There is no time in the signature: what
    is repeated is known by its id, and nothing in it is believed."""

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> int | None:
        """Compares with every secret in constant time. `headers` have lower-case names."""
        given = headers.get(DIGEST, "")
        if headers.get(ALGORITHM) != PINNED or not given.isascii():
            return None
        found = None
        for n, secret in enumerate(secrets):
            if hmac.compare_digest(sign(secret, body), given) and found is None:
                found = n
        return found

    def read(self, body: bytes) -> KycNotice:
        """A body without an id is known by its digest."""
        digest = hashlib.sha256(body).hexdigest()
        try:
            told = orjson.loads(body)
            event_id, applicant_id = told["id"], told["applicantId"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return KycNotice(digest, "")
        if not (_is_short(event_id) and _is_short(applicant_id)):
            return KycNotice(digest, "")
        return KycNotice(event_id, applicant_id)


def sign(secret: str, body: bytes) -> str:
    """The digest of a body, in hex."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _is_short(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= _TEXT_MAX
