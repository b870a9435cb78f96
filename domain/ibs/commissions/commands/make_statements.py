"""Close the months that are over: what each ib was due, as a statement that stays as it is."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.ibs.commissions.tables import ib_accrual, ib_statement
from tenants.work import WriteWork


async def make_statements(work: WriteWork, *, limit: int) -> int:
    """Make up to `limit` statements of months (UTC) that have ended; how many.

    A statement has everything that became payable until its month's end and stands on none yet,
    reversals against it. One that was made is not touched again: what comes late stands on the
    next month's.
    """
    this_month = _month_of(work.now())
    made = 0
    for row in await _open(work, before=this_month, limit=limit):
        month = _month_of(row.first_at)
        while month < this_month and not await _make(work, row, month):
            month = _following(month)
        made += month < this_month
    return made


async def _open(work: WriteWork, *, before: date, limit: int) -> Sequence[Any]:
    """Ibs and currencies with something payable that stands on no statement, and since when."""
    columns = ib_accrual.c
    return await work.rows(
        select(columns.ib_id, columns.currency, func.min(columns.payable_since).label("first_at"))
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.statement_id.is_(None),
            columns.payable_since < _begin(before),
        )
        .group_by(columns.ib_id, columns.currency)
        .order_by(columns.ib_id, columns.currency)
        .limit(limit)
    )


async def _make(work: WriteWork, whose: Any, month: date) -> bool:
    """The statement of a month with all that is open until its end; False when it was made."""
    columns, end = ib_accrual.c, _begin(_following(month))
    of_statement = (
        columns.brand_id == work.scope.brand_id,
        columns.ib_id == whose.ib_id,
        columns.currency == whose.currency,
        columns.statement_id.is_(None),
        columns.payable_since < end,
    )
    reverses = columns.reverses_id.is_not(None)
    total = func.coalesce(func.sum(columns.amount_minor).filter(~reverses), 0)
    taken_back = func.coalesce(func.sum(columns.amount_minor).filter(reverses), 0)
    sums = await work.one(
        select(
            total.label("accrued"),
            taken_back.label("reversed"),
            func.count().label("n"),
            func.max(columns.ib_path).label("path"),
        ).where(*of_statement)
    )
    statement_id = work.new_id()
    added = (
        insert(ib_statement)
        .values(
            brand_id=work.scope.brand_id,
            id=statement_id,
            ib_id=whose.ib_id,
            ib_path=sums.path,
            month=month,
            currency=whose.currency,
            accrued_minor=sums.accrued,
            reversed_minor=sums.reversed,
            accruals=sums.n,
            created_at=work.now(),
        )
        .on_conflict_do_nothing(index_elements=["brand_id", "ib_id", "month", "currency"])
        .returning(ib_statement.c.id)
    )
    if not await work.rows(added):
        return False
    await work.rows(update(ib_accrual).where(*of_statement).values(statement_id=statement_id))
    return True


def _month_of(at: datetime) -> date:
    return at.astimezone(UTC).date().replace(day=1)


def _following(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _begin(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)
