"""A brand's bank and wallets, and the movements tests make on them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.kernel.ids import new_uuid
from domain.kernel.money import Money
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.values import (
    AccountKey,
    LedgerAccountKind,
    Leg,
    Posted,
    Transfer,
    TransferState,
)
from tenants.context import Scope, system_scope
from tenants.work import Database, WriteWork
from tests.factories import Brand

BANK = AccountKey.of(LedgerAccountKind.BANK, "USD")


def moved(giver: UUID, taker: UUID, amount: int, *, key: str, **more: Any) -> Transfer:
    """`amount` cents from one account to another."""
    legs = (Leg(giver, Money(-amount, "USD")), Leg(taker, Money(amount, "USD")))
    return Transfer(key, "TEST", legs, **more)


def held(giver: UUID, taker: UUID, amount: int, *, key: str, **more: Any) -> Transfer:
    """`amount` cents of one account, kept for another."""
    return moved(giver, taker, amount, key=key, state=TransferState.PENDING, **more)


def released(hold: UUID, *, key: str, state: TransferState = TransferState.VOID) -> Transfer:
    """What lets a hold go."""
    return Transfer(key, "TEST", state=state, resolves=hold)


class Books:
    """A brand's ledger, written as the role `app` by the system or by whom `scope` says."""

    def __init__(self, database: Database, brand: Brand, scope: Scope | None = None) -> None:
        self.database, self.brand = database, brand
        self.scope = scope or system_scope(brand.id)

    async def accounts(self, keys: Sequence[AccountKey]) -> list[UUID]:
        """These accounts, opened where missing."""

        async def command(work: WriteWork) -> dict[AccountKey, UUID]:
            return await ledger_accounts(work, keys)

        found = (await self.database.write(self.scope, command)).value
        return [found[key] for key in keys]

    async def open(self, clients: int) -> tuple[UUID, list[UUID]]:
        """The bank, and the wallets of that many new clients."""
        wallets = [AccountKey.wallet(new_uuid(), "USD") for _ in range(clients)]
        bank, *others = await self.accounts([BANK, *wallets])
        return bank, others

    async def post(self, *transfers: Transfer) -> list[Posted]:
        """Post them in one call."""

        async def command(work: WriteWork) -> list[Posted]:
            return await post(work, transfers)

        return (await self.database.write(self.scope, command)).value
