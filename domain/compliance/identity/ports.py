"""What identity asks of a KYC vendor.

A case is an applicant there, found by our id as its `reference`: making one again answers the one
that is there. What a vendor says is pulled; a notice only says where to look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.compliance.identity.values import CaseStatus
from domain.compliance.risk.values import Flag
from domain.kernel.errors import Refused, Upstream


class KycRefused(Refused):
    """The vendor said no and nothing changed; `code` is the wire's refusal code."""


class KycUnavailable(Upstream):
    """The vendor could not be asked; the call may be repeated."""

    def __init__(self, message: str = "The KYC vendor does not answer.") -> None:
        super().__init__("KYC_VENDOR_UNAVAILABLE", message, retryable=True)


@dataclass(frozen=True, slots=True)
class ApplicantRequest:
    """Somebody to look at. `level` is how closely, in the vendor's words."""

    reference: str
    level: str
    return_url: str


@dataclass(frozen=True, slots=True)
class Applicant:
    """What the vendor says of somebody. `at` is when, by its clock; `version` rises with each
    change. `client_message` may be shown to the client, `comment` is for staff."""

    id: str
    reference: str
    status: CaseStatus
    version: int
    at: datetime
    page_url: str
    labels: tuple[str, ...] = ()
    flags: frozenset[Flag] = frozenset()
    client_message: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class KycNotice:
    """What a proven notice is about; `applicant_id` is empty when it says nothing known."""

    event_id: str
    applicant_id: str


class KycVendor(Protocol):
    """An account at a KYC vendor. Every call may raise KycUnavailable; creating KycRefused too.
    What is looked for and not there is None, and only that."""

    async def create_applicant(self, request: ApplicantRequest) -> Applicant: ...
    async def find_applicant(self, applicant_id: str) -> Applicant | None: ...
    async def find_by_reference(self, reference: str) -> Applicant | None: ...
    async def aclose(self) -> None: ...


class KycNotices(Protocol):
    """How notices of one kind of vendor are proven and read. Pure."""

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> int | None:
        """Which of the secrets signed it, or None when none did."""
        ...

    def read(self, body: bytes) -> KycNotice: ...
