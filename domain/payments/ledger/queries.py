"""Balances and statements, now and at any past instant of the database's clock."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, bindparam, text
from sqlalchemy import select as select_columns
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.kernel.money import Money
from domain.payments.ledger.tables import ledger_account
from domain.payments.ledger.values import LedgerAccountKind
from tenants.work import ReadWork, WriteWork

# An account with a floor keeps its balance inline and behind each posting. Of the others, the last
# snapshot at or before the instant, and what was posted since.
_BALANCES = text(
    "select a.id, a.asset, case"
    "  when a.min_balance is null then coalesce(s.posted, 0) + coalesce(p.amount, 0)"
    "  when cast(:at as timestamptz) is null then a.posted"
    "  else coalesce(b.balance_after, 0) end as posted"
    " from ledger_account a"
    " left join lateral (select x.at, x.posted from ledger_snapshot x"
    "  where a.min_balance is null and x.brand_id = :brand_id and x.account_id = a.id"
    "  and x.at <= coalesce(cast(:at as timestamptz), 'infinity')"
    "  order by x.at desc limit 1) s on true"
    " left join lateral (select sum(x.amount) as amount from ledger_posting x"
    "  where a.min_balance is null and x.brand_id = :brand_id and x.account_id = a.id"
    "  and x.recorded_at >= coalesce(s.at, '-infinity')"
    "  and x.recorded_at < coalesce(cast(:at as timestamptz), 'infinity')) p on true"
    " left join lateral (select x.balance_after from ledger_posting x"
    "  where a.min_balance is not null and x.brand_id = :brand_id and x.account_id = a.id"
    "  and x.recorded_at < cast(:at as timestamptz)"
    "  order by x.recorded_at desc, x.transfer_id desc, x.n desc limit 1) b on true"
    " where a.brand_id = :brand_id and a.id = any(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(PgUUID(as_uuid=True))))
# The keyset is the order of the account's postings; a transfer hidden from the caller has no kind.
_LINES = text(
    "select p.recorded_at, p.transfer_id, p.n, p.amount, p.asset, t.key, t.kind, t.reason"
    " from ledger_posting p left join ledger_transfer t"
    "  on t.brand_id = p.brand_id and t.id = p.transfer_id"
    " where p.brand_id = :brand_id and p.account_id = :account_id"
    "  and (p.recorded_at, p.transfer_id, p.n) > (:after_at, :after_id, :after_n)"
    "  and p.recorded_at < :until"
    " order by p.recorded_at, p.transfer_id, p.n limit :limit"
).bindparams(
    bindparam("after_at", type_=DateTime(timezone=True)),
    bindparam("after_id", type_=PgUUID(as_uuid=True)),
    bindparam("until", type_=DateTime(timezone=True)),
)
_FIRST = (UUID(int=0), -1)
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One posting on an account and the balance behind it."""

    at: datetime
    transfer_id: UUID
    key: str | None
    kind: str | None
    reason: str | None
    amount: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """An account from one instant (included) to another (not): opening + lines = closing.

    `lines` is read page by page in the order of posting, once, while the work is open.
    """

    opening: Money
    closing: Money
    lines: AsyncIterator[StatementLine]


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


async def statement_lines(
    work: ReadWork | WriteWork, account_id: UUID, start: datetime, end: datetime
) -> Statement | None:
    """What was posted on an account in `[start, end)`, between two exact balances.

    None when the caller may not see the account. However long it is, only a page is in memory.
    """
    opening = (await balances(work, [account_id], at=start)).get(account_id)
    closing = (await balances(work, [account_id], at=end)).get(account_id)
    if opening is None or closing is None:
        return None
    return Statement(opening, closing, _lines(work, account_id, opening, start, end))


async def _lines(
    work: ReadWork | WriteWork, account_id: UUID, balance: Money, start: datetime, end: datetime
) -> AsyncIterator[StatementLine]:
    after: tuple[datetime, UUID, int] = (start, *_FIRST)
    while True:
        rows = await work.rows(
            _LINES,
            {
                "brand_id": work.scope.brand_id,
                "account_id": account_id,
                "after_at": after[0],
                "after_id": after[1],
                "after_n": after[2],
                "until": end,
                "limit": _PAGE,
            },
        )
        for row in rows:
            amount = Money(int(row.amount), row.asset)
            balance = balance + amount
            yield StatementLine(
                row.recorded_at,
                row.transfer_id,
                row.key,
                row.kind,
                row.reason,
                amount,
                balance,
            )
        if len(rows) < _PAGE:
            return
        after = (rows[-1].recorded_at, rows[-1].transfer_id, rows[-1].n)


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
