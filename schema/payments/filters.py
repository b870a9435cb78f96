"""How lists of payments and of what belongs to them are narrowed and sorted."""

import strawberry

from schema.payments.enums import (
    ApprovalLevel,
    DestinationStatus,
    DiscrepancyKind,
    DiscrepancyStatus,
    DisputeStatus,
    PaymentKind,
    PaymentStatus,
)
from schema.shared.page import (
    Choice,
    DateTimeFilter,
    IdFilter,
    TextFilter,
    condition,
    order_input,
)


@strawberry.input(description="Which payments to list; all conditions hold.")
class PaymentFilter:
    kind: Choice[PaymentKind] | None = condition("What the payment is.")
    status: Choice[PaymentStatus] | None = condition("Where it stands.")
    client_id: IdFilter | None = condition("Whose it is.", id_of="client")
    created_at: DateTimeFilter | None = condition("When it was asked for.")
    reference: TextFilter | None = condition("The number to quote, such as `D-100001`.")
    currency: TextFilter | None = condition("Currency of its amount.")


@strawberry.input(description="Which payout destinations to list.")
class PayoutDestinationFilter:
    status: Choice[DestinationStatus] | None = condition("Whether it can be used.")


@strawberry.input(description="Which approvals to list; all conditions hold.")
class ApprovalFilter:
    level: Choice[ApprovalLevel] | None = condition("Whose approval is waited for.")
    created_at: DateTimeFilter | None = condition("When it was first waited for.")


@strawberry.input(description="Which disputes to list; all conditions hold.")
class DisputeFilter:
    status: Choice[DisputeStatus] | None = condition("Where the dispute stands.")
    client_id: IdFilter | None = condition("Whose deposit it is about.", id_of="client")
    opened_at: DateTimeFilter | None = condition("When it was opened.")


@strawberry.input(description="Which discrepancies to list; all conditions hold.")
class DiscrepancyFilter:
    kind: Choice[DiscrepancyKind] | None = condition("In which way money differs.")
    status: Choice[DiscrepancyStatus] | None = condition("Whether it waits for somebody.")
    opened_at: DateTimeFilter | None = condition("When it was found.")


@strawberry.input(description="Which settlements to list.")
class SettlementFilter:
    imported_at: DateTimeFilter | None = condition("When it was imported.")


@strawberry.input(description="Which entries of the ledger to list; all conditions hold.")
class LedgerTransferFilter:
    key: TextFilter | None = condition("The key that it was posted under.")
    recorded_at: DateTimeFilter | None = condition("When it was recorded.")


PaymentOrder = order_input("Payment", {"CREATED_AT": "When it was asked for."})
PayoutDestinationOrder = order_input("PayoutDestination", {"CREATED_AT": "When it was added."})
ApprovalOrder = order_input("Approval", {"CREATED_AT": "When it was first waited for."})
DisputeOrder = order_input("Dispute", {"OPENED_AT": "When it was opened."})
DiscrepancyOrder = order_input("Discrepancy", {"OPENED_AT": "When it was found."})
SettlementOrder = order_input("Settlement", {"IMPORTED_AT": "When it was imported."})
LedgerTransferOrder = order_input("LedgerTransfer", {"RECORDED_AT": "When it was recorded."})
