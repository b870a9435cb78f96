"""Root fields about money."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from domain.payments.actions import approvable_levels
from domain.payments.values import ApprovalStatus
from domain.reads import Page
from schema.payments.back_office import Discrepancy, Dispute, LedgerTransfer, Settlement
from schema.payments.filters import (
    ApprovalFilter,
    ApprovalOrder,
    DiscrepancyFilter,
    DiscrepancyOrder,
    DisputeFilter,
    DisputeOrder,
    LedgerTransferFilter,
    LedgerTransferOrder,
    PaymentFilter,
    PaymentOrder,
    SettlementFilter,
    SettlementOrder,
)
from schema.payments.types import Approval, Payment
from schema.shared.bind import Info, connection, field
from schema.shared.follow import wanted
from schema.shared.page import Connection
from tenants.context import Scope

_Reference = Annotated[
    str, strawberry.argument(description="The number to quote, such as `D-100001`.")
]


def _to_do(scope: Scope) -> Mapping[str, Mapping[str, Any]]:
    """What waits for this viewer: a level one can give, nothing one made or decided oneself."""
    return {
        "status": {"eq": ApprovalStatus.PENDING.value},
        "level": {"in": [level.value for level in approvable_levels(scope.permissions)]},
        "open_to_viewer": {"eq": True},
    }


@strawberry.type
class PaymentQueries:
    payments: Connection[Payment] = connection(
        "payment",
        "Payments that you may see, newest first.",
        needs="payments:list",
        filter=PaymentFilter,
        order=PaymentOrder,
    )
    approvals: Connection[Approval] = connection(
        "approval",
        "What waits for your approval, oldest first: the next level of each withdrawal, where it "
        "is yours to give and you neither asked for it nor decided on it before.",
        needs="approvals:list",
        filter=ApprovalFilter,
        order=ApprovalOrder,
        only=_to_do,
    )
    disputes: Connection[Dispute] = connection(
        "dispute",
        "Disputed deposits of clients that you may see, newest first.",
        needs="disputes:list",
        filter=DisputeFilter,
        order=DisputeOrder,
    )
    discrepancies: Connection[Discrepancy] = connection(
        "discrepancy",
        "Money that is not as it was said to be, newest first.",
        needs="reconciliation:read",
        filter=DiscrepancyFilter,
        order=DiscrepancyOrder,
    )
    settlements: Connection[Settlement] = connection(
        "settlement",
        "Imported settlement files, newest first.",
        needs="reconciliation:read",
        filter=SettlementFilter,
        order=SettlementOrder,
    )
    ledger_transfers: Connection[LedgerTransfer] = connection(
        "ledger_transfer",
        "Entries of the ledger, newest first.",
        needs="ledger:read",
        filter=LedgerTransferFilter,
        order=LedgerTransferOrder,
    )

    @field("The payment with that reference; null when there is none.", needs="payments:read")
    async def payment_by_reference(self, info: Info, reference: _Reference) -> Payment | None:
        page = await info.context.reader.connection(
            "payment",
            Page(first=1, filter={"reference": {"eq": reference}}),
            wanted(info, "payment"),
        )
        found: Any = page.records
        return found[0] if found else None
