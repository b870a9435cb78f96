"""Disputes, discrepancies, settlements and the books, bound to the declarations of their slices."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.scalars import JSON

from schema.access.actors import Actor, find_actor
from schema.accounts.types import Account
from schema.events.types import shown_payload
from schema.payments.enums import (
    ConnectionStatus,
    DiscrepancyKind,
    DiscrepancyStatus,
    DisputeStatus,
    EvidenceStatus,
    LedgerAccountKind,
    LedgerTransferState,
)
from schema.payments.types import Deposit, Payment
from schema.shared.bind import Info, Node, bound, computed, field, listed, money, one, value
from schema.shared.permission import public
from schema.shared.scalars import Money

if TYPE_CHECKING:
    from schema.access.types import LegalEntity, Staff
    from schema.clients.types import Client

StaffRef = Annotated["Staff", strawberry.lazy("schema.access.types")]
EntityRef = Annotated["LegalEntity", strawberry.lazy("schema.access.types")]
ClientRef = Annotated["Client", strawberry.lazy("schema.clients.types")]
TransferRef = Annotated["LedgerTransfer", strawberry.lazy("schema.payments.back_office")]


@bound("psp_connection", "A merchant account at a payment provider.", needs="reconciliation:read")
class MerchantAccount(Node):
    name: str = value("What the brand calls it.")
    status: ConnectionStatus = value("Whether it is in use.")
    psp_name: str = value("The payment provider.")
    created_at: datetime = value("When it was set up.")
    legal_entity: EntityRef = one("Whose account it is.")


@bound("dispute_evidence", "What staff say about a disputed deposit.", needs="disputes:list")
class DisputeEvidence(Node):
    text: str = value("The text.")
    status: EvidenceStatus = value("Whether the payment provider has it.")
    created_at: datetime = value("When it was written.")
    sent_at: datetime | None = value("When the payment provider took it.")
    staff: StaffRef | None = one("Who wrote it.", needs="staff:read")


@bound("dispute", "A deposit that its payer wants back from the bank.", needs="disputes:read")
class Dispute(Node):
    reference: str = value("The number to quote.")
    version: int = value("Counts changes; send it back as `expectedVersion`.")
    status: DisputeStatus = value("Where it stands.")
    reason_code: str = value("Why, in the words of the card scheme.")
    amount: Money = money("How much is disputed.", "amount_minor", "currency")
    held: Money = money("How much of it is held in the wallet.", "held_minor", "currency")
    fee: Money = money(
        "What the payment provider charges the brand.",
        "fee_minor",
        "currency",
        needs="disputes:list",
    )
    evidence_due_at: datetime | None = value("Until when evidence can be sent.")
    opened_at: datetime = value("When it was opened.")
    closed_at: datetime | None = value("When it was decided.")
    deposit: Deposit = one("What is disputed.", relation="payment", needs="payments:read")
    client: ClientRef = one("Whose deposit it is.", needs="clients:read")
    evidence: list[DisputeEvidence] = listed(
        "What staff have said about it, oldest first.", order="CREATED_AT", needs="disputes:list"
    )


def _amount(description: str, amount: str) -> Any:
    """Money of a discrepancy; null where it is not about one currency."""

    def shown(record: Any) -> Money | None:
        minor = getattr(record, amount)
        known = minor is not None and record.currency is not None
        return Money.of(int(minor), record.currency) if known else None

    return computed(description, shown, reads=(amount, "currency"))


@bound(
    "discrepancy",
    "Money that is not as it was said to be, for somebody to look at.",
    needs="reconciliation:read",
)
class Discrepancy(Node):
    kind: DiscrepancyKind = value("In which way it differs.")
    status: DiscrepancyStatus = value("Whether it waits for somebody.")
    version: int = value("Counts changes; send it back as `expectedVersion`.")
    subject: str = value("What it is about.")
    expected: Money | None = _amount("What should be.", "expected_minor")
    actual: Money | None = _amount("What is.", "actual_minor")
    facts: JSON = computed(
        "What is known; an object.",
        lambda record: JSON(shown_payload(record.facts)),
        reads=("facts",),
    )
    opened_at: datetime = value("When it was found.")
    resolved_at: datetime | None = value("When it was resolved.")
    resolution: str | None = value("What whoever resolved it wrote.")
    resolved_by: StaffRef | None = one("Who resolved it.", needs="staff:read")
    payment: Payment | None = one("The payment it is about.", needs="payments:read")
    merchant_account: MerchantAccount | None = one(
        "The merchant account it is about.", relation="connection"
    )
    account: Account | None = one("The trading account it is about.", needs="accounts:read")


@bound("settlement", "A settlement file of a payment provider.", needs="reconciliation:read")
class Settlement(Node):
    name: str = value("Name of the file.")
    lines: int = value("How many lines it has.")
    matched: int = value("How many say what is booked.")
    differing: int = value("How many do not; each has a discrepancy.")
    imported_at: datetime = value("When it was imported.")
    imported_by: StaffRef | None = one("Who imported it.", needs="staff:read")
    merchant_account: MerchantAccount = one(
        "The merchant account that it settles.", relation="connection"
    )


@strawberry.type(description="One side of an entry of the ledger.", directives=public())
class LedgerPosting:
    account_id: strawberry.ID = strawberry.field(description="The account of the ledger.")
    account_kind: LedgerAccountKind = strawberry.field(description="What it stands for.")
    reference: str = strawberry.field(description="Whose it is, where there are several.")
    amount: Money = strawberry.field(description="How much; credits are positive.")


def _postings(rows: Iterable[list[Any]]) -> list[LedgerPosting]:
    return [
        LedgerPosting(
            account_id=strawberry.ID(f"ledger_account_{str(key).replace('-', '')}"),
            account_kind=LedgerAccountKind(kind),
            reference=reference,
            amount=Money.of(int(amount), currency),
        )
        for key, kind, reference, currency, amount in rows
    ]


@bound("ledger_transfer", "An entry of the ledger. Never changes.", needs="ledger:read")
class LedgerTransfer(Node):
    key: str = value(
        "What it was posted for, such as `deposit:018f…:settle:1`; posted once.",
        reads="transfer_key",
    )
    kind: str = value("What it is for. Expect kinds you don't know.")
    state: LedgerTransferState = value("What it did.")
    reason: str | None = value("Why, for corrections.")
    source: str | None = value("Where the outside world knows it.")
    external_id: str | None = value("What it is called there.")
    effective_at: datetime = value("When it took effect.")
    recorded_at: datetime = value("When it was recorded.")
    client: ClientRef | None = one("Whose statement shows it.", needs="clients:read")
    resolves: TransferRef | None = one("The hold that it posts or releases.")
    postings: list[LedgerPosting] = computed(
        "What it moved; sums to zero in each currency.",
        lambda record: _postings(record.postings),
        reads=("postings",),
    )
    holds: list[LedgerPosting] = computed(
        "What it holds.", lambda record: _postings(record.holds), reads=("holds",)
    )

    @field("Who caused it; null for whom you may not see.", reads=("actor_kind", "actor_id"))
    async def actor(self, info: Info) -> Actor | None:
        record: Any = self
        found: Actor | None = await find_actor(info, record.actor_kind, record.actor_id)
        return found
