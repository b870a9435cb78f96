"""Bookings by hand, as the API shows them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from domain.kernel.ids import encode_id
from schema.access.types import Staff
from schema.payments.back_office import Discrepancy, LedgerTransfer
from schema.payments.correction_enums import LedgerCorrectionStatus, SuspenseMove
from schema.shared.bind import Info, fetch, field
from schema.shared.permission import public
from schema.shared.scalars import Money


@strawberry.type(
    description="A booking by hand that two people make: the reversal of a transfer, or what "
    "settles a discrepancy.",
    directives=public(),
)
class LedgerCorrection:
    id: strawberry.ID = strawberry.field(description="Global id of the booking.")
    status: LedgerCorrectionStatus = strawberry.field(description="Whether it is posted.")
    reason: str = strawberry.field(description="Why.")
    move: SuspenseMove | None = strawberry.field(description="What it moves for a discrepancy.")
    amount: Money | None = strawberry.field(description="How much it moves for a discrepancy.")
    proposed_at: datetime = strawberry.field(description="When it was proposed.")
    decided_at: datetime | None = strawberry.field(description="When it was decided.")
    row: strawberry.Private[Any]

    @field("The transfer that it reverses.", needs="ledger:read")
    async def transfer(self, info: Info) -> LedgerTransfer | None:
        found: LedgerTransfer | None = await _find(info, "ledger_transfer", self.row.transfer_id)
        return found

    @field("The discrepancy that it settles.", needs="reconciliation:read")
    async def discrepancy(self, info: Info) -> Discrepancy | None:
        found: Discrepancy | None = await _find(info, "discrepancy", self.row.discrepancy_id)
        return found

    @field("What was posted; null until it is approved.", needs="ledger:read")
    async def posted(self, info: Info) -> LedgerTransfer | None:
        found: LedgerTransfer | None = await _find(info, "ledger_transfer", self.row.posted_id)
        return found

    @field("Who proposed it.", needs="staff:read")
    async def proposed_by(self, info: Info) -> Staff | None:
        found: Staff | None = await _find(info, "staff", self.row.proposed_by)
        return found

    @field("Who approved it, or rejected it as the second person.", needs="staff:read")
    async def decided_by(self, info: Info) -> Staff | None:
        found: Staff | None = await _find(info, "staff", self.row.decided_by)
        return found


async def _find(info: Info, entity: str, key: UUID | None) -> Any:
    return None if key is None else await fetch(info, entity, key)


def shown_correction(row: Any) -> LedgerCorrection:
    """Of a row of the ledger's corrections."""
    has_amount = row.amount_minor is not None
    return LedgerCorrection(
        id=strawberry.ID(encode_id("ledger_correction", row.id)),
        status=LedgerCorrectionStatus(row.status),
        reason=row.reason,
        move=None if row.move is None else SuspenseMove(row.move),
        amount=Money.of(int(row.amount_minor), row.currency) if has_amount else None,
        proposed_at=row.proposed_at,
        decided_at=row.decided_at,
        row=row,
    )
