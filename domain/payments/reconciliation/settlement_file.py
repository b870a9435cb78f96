"""Settlement files as PSPs write them: CSV with a heading, read whole or refused whole."""

import csv
import io
from collections.abc import Mapping
from datetime import date

from domain.kernel.errors import Invalid
from domain.kernel.money import from_minor, most_minor, parse_decimal, to_minor
from domain.payments.reconciliation.errors import SettlementMalformed
from domain.payments.reconciliation.values import Line, LineType

REQUIRED = (
    "settlement_id", "date", "type", "psp_id", "reference", "currency", "gross", "fee", "net",
)  # fmt: skip
LINE_ID = "line_id"
BYTES_MAX = 16 * 1024 * 1024
LINES_MAX = 100_000
_FIELD_MAX = 200
_CURRENCY = range(3, 11)
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)


def read_settlement(text: str) -> list[Line]:
    """The lines of a file; columns by their names, in any order, and others are ignored.

    A line is known by `line_id`, or without that column by settlement, type and PSP id together.
    Amounts are bounded as everywhere, and so is what the lines of a currency come to, either way:
    they are booked as one transfer.
    Refusals: SETTLEMENT_MALFORMED with the number of the line, the heading being 1.
    """
    if len(text) > BYTES_MAX:
        raise SettlementMalformed(1, f"a file has at most {BYTES_MAX} characters")
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        missing = [name for name in REQUIRED if name not in (rows.fieldnames or ())]
        if missing:
            raise SettlementMalformed(1, f"the heading lacks {', '.join(missing)}")
        return _lines(rows)
    except csv.Error as error:
        raise SettlementMalformed(rows.reader.line_num, f"no CSV ({error})") from error


def _lines(rows: "csv.DictReader[str]") -> list[Line]:
    found: list[Line] = []
    known: dict[str, int] = {}
    sums: dict[str, int] = {}
    for row in rows:
        n = rows.line_num
        if len(found) >= LINES_MAX:
            raise SettlementMalformed(n, f"a file has at most {LINES_MAX} lines")
        line = _line(n, row)
        twice = known.setdefault(line.ext_line_id, n)
        if twice != n:
            raise SettlementMalformed(n, f"it repeats line {twice}")
        _bound_sum(line, sums)
        found.append(line)
    return found


def _bound_sum(line: Line, sums: dict[str, int]) -> None:
    currency, most = line.currency, most_minor(line.currency)
    sums[currency] = sums.get(currency, 0) + abs(line.gross_minor) + abs(line.fee_minor)
    if sums[currency] > most:
        shown = from_minor(most, currency)
        what = f"with it the {currency} of the file come to more than {shown}; split the file"
        raise SettlementMalformed(line.n, what)


def _line(n: int, row: Mapping[str, str | None]) -> Line:
    named = {name: row.get(name) for name in (*REQUIRED, LINE_ID)}
    if None in row or any(named[name] is None for name in REQUIRED):
        raise SettlementMalformed(n, "it has more or fewer fields than the heading")
    fields = {name: (value or "").strip() for name, value in named.items()}
    if any(len(value) > _FIELD_MAX or not value.isprintable() for value in fields.values()):
        raise SettlementMalformed(n, f"a field is not printable or over {_FIELD_MAX} characters")
    for name in ("settlement_id", "psp_id"):
        if not fields[name]:
            raise SettlementMalformed(n, f"{name} is empty")
    currency = fields["currency"]
    if len(currency) not in _CURRENCY or not (currency.isalnum() and currency.isupper()):
        raise SettlementMalformed(n, "the currency is no code such as EUR")
    gross, fee, net = (_amount(n, name, fields) for name in ("gross", "fee", "net"))
    if net != gross - fee:
        raise SettlementMalformed(n, "net is not gross less fee")
    kind = _kind(n, fields["type"])
    own = ":".join((fields["settlement_id"], kind, fields["psp_id"]))
    return Line(
        n=n,
        ext_line_id=fields[LINE_ID] or own,
        ext_settlement_id=fields["settlement_id"],
        date=_day(n, fields["date"]),
        type=kind,
        psp_id=fields["psp_id"],
        reference=fields["reference"],
        currency=currency,
        gross_minor=gross,
        fee_minor=fee,
        net_minor=net,
    )


def _amount(n: int, name: str, fields: Mapping[str, str]) -> int:
    try:
        return to_minor(parse_decimal(fields[name]), fields["currency"])
    except Invalid as error:
        raise SettlementMalformed(n, f"{name} is no amount: {error.message.rstrip('.')}") from error


def _kind(n: int, text: str) -> LineType:
    try:
        return LineType(text)
    except ValueError as error:
        known = ", ".join(LineType)
        raise SettlementMalformed(n, f"its type is none of {known}") from error


def _day(n: int, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise SettlementMalformed(n, "the date is none such as 2026-11-22") from error
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise SettlementMalformed(n, f"the date is not between {_FIRST_DAY} and {_LAST_DAY}")
    return day
