"""SELECTs about closed deals, for those who pay for them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    DateTime,
    Text,
    Uuid,
    any_,
    bindparam,
    literal,
    select,
    text,
)

from domain.accounts.queries import AnyWork
from domain.accounts.tables import deal, trading_account
from domain.accounts.values import AccountKind, DealEntry, Side


async def find_live_deal(work: AnyWork, deal_id: UUID) -> Any:
    """A deal of a LIVE account; None for those of others."""
    rows = await work.rows(
        select(deal)
        .join(
            trading_account,
            (trading_account.c.brand_id == deal.c.brand_id)
            & (trading_account.c.id == deal.c.account_id),
        )
        .where(
            deal.c.brand_id == work.scope.brand_id,
            deal.c.id == deal_id,
            trading_account.c.kind == AccountKind.LIVE,
        )
    )
    return rows[0] if rows else None


async def find_by_ticket(work: AnyWork, server_id: UUID, ext_id: str) -> UUID | None:
    """The id of the brand's deal with that number on its server."""
    rows = await work.rows(
        select(deal.c.id).where(
            deal.c.brand_id == work.scope.brand_id,
            deal.c.server_id == server_id,
            deal.c.ext_id == ext_id,
        )
    )
    return rows[0].id if rows else None


async def list_live(work: AnyWork, deal_ids: Collection[UUID]) -> dict[UUID, Any]:
    """Those of some deals that are of LIVE accounts, by id."""
    rows = await work.rows(
        select(deal)
        .join(
            trading_account,
            (trading_account.c.brand_id == deal.c.brand_id)
            & (trading_account.c.id == deal.c.account_id),
        )
        .where(
            deal.c.brand_id == work.scope.brand_id,
            deal.c.id == any_(_array(deal_ids, deal.c.id)),
            trading_account.c.kind == AccountKind.LIVE,
        )
    )
    return {row.id: row for row in rows}


async def list_cancelled(work: AnyWork, deals: Collection[Any]) -> set[UUID]:
    """Those of some deals that were taken back."""
    columns = deal.c
    rows = await work.rows(
        select(columns.server_id, columns.reverses_ext_id).where(
            columns.brand_id == work.scope.brand_id,
            columns.server_id == any_(_array({one.server_id for one in deals}, columns.server_id)),
            columns.reverses_ext_id == any_(_array({one.ext_id for one in deals}, columns.ext_id)),
        )
    )
    gone = {(row.server_id, row.reverses_ext_id) for row in rows}
    return {one.id for one in deals if (one.server_id, one.ext_id) in gone}


async def list_openings(work: AnyWork, deals: Collection[Any]) -> dict[UUID, Any]:
    """For closing deals: the deal that last opened or enlarged the position before. Without those
    of which it is not known."""
    columns = deal.c
    positions = {one.position_ext_id for one in deals if one.position_ext_id is not None}
    accounts = {one.account_id for one in deals}
    rows = await work.rows(
        select(
            columns.id, columns.account_id, columns.position_ext_id, columns.at, columns.price,
            columns.side,
        )
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.account_id == any_(_array(accounts, columns.account_id)),
            columns.position_ext_id == any_(_array(positions, columns.position_ext_id)),
            columns.entry == DealEntry.IN,
        )
        .order_by(columns.at, columns.id)
    )  # fmt: skip
    opened: dict[tuple[UUID, str], list[Any]] = defaultdict(list)
    for row in rows:
        opened[row.account_id, row.position_ext_id].append(row)
    found = {}
    for one in deals:
        before = [row for row in opened[one.account_id, one.position_ext_id] if row.at <= one.at]
        if before:
            found[one.id] = before[-1]
    return found


_HEDGED = text(
    "select asked.id from unnest(:ids, :accounts, :symbols, :against, :closed, :since)"
    " as asked(id, account_id, symbol, against, closed_at, since) where exists ("
    " select 1 from deal opened where opened.brand_id = :brand_id"
    " and opened.account_id = asked.account_id and opened.symbol = asked.symbol"
    " and opened.entry = 'IN' and opened.side = asked.against and opened.at < asked.closed_at"
    " group by opened.position_ext_id having sum(opened.lots) > coalesce(("
    " select sum(gone.closed_lots) from deal gone where gone.brand_id = :brand_id"
    " and gone.account_id = asked.account_id and gone.symbol = asked.symbol"
    " and gone.position_ext_id = opened.position_ext_id and gone.at <= asked.since), 0))"
).bindparams(
    *(
        bindparam(name, type_=ARRAY(kind))
        for name, kind in (
            ("ids", Uuid()), ("accounts", Uuid()), ("symbols", Text()), ("against", Text()),
            ("closed", DateTime(timezone=True)), ("since", DateTime(timezone=True)),
        )
    )
)  # fmt: skip


async def list_hedged(
    work: AnyWork, deals: Collection[Any], openings: Mapping[UUID, Any]
) -> set[UUID]:
    """Those of some closing deals whose account held the symbol the other way round, too, at some
    time since its opening."""
    asked = [(one, openings[one.id]) for one in deals if one.id in openings]
    if not asked:
        return set()
    against = {Side.BUY: Side.SELL, Side.SELL: Side.BUY}
    rows = await work.rows(
        _HEDGED,
        {
            "brand_id": work.scope.brand_id,
            "ids": [one.id for one, _ in asked],
            "accounts": [one.account_id for one, _ in asked],
            "symbols": [one.symbol for one, _ in asked],
            "against": [against[Side(opened.side)] for _, opened in asked],
            "closed": [one.at for one, _ in asked],
            "since": [opened.at for _, opened in asked],
        },
    )
    return {row.id for row in rows}


def _array(values: Collection[Any], column: Any) -> Any:
    return literal(sorted(values), ARRAY(column.type))


async def list_closed_live(work: AnyWork, *, after: UUID | None, limit: int) -> Sequence[Any]:
    """Closing deals of LIVE accounts by id, behind `after`; ids begin with the time of the deal."""
    statement = (
        select(deal)
        .join(
            trading_account,
            (trading_account.c.brand_id == deal.c.brand_id)
            & (trading_account.c.id == deal.c.account_id),
        )
        .where(
            deal.c.brand_id == work.scope.brand_id,
            deal.c.closed_lots > 0,
            trading_account.c.kind == AccountKind.LIVE,
        )
    )
    if after is not None:
        statement = statement.where(deal.c.id > after)
    return await work.rows(statement.order_by(deal.c.id).limit(limit))
