"""What the cashier asks of a payment service provider.

Every write carries our id twice: as `reference`, by which it is searched, and as `key`, under which
the PSP does it once. A caller whose earlier try may have reached the PSP says `sent_before`: then
it is searched before it is sent again, for PSPs forget keys. Amounts that come back may differ
from what was asked.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from domain.kernel.errors import Refused, Upstream
from domain.kernel.money import Money
from domain.payments.psp_values import (
    Evidence,
    Notice,
    PaymentRequest,
    PayoutRequest,
    PspDispute,
    PspPayment,
    PspPayout,
    PspRefund,
)


class PspRefused(Refused):
    """The PSP said no and nothing changed; `code` is the wire's refusal code."""


class PspUnavailable(Upstream):
    """The PSP could not be asked; nothing was applied, and the call may be repeated."""

    def __init__(self, message: str = "The payment provider does not answer.") -> None:
        super().__init__("PSP_UNAVAILABLE", message, retryable=True)


class OutcomeUnknown(Upstream):
    """A write was sent and no proof came back: a state to resolve by `key`, never a failure.

    `refused` is the PSP's refusal of a repetition, when there was one: the write before it may
    have been done all the same, and may be what it was refused for.
    """

    def __init__(self, key: str, refused: PspRefused | None = None) -> None:
        super().__init__(
            "OUTCOME_UNKNOWN", "The payment provider's answer was lost.", retryable=True
        )
        self.key, self.refused = key, refused


class Psp(Protocol):
    """A merchant account at a PSP. Every call may raise PspUnavailable; every write may also raise
    PspRefused or OutcomeUnknown. What is searched and not there is None, and only that: a read
    that is answered in any other way was not answered. A write that moves money out and is refused
    after a try whose outcome nobody knows is OutcomeUnknown."""

    async def create_payment(
        self, request: PaymentRequest, *, key: str, sent_before: bool = False
    ) -> PspPayment: ...
    async def find_payment(self, psp_id: str) -> PspPayment | None: ...
    async def find_payment_by_reference(self, reference: str) -> PspPayment | None: ...

    async def create_refund(
        self,
        payment_id: str,
        *,
        amount: Money,
        reference: str,
        key: str,
        sent_before: bool = False,
    ) -> PspRefund: ...
    async def find_refund(self, psp_id: str) -> PspRefund | None: ...
    async def find_refund_by_reference(self, reference: str) -> PspRefund | None: ...

    async def create_payout(
        self, request: PayoutRequest, *, key: str, sent_before: bool = False
    ) -> PspPayout: ...
    async def find_payout(self, psp_id: str) -> PspPayout | None: ...
    async def find_payout_by_reference(self, reference: str) -> PspPayout | None: ...

    async def find_dispute(self, psp_id: str) -> PspDispute | None: ...
    async def send_evidence(
        self, dispute_id: str, evidence: Evidence, *, key: str
    ) -> PspDispute: ...

    async def settlements(self, start: date, end: date) -> str:
        """The settlement file of these days, both included, as the PSP writes it (CSV)."""
        ...

    async def aclose(self) -> None: ...


class Notices(Protocol):
    """How notices of one kind of PSP are proven and read. Pure."""

    def verify(
        self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], *, now: datetime
    ) -> int | None:
        """Which of the secrets signed it, or None when none did or it is too old or too new."""
        ...

    def read(self, body: bytes) -> Notice:
        """What a proven notice is about; a body that says nothing known is OTHER."""
        ...
