"""What a statement shows beside the ledger's own lines: the numbers that people quote."""

import re
from collections.abc import AsyncIterator, Collection, Sequence
from itertools import chain
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, bindparam, func, select, union_all
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.payments.disputes.tables import dispute
from domain.payments.ledger.queries import Statement, StatementLine
from domain.payments.statements.values import StatementRow
from domain.payments.tables import payment, withdrawal_leg
from tenants.work import ReadWork

PAGE: Final = 500
_HEX: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ids = bindparam("ids", type_=ARRAY(PgUUID(as_uuid=True)))
_brand = bindparam("brand_id", type_=PgUUID(as_uuid=True))
# A transfer's key names its cause: a payment, a part of a withdrawal, or a dispute.
_REFERENCES: Final = union_all(
    select(payment.c.id, payment.c.reference).where(
        payment.c.brand_id == _brand, payment.c.id == func.any(_ids)
    ),
    select(withdrawal_leg.c.id, payment.c.reference)
    .join(
        payment,
        (payment.c.brand_id == withdrawal_leg.c.brand_id)
        & (payment.c.id == withdrawal_leg.c.payment_id),
    )
    .where(withdrawal_leg.c.brand_id == _brand, withdrawal_leg.c.id == func.any(_ids)),
    select(dispute.c.id, dispute.c.reference).where(
        dispute.c.brand_id == _brand, dispute.c.id == func.any(_ids)
    ),
)


async def statement_rows(work: ReadWork, statement: Statement) -> AsyncIterator[StatementRow]:
    """The lines of a statement with the references of what caused them, a page in memory."""
    page: list[StatementLine] = []
    async for line in statement.lines:
        page.append(line)
        if len(page) == PAGE:
            for row in await _referenced(work, page):
                yield row
            page.clear()
    for row in await _referenced(work, page):
        yield row


async def _referenced(work: ReadWork, lines: Sequence[StatementLine]) -> list[StatementRow]:
    known = await _references(work, {*chain.from_iterable(_causes(one) for one in lines)})
    return [
        StatementRow(
            at=one.at,
            kind=one.kind or "",
            reference=next((known[key] for key in _causes(one) if key in known), ""),
            amount=one.amount,
            balance=one.balance,
        )
        for one in lines
    ]


def _causes(line: StatementLine) -> list[UUID]:
    return [UUID(hex=found) for found in _HEX.findall(line.key or "")]


async def _references(work: ReadWork, ids: Collection[UUID]) -> dict[UUID, str]:
    if not ids:
        return {}
    given = {"brand_id": work.scope.brand_id, "ids": list(ids)}
    return {row.id: row.reference for row in await work.rows(_REFERENCES, given)}
