"""SELECTs of performance. Lots and deals are those that earned the ib a commission."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select

from domain.accounts.queries import AnyWork
from domain.clients.tables import client
from domain.ibs.commissions.tables import ib_accrual
from domain.ibs.performance.values import Span, Stretch
from domain.ibs.tables import ib

_UTC = literal("UTC")


async def measure(
    work: AnyWork, ib_id: UUID, start: datetime, end: datetime, *, by: Span
) -> list[Stretch]:
    """How an ib and its branch did between two instants, by stretch; quiet stretches left out."""
    found: dict[datetime, Stretch] = {}
    for row in await _new_clients(work, ib_id, start, end, by=by):
        found.setdefault(row.at, Stretch(row.at)).new_clients = row.n
    for row in await _traded(work, ib_id, start, end, by=by):
        stretch = found.setdefault(row.at, Stretch(row.at))
        stretch.trading_clients, stretch.deals, stretch.lots = row.clients, row.deals, row.lots
    for row in await _earned(work, ib_id, start, end, by=by):
        found.setdefault(row.at, Stretch(row.at)).accrued[row.currency] = int(row.minor)
    return [found[at] for at in sorted(found)]


def _stretch(column: Any, by: Span) -> ColumnElement[datetime]:
    """The beginning of an instant's stretch, in UTC."""
    return func.date_trunc(literal(by.value.lower()), column, _UTC)


async def _new_clients(
    work: AnyWork, ib_id: UUID, start: datetime, end: datetime, *, by: Span
) -> Sequence[Any]:
    at = _stretch(client.c.created_at, by)
    return await work.rows(
        select(at.label("at"), func.count().label("n"))
        .join(
            ib,
            (ib.c.brand_id == client.c.brand_id)
            & (client.c.ib_path >= ib.c.path)
            & (client.c.ib_path < ib.c.path + "~"),
        )
        .where(
            client.c.brand_id == work.scope.brand_id,
            ib.c.brand_id == work.scope.brand_id,
            ib.c.id == ib_id,
            client.c.created_at >= start,
            client.c.created_at < end,
        )
        .group_by(at)
    )


async def _traded(
    work: AnyWork, ib_id: UUID, start: datetime, end: datetime, *, by: Span
) -> Sequence[Any]:
    """Deals with their lots once each, however many components paid for them, less those undone."""
    columns = ib_accrual.c
    sign = func.sign(columns.lots)
    deals = (
        select(
            columns.deal_id,
            columns.client_id,
            _stretch(columns.deal_at, by).label("at"),
            func.max(func.abs(columns.lots)).label("lots"),
            sign.label("sign"),
        )
        .where(*_of(work, ib_id, start, end))
        .group_by(columns.deal_id, columns.client_id, columns.deal_at, sign)
        .subquery("deals")
    )
    return await work.rows(
        select(
            deals.c.at,
            func.count(deals.c.client_id.distinct()).label("clients"),
            func.sum(deals.c.sign).label("deals"),
            func.sum(deals.c.lots * deals.c.sign).label("lots"),
        ).group_by(deals.c.at)
    )


async def _earned(
    work: AnyWork, ib_id: UUID, start: datetime, end: datetime, *, by: Span
) -> Sequence[Any]:
    at = _stretch(ib_accrual.c.deal_at, by)
    return await work.rows(
        select(
            at.label("at"),
            ib_accrual.c.currency,
            func.sum(ib_accrual.c.amount_minor).label("minor"),
        )
        .where(*_of(work, ib_id, start, end))
        .group_by(at, ib_accrual.c.currency)
        .order_by(at, ib_accrual.c.currency)
    )


def _of(work: AnyWork, ib_id: UUID, start: datetime, end: datetime) -> tuple[Any, ...]:
    columns = ib_accrual.c
    return (
        columns.brand_id == work.scope.brand_id,
        columns.ib_id == ib_id,
        columns.deal_at >= start,
        columns.deal_at < end,
    )
