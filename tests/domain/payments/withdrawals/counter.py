"""A client with money and a staffed back office, driven by the commands the API calls."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import update

from domain.kernel.ids import new_uuid
from domain.kernel.money import Money, to_minor
from domain.payments.ledger.tables import ledger_account, ledger_hold_leg, ledger_transfer
from domain.payments.ledger.values import LedgerAccountKind
from domain.payments.tables import (
    approval,
    payment,
    payment_method,
    payment_method_terms,
    payout_destination,
    withdrawal_leg,
)
from domain.payments.values import MethodKind, PaymentDirection
from domain.payments.withdrawals.commands.approve_withdrawal import approve_withdrawal
from domain.payments.withdrawals.commands.create_destination import (
    DestinationWish,
    create_destination,
)
from domain.payments.withdrawals.commands.request_withdrawal import (
    WithdrawalWish,
    request_withdrawal,
)
from tenants.context import Actor, ActorKind, Scope
from tenants.secrets import Vault
from tenants.tables import event
from tenants.values import Role
from tests.domain.payments.till import Till
from tests.factories import Client, scope_of

T = TypeVar("T")
VAULT = Vault(bytes(range(32)))
IBAN = "DE89 3704 0044 0532 0130 00"
LEVELS = ("back_office", "finance", "compliance")
REVIEW = frozenset({"withdrawals:review", "clients:all"})
ALL = REVIEW | {f"approvals:{level}" for level in LEVELS}


@dataclass
class Counter:
    """One client at the till of a brand; amounts are US cents."""

    till: Till
    client: Client = field(init=False)
    card: UUID = field(default_factory=new_uuid)
    wallet: UUID = field(default_factory=new_uuid)
    bank: UUID = field(default_factory=new_uuid)

    def open(self, **columns: Any) -> "Counter":
        self.client = self.till.make.client(self.till.brand, **columns)
        kinds = {self.card: "CARD", self.wallet: "EWALLET", self.bank: "BANK"}
        for n, (key, kind) in enumerate(kinds.items()):
            self.till.make.insert(
                payment_method, self.till.brand, id=key, connection_id=self.till.connection_id,
                kind=MethodKind(kind), name=f"{kind} {key.hex[-6:]}", refundable_days=180,
                countries=[], position=n, enabled=True,
            )  # fmt: skip
        self.terms(self.bank)
        return self

    def terms(self, method: UUID, *, most: int = 10**9, fixed: int = 0, bps: int = 0) -> None:
        """What a method takes for withdrawals: from 10.00."""
        self.till.make.insert(
            payment_method_terms, self.till.brand, method_id=method,
            direction=PaymentDirection.WITHDRAWAL, currency="USD", min_minor=1_000, max_minor=most,
            fee_fixed_minor=fixed, fee_bps=bps,
        )  # fmt: skip

    # Who acts -----------------------------------------------------------------------------------

    def as_client(self) -> Scope:
        return scope_of(self.till.brand, client=self.client)

    def as_staff(self, permissions: frozenset[str] = ALL) -> Scope:
        """Another member of staff each time."""
        who = Actor(ActorKind.STAFF, self.till.make.staff(self.till.brand, Role.FINANCE), "Staff")
        return Scope(self.till.brand.id, who, permissions)

    async def do(self, scope: Scope, command: Callable[[Any], Awaitable[T]]) -> T:
        return (await self.till.database.write(scope, command)).value

    # What is done -------------------------------------------------------------------------------

    async def deposit(self, amount: int, method: UUID | None = None, **columns: Any) -> UUID:
        made = await self.till.deposit(
            self.client, amount, method_id=method or self.card, source_label="visa •••• 4242",
            **columns,
        )  # fmt: skip
        key: UUID = made["id"]
        return key

    async def destination(self, *, is_cool: bool = True, account: str = IBAN) -> UUID:
        wish = DestinationWish(self.client.id, self.bank, self.client.name, account)
        made = await self.do(self.as_client(), lambda w: create_destination(w, VAULT, wish))
        key = UUID(made["destination"])
        if is_cool:
            self.warm(key)
        return key

    def warm(self, key: UUID) -> None:
        """Let a destination's cooling-off be over."""
        self.till.make.run(
            self.till.brand,
            update(payout_destination)
            .where(payout_destination.c.id == key)
            .values(usable_from=datetime.now(UTC) - timedelta(seconds=1)),
        )

    async def request(
        self, amount: str, destination: UUID | None = None, scope: Scope | None = None
    ) -> UUID:
        money = Money(to_minor(Decimal(amount), "USD"), "USD")
        wish = WithdrawalWish(self.wallet_id(), money, destination)
        made = await self.do(scope or self.as_client(), lambda w: request_withdrawal(w, wish))
        return UUID(made["withdrawal"])

    async def approve(self, key: UUID, scope: Scope | None = None, version: int = 0) -> None:
        expected = version or self.row(key).version
        await self.do(
            scope or self.as_staff(),
            lambda w: approve_withdrawal(w, key, "Looks right", version=expected),
        )

    # What is there ------------------------------------------------------------------------------

    def wallet_id(self) -> UUID:
        (found,) = [
            row.id
            for row in self.till.make.rows(ledger_account, self.till.brand)
            if row.kind == LedgerAccountKind.CLIENT_WALLET and row.client_id == self.client.id
        ]
        return found

    def row(self, key: UUID) -> Any:
        (found,) = [r for r in self.till.make.rows(payment, self.till.brand) if r.id == key]
        return found

    def legs(self, key: UUID) -> list[Any]:
        rows = self.till.make.rows(withdrawal_leg, self.till.brand)
        return sorted((r for r in rows if r.payment_id == key), key=lambda r: r.n)

    def shown_legs(self, key: UUID) -> list[tuple[str, int, str]]:
        return [(leg.kind, int(leg.amount_minor), leg.status) for leg in self.legs(key)]

    def approvals(self, key: UUID) -> list[tuple[int, str, str]]:
        rows = [r for r in self.till.make.rows(approval, self.till.brand) if r.payment_id == key]
        return [(r.round, r.level, r.status) for r in sorted(rows, key=lambda r: (r.round, r.n))]

    async def money(self) -> tuple[int, int, int]:
        """The wallet's posted balance, what is held of it, and what the PSP has for us."""
        wallet = await self.till.balance(self.till.wallet(self.client))
        clearing = await self.till.balance(self.till.clearing())
        return wallet, self.till.held(self.client), -clearing

    def open_holds(self) -> list[int]:
        """What each hold that nothing resolved keeps of the wallet."""
        transfers = self.till.make.rows(ledger_transfer, self.till.brand)
        resolved = {row.resolves_id for row in transfers}
        pending = {r.id for r in transfers if r.state == "PENDING" and r.id not in resolved}
        rows = self.till.make.rows(ledger_hold_leg, self.till.brand)
        return sorted(-int(r.amount) for r in rows if r.transfer_id in pending and r.amount < 0)

    def told(self) -> list[str]:
        rows = self.till.make.rows(event, self.till.brand)
        return [row.kind for row in rows if row.kind.startswith(("withdrawal_", "approval"))]
