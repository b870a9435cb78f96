"""SELECTs about closed deals, for those who pay for them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

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


async def find_cancelling(work: AnyWork, server_id: UUID, ext_id: str) -> Any:
    """The deal that took the deal of that number back; None when none did."""
    rows = await work.rows(
        select(deal)
        .where(
            deal.c.brand_id == work.scope.brand_id,
            deal.c.server_id == server_id,
            deal.c.reverses_ext_id == ext_id,
        )
        .order_by(deal.c.at, deal.c.id)
        .limit(1)
    )
    return rows[0] if rows else None


async def find_opening(work: AnyWork, closed: Any) -> Any:
    """The deal that last opened or enlarged a position before it was closed; None if unknown."""
    rows = await work.rows(
        select(deal.c.id, deal.c.at, deal.c.price, deal.c.side)
        .where(
            deal.c.brand_id == work.scope.brand_id,
            deal.c.account_id == closed.account_id,
            deal.c.position_ext_id == closed.position_ext_id,
            deal.c.entry == DealEntry.IN,
            deal.c.at <= closed.at,
        )
        .order_by(deal.c.at.desc(), deal.c.id.desc())
        .limit(1)
    )
    return rows[0] if rows else None


async def was_hedged(work: AnyWork, closed: Any, side: str, since: datetime) -> bool:
    """Whether the account held the symbol the other way round, too, at some time in between."""
    against = Side.SELL if side == Side.BUY else Side.BUY
    opened = await work.rows(
        select(deal.c.position_ext_id, func.sum(deal.c.lots).label("lots"))
        .where(
            *_of_symbol(work, closed),
            deal.c.entry == DealEntry.IN,
            deal.c.side == against,
            deal.c.at < closed.at,
        )
        .group_by(deal.c.position_ext_id)
    )
    if not opened:
        return False
    gone = await work.rows(
        select(deal.c.position_ext_id, func.sum(deal.c.closed_lots).label("lots"))
        .where(*_of_symbol(work, closed), deal.c.at <= since)
        .group_by(deal.c.position_ext_id)
    )
    return _leaves_any(opened, {one.position_ext_id: one.lots for one in gone})


def _of_symbol(work: AnyWork, closed: Any) -> tuple[Any, ...]:
    return (
        deal.c.brand_id == work.scope.brand_id,
        deal.c.account_id == closed.account_id,
        deal.c.symbol == closed.symbol,
    )


def _leaves_any(opened: Sequence[Any], gone: dict[str, Decimal]) -> bool:
    return any(one.lots > gone.get(one.position_ext_id, Decimal(0)) for one in opened)


async def list_closed_live(work: AnyWork, *, after: UUID | None, limit: int) -> Sequence[Any]:
    """Closing deals of LIVE accounts by id, behind `after`; ids begin with the time of the deal."""
    statement = (
        select(deal.c.id, deal.c.server_id, deal.c.ext_id)
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
