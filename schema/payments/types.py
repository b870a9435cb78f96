"""Payments of the three kinds, bound to the one entity of `domain.payments.reads`."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from domain.payments import values
from domain.payments.actions import PaymentStanding, PaymentViewer, payment_actions
from schema.accounts.types import Account
from schema.clients.enums import ClientRisk
from schema.payments.enums import ApprovalLevel, ApprovalStatus, LegKind, LegStatus, PaymentStatus
from schema.payments.steps import PaymentStep, steps_of
from schema.payments.wallets import PaymentMethod, PayoutDestination, Wallet
from schema.shared.action import Action
from schema.shared.bind import (
    Info,
    Node,
    bound,
    bound_interface,
    field,
    listed,
    money,
    one,
    value,
)
from schema.shared.follow import may_see, wanted
from schema.shared.redirect import RedirectStep
from schema.shared.scalars import URL, Money
from tenants.context import ActorKind

if TYPE_CHECKING:
    from schema.access.types import Staff
    from schema.clients.types import Client
    from schema.payments.back_office import Dispute, MerchantAccount

StaffRef = Annotated["Staff", strawberry.lazy("schema.access.types")]
ClientRef = Annotated["Client", strawberry.lazy("schema.clients.types")]
DisputeRef = Annotated["Dispute", strawberry.lazy("schema.payments.back_office")]
MerchantAccountRef = Annotated["MerchantAccount", strawberry.lazy("schema.payments.back_office")]
DepositRef = Annotated["Deposit", strawberry.lazy("schema.payments.types")]
WithdrawalRef = Annotated["Withdrawal", strawberry.lazy("schema.payments.types")]


@bound_interface("Money that comes in, goes out, or moves within.", needs="payments:read")
class Payment(Node):
    reference: str = value("The number to quote, such as `D-100001`.")
    version: int = value("Counts changes; send it back as `expectedVersion`.")
    status: PaymentStatus = value("Where it stands.")
    reason_code: str | None = value("Why it failed or was refused. Expect codes you don't know.")
    amount: Money = money("How much was asked for.", "amount_minor", "currency")
    fee: Money = money("What the client pays for it.", "fee_minor", "currency")
    client: ClientRef = one("Whose it is.", needs="clients:read")
    created_at: datetime = value("When it was asked for.")
    updated_at: datetime = value("When it last changed.")
    expires_at: datetime | None = value("When it is given up if nothing happens.")

    @field(
        "What you can do with it now.",
        reads=(
            "kind",
            "status",
            "next_level",
            "maker_ids",
            "checker_ids",
            "is_over",
            "can_send_again",
            "is_disputed",
            "is_held",
        ),
    )
    def actions(self, info: Info) -> list[Action]:
        record: Any = self
        standing = PaymentStanding(
            kind=values.PaymentKind(record.kind),
            status=values.PaymentStatus(record.status),
            next_level=record.next_level and values.ApprovalLevel(record.next_level),
            makers=frozenset(record.maker_ids),
            checkers=frozenset(record.checker_ids),
            is_over=record.is_over,
            can_send_again=record.can_send_again,
            is_disputed=record.is_disputed,
            is_held=record.is_held,
        )
        scope = info.context.scope
        is_staff = scope.actor.kind is ActorKind.STAFF
        viewer = PaymentViewer(scope.actor.id, scope.permissions, is_staff=is_staff)
        possible = payment_actions(standing, viewer)
        return [
            Action(name=each.name, allowed=each.allowed, reason_code=each.reason_code)
            for each in possible
        ]

    @field("Every status it had, oldest first.", reads=("steps",))
    def history(self) -> list[PaymentStep]:
        record: Any = self
        return steps_of(record.steps)


DepositNext = Annotated[
    RedirectStep,
    strawberry.union(
        "DepositNext", description="What the payer does next. Expect types you don't know."
    ),
]


@bound("payment", "Money that comes in.", needs="payments:read", when=("kind", "DEPOSIT"))
class Deposit(Payment):
    received: Money | None = money(
        "What the payment provider says it received.", "received_minor", "received_currency"
    )
    credited: Money | None = money(
        "What the wallet got, before the fee.", "credited_minor", "credited_currency"
    )
    refunded: Money | None = money(
        "What went back to its source.",
        "refunded_minor",
        "credited_currency",
        present="credited_currency",
    )
    settled_at: datetime | None = value("When the money was credited.")
    source: str | None = value("What it was paid with, such as `•••• 4242`.", reads="source_label")
    method: PaymentMethod = one("How it is paid.")
    wallet: Wallet | None = one("Where it goes to.", needs="wallets:read")
    merchant_account: MerchantAccountRef | None = one(
        "The merchant account it goes through.",
        relation="connection",
        needs="reconciliation:read",
    )
    disputes: list[DisputeRef] = listed(
        "What its payer disputes.", order="OPENED_AT", needs="disputes:read"
    )

    @field("What the payer does next; null when there is nothing to do.",
           reads=("status", "checkout_url"))  # fmt: skip
    def next(self) -> DepositNext | None:
        record: Any = self
        waits = record.status in (values.PaymentStatus.CREATED, values.PaymentStatus.PENDING)
        return RedirectStep(url=URL(record.checkout_url)) if waits and record.checkout_url else None


@bound("withdrawal_leg", "A part of a withdrawal, on its own way out.", needs="payments:read")
class WithdrawalLeg(Node):
    n: int = value("Its place among the parts, from 1.")
    kind: LegKind = value("How it leaves.")
    status: LegStatus = value("Where it stands.")
    amount: Money = money("How much.", "amount_minor", "currency")
    paid: Money | None = money("What the payment provider paid.", "paid_minor", "currency")
    label: str = value("Where it goes, such as `•••• 4242`.")
    reason_code: str | None = value("Why it failed or came back.")
    updated_at: datetime = value("When its status last changed.")
    method: PaymentMethod = one("How it is paid.")
    deposit: DepositRef | None = one("The deposit that it goes back to.")


@bound("approval", "An approval that a withdrawal needs.", needs="approvals:list")
class Approval(Node):
    round: int = value("Counts from 1; a change of the payee begins another round.")
    n: int = value("Its place in the chain.")
    level: ApprovalLevel = value("Whose it is.")
    status: ApprovalStatus = value("Where it stands.")
    reason: str | None = value("What whoever decided wrote.")
    created_at: datetime = value("When it was first waited for.")
    decided_at: datetime | None = value("When it was decided.")
    decided_by: StaffRef | None = one("Who decided.", needs="staff:read")
    withdrawal: WithdrawalRef = one("What it is about.", relation="payment", needs="payments:read")


@bound("payment", "Money that leaves.", needs="payments:read", when=("kind", "WITHDRAWAL"))
class Withdrawal(Payment):
    risk: ClientRisk | None = value(
        "How risky the client was held to be when it was asked for.", needs="clients:risk"
    )
    wallet: Wallet | None = one("Where it comes from.", needs="wallets:read")
    destination: PayoutDestination | None = one(
        "Where what can't go back to its source is paid to.", needs="destinations:read"
    )
    legs: list[WithdrawalLeg] = listed("Its parts.", order="N")
    approvals: list[Approval] = listed(
        "The approvals it has needed, round by round.", order="ROUND", needs="approvals:list"
    )


TransferEnd = Annotated[
    Wallet | Account,
    strawberry.union("TransferEnd", description="Where money is moved from or to."),
]


async def _end(info: Info, kind: str | None, key: Any) -> Any:
    entity = "wallet" if kind == values.TransferEndKind.WALLET else "account"
    if key is None or not may_see(info, entity):
        return None
    return await info.context.load(entity, key, wanted(info, entity))


@bound(
    "payment",
    "Money that moves between a client's wallets and trading accounts.",
    needs="payments:read",
    when=("kind", "TRANSFER"),
)
class Transfer(Payment):
    received: Money | None = money(
        "What arrived: another amount where it was converted.",
        "received_minor",
        "received_currency",
    )
    rate: Decimal | None = value("The rate of the conversion, spread included.")

    @field(
        "Where it comes from; null when you may not see it.",
        name="from",
        reads=("from_kind", "from_id"),
    )
    async def source(self, info: Info) -> TransferEnd | None:
        record: Any = self
        found: TransferEnd | None = await _end(info, record.from_kind, record.from_id)
        return found

    @field("Where it goes to; null when you may not see it.", name="to", reads=("to_kind", "to_id"))
    async def target(self, info: Info) -> TransferEnd | None:
        record: Any = self
        found: TransferEnd | None = await _end(info, record.to_kind, record.to_id)
        return found
