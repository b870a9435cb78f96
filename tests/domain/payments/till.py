"""A brand's till for tests: a PSP connection, deposits that are settled, and what is in the books.

Deposits are rows and postings as settling one leaves them, so that what follows on a deposit is
tested by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.queries import balances
from domain.payments.ledger.tables import ledger_account
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Leg, Transfer
from domain.payments.psp_values import PspDispute
from domain.payments.tables import payment, psp, psp_connection
from domain.payments.values import (
    ConnectionStatus,
    DisputeStatus,
    PaymentKind,
    PaymentStatus,
    PspKind,
)
from tenants.context import system_scope
from tenants.work import Database, WriteWork
from tests.factories import Brand, Client, Factory

K = LedgerAccountKind


@dataclass
class Till:
    """The till of a brand, in US cents."""

    make: Factory
    database: Database
    brand: Brand
    connection_id: UUID = field(default_factory=new_uuid)
    currency: str = "USD"

    def open(self) -> "Till":
        """Connect the brand to a PSP that nobody calls."""
        psp_id = new_uuid()
        row = {"id": psp_id, "name": f"psp-{psp_id.hex}", "kind": PspKind.SANDBOX,
               "endpoint": "http://127.0.0.1:9"}  # fmt: skip
        self.make.run(self.brand, insert(psp).values(**row))
        self.make.insert(
            psp_connection, self.brand, id=self.connection_id, psp_id=psp_id,
            legal_entity_id=self.brand.legal_entity_id, name=f"till {psp_id.hex}",
            status=ConnectionStatus.ACTIVE, api_key_cipher=b"", notice_secrets_cipher=b"",
            created_at=datetime.now(UTC),
        )  # fmt: skip
        return self

    # Deposits ---------------------------------------------------------------------------------

    def payment(self, client: Client, amount: int, **columns: Any) -> dict[str, Any]:
        """The row of a settled deposit; nothing is booked."""
        key, now = new_uuid(), datetime.now(UTC)
        row = {
            "id": key, "client_id": client.id, "ib_path": client.ib_path,
            "kind": PaymentKind.DEPOSIT, "reference": f"D-{key.hex[-12:]}",
            "status": PaymentStatus.SETTLED, "version": 1, "currency": self.currency,
            "amount_minor": amount, "fee_minor": 0, "connection_id": self.connection_id,
            "ext_id": f"pay_{key.hex}", "ext_version": 1, "created_at": now, "updated_at": now,
            "credited_minor": amount, "credited_currency": self.currency, "refunded_minor": 0,
            "settled_at": now,
        } | columns  # fmt: skip
        self.make.insert(payment, self.brand, **row)
        return row

    async def deposit(self, client: Client, amount: int, **columns: Any) -> dict[str, Any]:
        """A settled deposit, credited to the client's wallet."""
        row = self.payment(client, amount, **columns)
        await self.move(
            self.clearing(), self.wallet(client), amount, key=f"deposit:{row['id'].hex}"
        )
        return row

    def disputed(
        self, deposit: Mapping[str, Any], status: str, *, version: int, **changed: Any
    ) -> PspDispute:
        """The whole of a deposit in dispute as the PSP states it, with a fee of 15.00."""
        values: dict[str, Any] = {
            "id": f"dp_{deposit['ext_id'][4:]}",
            "payment_id": deposit["ext_id"],
            "reference": deposit["reference"],
            "status": DisputeStatus(status),
            "version": version,
            "amount": Money(int(deposit["amount_minor"]), self.currency),
            "fee": Money(1_500, self.currency),
            "reason": "fraudulent",
            "evidence_due_at": None,
        }
        return PspDispute(**values | changed)

    # Books ------------------------------------------------------------------------------------

    def wallet(self, client: Client) -> AccountKey:
        return AccountKey.wallet(client.id, self.currency)

    def owed(self, client: Client) -> AccountKey:
        return AccountKey.owed_by(client.id, self.currency)

    def clearing(self) -> AccountKey:
        return AccountKey.of(K.PSP_CLEARING, self.currency, self.connection_id)

    def fees(self) -> AccountKey:
        return AccountKey.of(K.PSP_FEES, self.currency, self.connection_id)

    def house(self, kind: LedgerAccountKind = K.BANK) -> AccountKey:
        return AccountKey.of(kind, self.currency)

    async def move(
        self, source: AccountKey, target: AccountKey, amount: int, *, key: str = "", **more: Any
    ) -> UUID:
        """Post a movement of some cents; the transfer's id."""

        async def command(work: WriteWork) -> UUID:
            found = await ledger_accounts(work, [source, target])
            legs = (
                Leg(found[source], Money(-amount, self.currency)),
                Leg(found[target], Money(amount, self.currency)),
            )
            transfer = Transfer(key or f"test:{new_uuid().hex}", "TEST", legs, **more)
            return (await post(work, [transfer]))[0].id

        return (await self.database.write(system_scope(self.brand.id), command)).value

    async def balance(self, key: AccountKey) -> int:
        """What is posted on an account, credits positive; 0 when it was never opened."""

        async def command(work: WriteWork) -> int:
            found = await ledger_accounts(work, [key])
            return (await balances(work, [found[key]]))[found[key]].amount_minor

        return (await self.database.write(system_scope(self.brand.id), command)).value

    def held(self, client: Client) -> int:
        """What holds keep of the client's wallet."""
        rows = self.make.rows(ledger_account, self.brand)
        return sum(
            int(row.pending_out)
            for row in rows
            if row.kind == K.CLIENT_WALLET and row.client_id == client.id
        )
