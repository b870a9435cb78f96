"""A cashier's till on the real simulator: wallets filled in the ledger, live accounts, a market
that stands still until the test moves it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from decimal import Decimal as D
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from domain.accounts.adapters.bridge import BridgePlatform
from domain.accounts.carry_out import carry_out
from domain.accounts.commands.record_deals import AccountRow, record_deals, replace_positions
from domain.accounts.commands.record_states import record_states
from domain.accounts.ports import OutcomeUnknown
from domain.accounts.tables import platform_request
from domain.accounts.trading import AccountRequest, Group, Passwords
from domain.accounts.values import AccountKind
from domain.events.consumers import consume
from domain.kernel.money import Money, to_minor
from domain.outbound.client import Patience
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.post import post
from domain.payments.ledger.queries import balances, find_client_wallet
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Leg, Transfer
from domain.payments.tables import payment
from domain.payments.transfers.commands.create_transfer import create_transfer
from domain.payments.transfers.consumers import CONSUMERS
from domain.payments.transfers.postings import clearing
from domain.payments.transfers.values import EndWish, TransferWish
from domain.payments.values import TransferEndKind
from tenants.context import Scope, system_scope
from tenants.tables import event
from tenants.work import Database, WriteWork
from tests.factories import Account, Brand, Client, Factory
from tests.simulator.conftest import (
    app,
    clock,
    driver,
    own_database,
    platform_database,
    series,
    served,
    settings,
)
from tests.simulator.driver import Driver

__all__ = ["app", "clock", "driver", "own_database", "platform_database", "series", "settings"]


class Till:
    """A brand with one client, its wallet and its live account on the simulator."""

    def __init__(
        self,
        make: Factory,
        brand: Brand,
        database: Database,
        platform: BridgePlatform,
        impatient: BridgePlatform,
    ) -> None:
        self.make, self.brand, self.database, self.platform = make, brand, database, platform
        self._impatient = impatient
        self.scope: Scope = system_scope(brand.id)
        self.client: Client = make.client(brand)
        self.account: Account = make.account(brand, self.client, kind="LIVE", group_name="live")
        self.cursor = ""

    async def open(self) -> None:
        live = Group("live", "USD", 500, D(0), D(100), D(50), swap_free=False)
        await self.platform.ensure_groups([live])
        wish = AccountRequest(
            self.account.login, "live", 100, "USD", self.account.id.hex,
            Passwords("correct horse", "battery staple"),
        )  # fmt: skip
        await self.platform.create_account(wish, op_id=f"open-{self.account.id.hex}")

    async def fill(self, currency: str, minor: int, *, client: Client | None = None) -> UUID:
        """Money in a wallet, straight from the bank; the wallet's id."""
        owner = client or self.client
        wallet = AccountKey.wallet(owner.id, currency)
        bank = AccountKey.of(LedgerAccountKind.BANK, currency)

        async def command(work: WriteWork) -> UUID:
            found = await ledger_accounts(work, [wallet, bank])
            amount = Money(minor, currency)
            legs = Leg(found[wallet], amount), Leg(found[bank], -amount)
            await post(work, [Transfer(f"fill:{work.new_id().hex}", "TEST", legs)])
            return found[wallet]

        return (await self.database.write(self.scope, command)).value

    async def transfer(
        self,
        source: UUID | str,
        target: UUID | str,
        amount: str,
        currency: str = "USD",
        *,
        quote_id: UUID | None = None,
        scope: Scope | None = None,
        database: Database | None = None,
    ) -> UUID:
        """Begin a transfer; an end is the account's id, a wallet's id or a currency."""
        leaving = Money(to_minor(D(amount), currency), currency)
        wish = TransferWish(self._end(source), self._end(target), leaving, quote_id)
        done = await (database or self.database).write(
            scope or self.scope, lambda work: create_transfer(work, wish)
        )
        return UUID(done.value["payment"])

    def _end(self, named: UUID | str) -> EndWish:
        if isinstance(named, str):
            return EndWish(TransferEndKind.WALLET, currency=named)
        kind = TransferEndKind.ACCOUNT if named == self.account.id else TransferEndKind.WALLET
        return EndWish(kind, named)

    async def carry(self, platform: BridgePlatform | None = None) -> None:
        """Carry every open request out, as the job does."""
        for row in self.make.rows(platform_request, self.brand):
            await carry_out(
                self.database, lambda _: platform or self.platform, self.brand.id, row.id
            )

    async def lose(self) -> None:
        """The same, when the platform's answer is known to be lost."""
        with pytest.raises(OutcomeUnknown):
            await self.carry(self._impatient)

    async def record(self) -> None:
        """What the reader of the stream does: deals, positions and the state since the last."""
        deals, self.cursor = await self.platform.deals_since(self.cursor)
        known = {self.account.login: AccountRow(
            self.account.id, self.account.login, self.client.id, "", "USD", AccountKind.LIVE
        )}  # fmt: skip
        states = await self.platform.account_states([self.account.login])
        held = {self.account.login: await self.platform.positions(self.account.login)}

        async def command(work: WriteWork) -> None:
            await record_deals(work, self.brand.server_id, known, deals, held)
            await record_states(work, known, states)
            await replace_positions(work, [(known[self.account.login], held[self.account.login])])

        await self.database.write(self.scope, command)

    async def consume(self) -> None:
        """Let every consumer of this slice come to the end of the log."""
        for consumer in CONSUMERS:
            while (done := await consume(self.database, self.brand.id, consumer, limit=50)) is None:
                pass
            assert not done.more

    async def settle(self) -> None:
        """Everything that follows a transfer: job, stream, consumers."""
        await self.carry()
        await self.record()
        await self.consume()

    async def booked(self) -> dict[str, int]:
        """Balances of the ledger in USD cents, those that are not zero."""
        server = self.brand.server_id
        keys = {
            "wallet": AccountKey.wallet(self.client.id, "USD"),
            "trading": AccountKey.trading(self.account.id, "USD", self.client.id),
            "clearing": clearing(server, "USD"),
            "result": AccountKey(LedgerAccountKind.TRADING_RESULT, "USD", "B"),
            "nbp": AccountKey.of(LedgerAccountKind.NBP_EXPENSE, "USD"),
            "pool": AccountKey.of(LedgerAccountKind.FX_POOL, "USD"),
            "revenue": AccountKey.of(LedgerAccountKind.FX_REVENUE, "USD"),
            "bank": AccountKey.of(LedgerAccountKind.BANK, "USD"),
        }

        async def command(work: WriteWork) -> dict[str, int]:
            found = await ledger_accounts(work, keys.values())
            held = await balances(work, list(found.values()))
            return {name: held[found[key]].amount_minor for name, key in keys.items()}

        told = (await self.database.write(self.scope, command)).value
        return {name: amount for name, amount in told.items() if amount}

    async def available(self, currency: str = "USD") -> int:
        async with self.database.read(self.scope) as work:
            wallet = await find_client_wallet(work, self.client.id, currency)
        assert wallet is not None
        return wallet.available.amount_minor

    def payments(self) -> Sequence[Any]:
        return self.make.rows(payment, self.brand)

    def kinds(self, topic: str) -> list[str]:
        return [row.kind for row in self.make.rows(event, self.brand) if row.topic == topic]


@pytest_asyncio.fixture
async def till(
    app: Starlette,
    driver: Driver,
    make: Factory,
    brand: Brand,
    worker_database: Database,
    superuser: psycopg.Connection[Any],
) -> AsyncIterator[Till]:
    # Brands share a server: how far its deals were read is another test's story.
    superuser.execute("delete from platform_cursor")
    superuser.commit()
    for name in ("EURUSD", "USDJPY"):
        make.symbol(name)
    async with served(app) as socket:
        # Impatience is for answers that are lost; a busy machine takes its time.
        long, short = Patience(call_s=30.0, tries=1), Patience(call_s=1.5, tries=1, pause_s=0.01)
        bridge = partial(BridgePlatform, f"unix://{socket}")
        async with (
            aclosing(bridge(patience=long)) as platform,
            aclosing(bridge(patience=short)) as impatient,
        ):
            made = Till(make, brand, worker_database, platform, impatient)
            await made.open()
            yield made
