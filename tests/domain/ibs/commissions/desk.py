"""A brand with a line of ibs, a client below it and a live account whose deals tests record."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from typing import Any
from uuid import UUID

from domain.accounts.commands.record_deals import AccountRow, record_deals
from domain.accounts.tables import deal as deal_table
from domain.accounts.tables import trading_account
from domain.accounts.trading import Deal, DealReason
from domain.accounts.values import AccountKind, DealEntry, Side
from domain.events.consumers import consume
from domain.ibs.commissions.consumers import ACCRUALS
from domain.ibs.commissions.replay import Replay, replay
from domain.ibs.commissions.tables import (
    ib_accrual,
    ib_assignment,
    ib_judgement,
    ib_plan,
    ib_plan_version,
)
from domain.ibs.commissions.terms import to_json
from domain.ibs.commissions.values import Terms
from domain.kernel.ids import new_uuid
from tenants.context import Scope, system_scope
from tenants.tables import event
from tenants.work import Database, WriteWork
from tests.factories import Account, Brand, Client, Factory, Ib

LONG_AGO = datetime(2026, 1, 5, tzinfo=UTC)
CLOSED_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
_tickets = itertools.count(1)


class Desk:
    """`line` has the introducer last: master, sub, direct."""

    def __init__(self, make: Factory, brand: Brand, database: Database, levels: int = 3) -> None:
        self.make, self.brand, self.database = make, brand, database
        self.scope: Scope = system_scope(brand.id)
        self.line: list[Ib] = []
        for _ in range(levels):
            self.line.append(make.ib(brand, self.line[-1] if self.line else None))
        self.client: Client = make.client(brand, self.line[-1] if self.line else None)
        self.account = self.open_account()
        make.symbol("EURUSD")

    def open_account(self, kind: AccountKind = AccountKind.LIVE) -> Account:
        return self.make.account(self.brand, self.client, kind=kind, group_name="live")

    def plan(self, ib: Ib, terms: Terms, *, since: datetime = LONG_AGO) -> UUID:
        """A plan that holds for an ib; the id of its version."""
        plan_id, version_id, now = new_uuid(), new_uuid(), datetime.now(UTC)
        self.make.insert(
            ib_plan, self.brand, id=plan_id, name=plan_id.hex, version=1, created_at=now
        )
        self.make.insert(
            ib_plan_version, self.brand, id=version_id, plan_id=plan_id, number=1, from_at=since,
            terms=to_json(terms), created_at=now,
        )  # fmt: skip
        self.make.insert(
            ib_assignment, self.brand, id=new_uuid(), ib_id=ib.id, ib_path=ib.path,
            plan_id=plan_id, from_at=since, created_at=now,
        )  # fmt: skip
        return version_id

    def plans(self, *terms: Terms) -> None:
        """Plans for the line, the introducer's first."""
        for ib, each in zip(reversed(self.line), terms, strict=True):
            self.plan(ib, each)

    async def trade(
        self,
        lots: str,
        *,
        account: Account | None = None,
        at: datetime = CLOSED_AT,
        seconds: int = 600,
        **closing: Any,
    ) -> UUID:
        """A position opened and closed; the id of the closing deal."""
        position = str(next(_tickets))
        opened = deal_of(DealEntry.IN, lots, position, at=at - timedelta(seconds=seconds))
        closed = replace(deal_of(DealEntry.OUT, lots, position, at=at), **closing)
        await self.record([opened, closed], account=account)
        return self.id_of(closed.deal_id)

    async def cancel(self, deal_id: UUID, *, account: Account | None = None) -> UUID:
        """The platform takes a deal back; the id of the deal that says so."""
        row = next(one for one in self.deals() if one.id == deal_id)
        taken = replace(
            deal_of(DealEntry.CANCEL, str(row.lots), row.position_ext_id, at=row.at),
            reverses_id=row.ext_id,
        )
        await self.record([taken], account=account)
        return self.id_of(taken.deal_id)

    async def record(self, deals: Sequence[Deal], *, account: Account | None = None) -> None:
        """What the reader of the stream does."""
        whose = account or self.account
        kind = self.kind_of(whose)
        known = {whose.login: AccountRow(
            whose.id, whose.login, whose.client_id, whose.ib_path, "USD", kind
        )}  # fmt: skip
        of_login = [replace(one, login=whose.login) for one in deals]

        async def command(work: WriteWork) -> None:
            await record_deals(work, self.brand.server_id, known, of_login, {})

        await self.database.write(self.scope, command)

    def kind_of(self, account: Account) -> AccountKind:
        rows = self.make.rows(trading_account, self.brand)
        return AccountKind(next(one.kind for one in rows if one.id == account.id))

    async def consume(self) -> None:
        """Let the consumer come to the end of the log."""
        done = await consume(self.database, self.brand.id, ACCRUALS, limit=500)
        assert done is not None
        assert not done.more

    async def replay(self) -> Replay:
        return await replay(self.database, self.brand.id)

    def deals(self) -> Sequence[Any]:
        return self.make.rows(deal_table, self.brand)

    def id_of(self, ticket: str) -> UUID:
        found: UUID = next(one.id for one in self.deals() if one.ext_id == ticket)
        return found

    def accruals(self, deal_id: UUID | None = None) -> list[Any]:
        """Accruals by tier, reversals behind."""
        rows = [
            one for one in self.make.rows(ib_accrual, self.brand) if deal_id in (None, one.deal_id)
        ]
        return sorted(rows, key=lambda one: (one.reverses_id is not None, one.tier, one.component))

    def amounts(self, deal_id: UUID | None = None) -> list[tuple[int, int]]:
        """Tier and minor units of each accrual."""
        return [(one.tier, int(one.amount_minor)) for one in self.accruals(deal_id)]

    def judgements(self) -> dict[UUID, str]:
        return {row.deal_id: row.judgement for row in self.make.rows(ib_judgement, self.brand)}

    def events(self, *kinds: str) -> list[Any]:
        return [
            row
            for row in self.make.rows(event, self.brand)
            if row.topic == "IB" and row.kind in kinds
        ]


def deal_of(entry: DealEntry, lots: str, position: str, *, at: datetime) -> Deal:
    """A deal of EURUSD at 1.1 with no money in it."""
    ticket = str(next(_tickets) + 1_000_000)
    side = Side.BUY if entry is DealEntry.IN else Side.SELL
    nothing = D(0)
    return Deal(
        ticket, ticket, 0, at, entry, DealReason.REQUEST, "EURUSD", side, D(lots), D("1.1"),
        position, None, nothing, nothing, nothing, nothing, nothing, None, None, "",
    )  # fmt: skip
