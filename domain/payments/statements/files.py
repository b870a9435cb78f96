"""A statement as a file for programs and spreadsheets: CSV.

It begins with the balance before the first day, goes on with each posting and the balance behind
it, and ends with the balance after the last day; times are the brand's.
"""

import csv
import io
from collections.abc import AsyncIterator
from typing import IO
from zoneinfo import ZoneInfo

from domain.kernel.money import Money, from_minor
from domain.payments.statements.rules import safe_cell
from domain.payments.statements.values import StatementHead, StatementRow

COLUMNS = ("at", "kind", "reference", "amount", "balance", "currency")


async def write_csv(
    file: IO[bytes],
    head: StatementHead,
    balances: tuple[Money, Money],
    rows: AsyncIterator[StatementRow],
) -> None:
    """Write the rows as they come. UTF-8, RFC 4180; no cell begins a formula."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer, zone = csv.writer(text), ZoneInfo(head.time_zone)
    writer.writerow(COLUMNS)
    writer.writerow(_balance_cells(f"{head.start}", "OPENING_BALANCE", balances[0]))
    async for row in rows:
        writer.writerow(
            (
                row.at.astimezone(zone).isoformat(timespec="microseconds"),
                safe_cell(row.kind),
                safe_cell(row.reference),
                plain(row.amount),
                plain(row.balance),
                row.amount.currency,
            )
        )
    writer.writerow(_balance_cells(f"{head.end}", "CLOSING_BALANCE", balances[1]))
    text.detach()


def _balance_cells(day: str, kind: str, balance: Money) -> tuple[str, ...]:
    return (day, kind, "", "", plain(balance), balance.currency)


def plain(amount: Money) -> str:
    """An amount as plain decimal text."""
    return format(from_minor(amount.amount_minor, amount.currency), "f")
