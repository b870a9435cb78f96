"""Lines that an earlier settlement had: the same again says nothing, another amount is told."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, text

from domain.kernel.money import Money
from domain.payments.reconciliation.commands.open_discrepancies import Found, open_discrepancies
from domain.payments.reconciliation.commands.settle_discrepancies import settle_discrepancies
from domain.payments.reconciliation.rules import is_same_line
from domain.payments.reconciliation.values import Line
from domain.payments.values import DiscrepancyKind
from tenants.work import WriteWork

_KNOWN = text(
    "select ext_line_id, type, psp_id, currency, gross_minor, fee_minor, net_minor, payment_id"
    " from settlement_line where brand_id = :brand_id and connection_id = :connection_id"
    "  and ext_line_id = any(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(Text)))


async def compare_lines(
    work: WriteWork, connection_id: UUID, lines: Sequence[Line]
) -> tuple[list[Line], int]:
    """The lines that no earlier file had, and how many of the others say something else now.

    What was booked of a line stays. Effects: SETTLEMENT_DIFFERS for each that says something else,
    resolved when a later file says again what is booked.
    """
    given = {
        "brand_id": work.scope.brand_id,
        "connection_id": connection_id,
        "ids": [line.ext_line_id for line in lines],
    }
    known = {row.ext_line_id: row for row in await work.rows(_KNOWN, given)}
    again = [(line, known[line.ext_line_id]) for line in lines if line.ext_line_id in known]
    same = [_subject(connection_id, line) for line, row in again if is_same_line(line, row)]
    if same:
        await settle_discrepancies(
            work,
            {DiscrepancyKind.SETTLEMENT_DIFFERS: sorted(same)},
            resolution="A later settlement says again what is booked.",
        )
    other = [_found(connection_id, line, row) for line, row in again if not is_same_line(line, row)]
    if other:
        await open_discrepancies(work, sorted(other, key=lambda one: one.subject))
    return [line for line in lines if line.ext_line_id not in known], len(other)


def _subject(connection_id: UUID, line: Line) -> str:
    return f"line:{connection_id.hex}:{line.ext_line_id}"


def _found(connection_id: UUID, line: Line, row: Any) -> Found:
    """What is booked against what the file says now; the net amounts when only a fee is another."""
    was, now = int(row.gross_minor), line.gross_minor
    if was == now:
        was, now = int(row.net_minor), line.net_minor
    return Found(
        DiscrepancyKind.SETTLEMENT_DIFFERS,
        _subject(connection_id, line),
        payment_id=row.payment_id,
        connection_id=connection_id,
        expected=Money(was, row.currency) if row.currency == line.currency else None,
        actual=Money(now, line.currency),
        facts={
            "line": line.n,
            "type": line.type,
            "psp_id": line.psp_id,
            "settlement": line.ext_settlement_id,
            "booked_type": row.type,
            "booked_psp_id": row.psp_id,
            "booked_fee_minor": str(row.fee_minor),
        },
    )
