"""Balances, now and at any past instant."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, bindparam, text
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.kernel.money import Money
from domain.payments.ledger.tables import ledger_account
from domain.payments.ledger.values import LedgerAccountKind
from tenants.work import ReadWork, WriteWork

# The last snapshot at or before the instant, and what was posted since.
_BALANCES = text(
    "select a.id, a.asset, coalesce(s.posted, 0) + coalesce(p.amount, 0) as posted"
    " from ledger_account a"
    " left join lateral (select x.at, x.posted from ledger_snapshot x"
    "  where x.brand_id = :brand_id and x.account_id = a.id"
    "  and (cast(:at as timestamptz) is null or x.at <= :at)"
    "  order by x.at desc limit 1) s on true"
    " left join lateral (select sum(x.amount) as amount from ledger_posting x"
    "  where x.brand_id = :brand_id and x.account_id = a.id"
    "  and x.recorded_at >= coalesce(s.at, '-infinity')"
    "  and (cast(:at as timestamptz) is null or x.recorded_at < :at)) p on true"
    " where a.brand_id = :brand_id and a.id = any(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(PgUUID(as_uuid=True))))


@dataclass(frozen=True, slots=True)
class WalletRow:
    """A wallet with its money: `available` is what may be spent, `held` what a hold keeps."""

    id: UUID
    client_id: UUID
    currency: str
    posted_minor: int
    held_minor: int

    @property
    def available(self) -> Money:
        return Money(self.posted_minor - self.held_minor, self.currency)


async def balances(
    work: ReadWork | WriteWork, account_ids: Collection[UUID], *, at: datetime | None = None
) -> dict[UUID, Money]:
    """What these accounts held before an instant of the database's clock, or hold now.

    Credits are positive. Holds do not count. One statement, for accounts with a floor and without.
    """
    given = {"brand_id": work.scope.brand_id, "ids": list(account_ids), "at": at}
    rows = await work.rows(_BALANCES, given)
    return {row.id: Money(int(row.posted), row.asset) for row in rows}


async def find_wallet(work: ReadWork | WriteWork, wallet_id: UUID) -> WalletRow | None:
    """A wallet by its id; None when it is none, or not the caller's."""
    return await _wallet(work, ledger_account.c.id == wallet_id)


async def find_client_wallet(
    work: ReadWork | WriteWork, client_id: UUID, currency: str
) -> WalletRow | None:
    """A client's wallet in a currency; None when it was never opened."""
    return await _wallet(
        work, ledger_account.c.client_id == client_id, ledger_account.c.asset == currency
    )


async def _wallet(work: ReadWork | WriteWork, *conditions: Any) -> WalletRow | None:
    rows = await work.rows(
        select_columns(
            ledger_account.c.id,
            ledger_account.c.client_id,
            ledger_account.c.asset,
            ledger_account.c.posted,
            ledger_account.c.pending_out,
        ).where(
            ledger_account.c.brand_id == work.scope.brand_id,
            ledger_account.c.kind == LedgerAccountKind.CLIENT_WALLET.value,
            *conditions,
        )
    )
    if not rows:
        return None
    row = rows[0]
    return WalletRow(row.id, row.client_id, row.asset, int(row.posted), int(row.pending_out))
