"""A statement as a file for people: PDF, with the lines of the CSV.

Loaded when somebody asks for one: what draws it takes more memory than all statements before it.
"""

from collections.abc import Iterator, Sequence
from typing import IO, Any
from zoneinfo import ZoneInfo

from anyascii import anyascii
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from domain.kernel.money import Money
from domain.payments.statements.files import plain
from domain.payments.statements.values import StatementHead, StatementRow

_TIME = "%Y-%m-%d %H:%M:%S"
_WIDTH, _HEIGHT = A4
_LEFT, _RIGHT, _TOP, _BOTTOM = 18 * mm, _WIDTH - 18 * mm, _HEIGHT - 18 * mm, 20 * mm
_LINE = 5 * mm
_CELL = 28  # letters that fit a column
_FONT, _BOLD = "Helvetica", "Helvetica-Bold"
# Where columns stand: three from the left, two up to the right.
_AT, _KIND, _REFERENCE, _AMOUNT = _LEFT, _LEFT + 36 * mm, _LEFT + 82 * mm, _RIGHT - 34 * mm


def write_pdf(
    file: IO[bytes],
    head: StatementHead,
    balances: tuple[Money, Money],
    rows: Sequence[StatementRow],
) -> None:
    """Write all rows, page by page, each with its number. Takes its time: run it in a thread."""
    canvas: Any = Canvas(file, pagesize=A4)  # type: ignore[no-untyped-call] # it has no types
    canvas.setTitle(f"Statement {head.client_reference} {head.currency}")
    canvas.setAuthor(head.brand_name)
    lines = list(_lines(head, balances, rows))
    pages = list(_pages(lines))
    for number, page in enumerate(pages, 1):
        y = _page_head(canvas, head) if number == 1 else _TOP
        y = _column_heads(canvas, y)
        for cells in page:
            _draw(canvas, y, cells)
            y -= _LINE
        _page_foot(canvas, head, number, len(pages))
        canvas.showPage()
    canvas.save()


_FIRST_PAGE, _NEXT_PAGES = 36, 48


def _pages(lines: Sequence[tuple[str, ...]]) -> Iterator[Sequence[tuple[str, ...]]]:
    yield lines[:_FIRST_PAGE]
    for at in range(_FIRST_PAGE, len(lines), _NEXT_PAGES):
        yield lines[at : at + _NEXT_PAGES]


def _lines(
    head: StatementHead, balances: tuple[Money, Money], rows: Sequence[StatementRow]
) -> Iterator[tuple[str, ...]]:
    zone = ZoneInfo(head.time_zone)
    yield (f"{head.start}", "Opening balance", "", "", plain(balances[0]))
    for row in rows:
        told = row.kind.replace("_", " ").capitalize()
        at = row.at.astimezone(zone).strftime(_TIME)
        yield (at, told, row.reference, plain(row.amount), plain(row.balance))
    yield (f"{head.end}", "Closing balance", "", "", plain(balances[1]))


def _page_head(canvas: Any, head: StatementHead) -> Any:
    """Whose statement it is, and of what; where the table begins."""
    canvas.setFont(_BOLD, 15)
    canvas.drawString(_LEFT, _TOP, _shown(head.brand_name))
    canvas.setFont(_FONT, 9)
    canvas.drawString(_LEFT, _TOP - 6 * mm, _shown(head.legal_entity))
    canvas.setFont(_BOLD, 11)
    canvas.drawString(_LEFT, _TOP - 18 * mm, f"Statement of the {head.currency} wallet")
    canvas.setFont(_FONT, 9)
    told = (
        f"{head.client_reference}  {head.client_name}",
        f"{head.start} to {head.end}, both included; times of {head.time_zone}",
    )
    for at, one in enumerate(told):
        canvas.drawString(_LEFT, _TOP - 24 * mm - at * _LINE, _shown(one))
    return _TOP - 42 * mm


def _column_heads(canvas: Any, y: Any) -> Any:
    canvas.setFont(_BOLD, 8)
    _draw(canvas, y, ("Time", "What for", "Reference", "Amount", "Balance"))
    canvas.line(_LEFT, y - 1.5 * mm, _RIGHT, y - 1.5 * mm)
    canvas.setFont(_FONT, 8)
    return y - _LINE - 1 * mm


def _draw(canvas: Any, y: Any, cells: Sequence[str]) -> None:
    at, kind, reference, amount, balance = (_shown(cell)[:_CELL] for cell in cells)
    canvas.drawString(_AT, y, at)
    canvas.drawString(_KIND, y, kind)
    canvas.drawString(_REFERENCE, y, reference)
    canvas.drawRightString(_AMOUNT, y, amount)
    canvas.drawRightString(_RIGHT, y, balance)


def _page_foot(canvas: Any, head: StatementHead, number: int, pages: int) -> None:
    canvas.setFont(_FONT, 8)
    canvas.drawString(_LEFT, _BOTTOM - 8 * mm, _shown(f"{head.brand_name} · {head.legal_entity}"))
    canvas.drawRightString(_RIGHT, _BOTTOM - 8 * mm, f"Page {number} of {pages}")


def _shown(text: str) -> str:
    """What the fonts of every PDF reader have; other scripts are written in Latin letters."""
    return "".join(one if _is_western(one) else anyascii(one) or "?" for one in text)


def _is_western(letter: str) -> bool:
    return letter.encode("cp1252", "ignore") != b""
