"""Pure verdicts on what does and does not add up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.payments.reconciliation.values import (
    Expected,
    Judged,
    Line,
    LineType,
    LineVerdict,
    Totals,
)

_PERCENT = Decimal("0.01")
_BACK = frozenset({LineType.REFUND, LineType.PAYOUT_RETURN, LineType.DISPUTE_REVERSAL})


# Settlements ----------------------------------------------------------------------------------


def judge_lines(lines: Sequence[Line], expected: Mapping[int, Expected]) -> list[Judged]:
    """Each line with its verdict. `expected` has what of ours a line is about, by its number.

    Lines of one subject are judged together: a payment that came in two parts has two lines. Of
    what a line has beyond what we booked nothing is cleared; what it lacks stays uncleared.
    """
    told: dict[str, int] = {}
    fees: dict[str, int] = {}
    for line in lines:
        about = expected.get(line.n)
        if about is not None and about.total.currency == line.currency:
            told[about.subject] = told.get(about.subject, about.told_minor) + gross_of(line)
            fees[about.subject] = fees.get(about.subject, about.fee_told_minor) + fee_of(line)
    cleared: dict[str, int] = {}
    judged = []
    for line in lines:
        about = expected.get(line.n)
        if about is None:
            judged.append(Judged(line, LineVerdict.EXTRA, 0, None))
            continue
        if about.total.currency != line.currency:
            judged.append(Judged(line, LineVerdict.DIFFERS, 0, about))
            continue
        before = cleared.get(about.subject, about.cleared_minor)
        part = part_cleared(gross_of(line), about.total.amount_minor - before)
        cleared[about.subject] = before + part
        about = replace(about, told_minor=told[about.subject], fee_told_minor=fees[about.subject])
        one = Judged(line, LineVerdict.DIFFERS, part, about)
        wrong = is_odd_fee(line) or (one.is_whole and _is_other_fee(about))
        is_right = one.is_whole and not wrong
        verdict = LineVerdict.MATCHED if is_right else LineVerdict.DIFFERS
        judged.append(replace(one, verdict=verdict, is_fee_wrong=wrong))
    return judged


def _is_other_fee(about: Expected) -> bool:
    return about.fee_minor is not None and about.fee_minor != about.fee_told_minor


def is_odd_fee(line: Line) -> bool:
    """Whether no PSP keeps that: less than nothing, or more than the line moves. Where money goes
    back its fee may go back as well; a dispute's fee is all of its line."""
    if line.type is LineType.DISPUTE_FEE:
        return False
    least = -abs(line.gross_minor) if line.type in _BACK else 0
    return not least <= line.fee_minor <= abs(line.gross_minor)


def gross_of(line: Line) -> int:
    """What a line moves of what we booked before it. A dispute's fee was booked when it opened, so
    that all of its line counts, wherever the file states it."""
    return line.net_minor if line.type is LineType.DISPUTE_FEE else line.gross_minor


def fee_of(line: Line) -> int:
    """What a line books as the PSP's fee."""
    return 0 if line.type is LineType.DISPUTE_FEE else line.fee_minor


def is_same_line(line: Line, booked: Any) -> bool:
    """Whether a line says again what an earlier file said under its id: `booked` has that."""
    names = ("type", "psp_id", "currency", "gross_minor", "fee_minor", "net_minor")
    return all(getattr(line, name) == getattr(booked, name) for name in names)


def part_cleared(gross_minor: int, left_minor: int) -> int:
    """How much of a line answers to what is left of what we booked: the same sign, and no more."""
    if (gross_minor > 0) != (left_minor > 0):
        return 0
    return min(gross_minor, left_minor, key=abs)


def totals_of(judged: Iterable[Judged]) -> dict[str, Totals]:
    """What a settlement books, by currency: fees + net = cleared + suspense."""
    found: dict[str, Totals] = {}
    for one in judged:
        line = one.line
        so_far = found.get(line.currency, Totals(0, 0, 0, 0))
        found[line.currency] = Totals(
            fees=so_far.fees + fee_of(line),
            net=so_far.net + line.net_minor,
            cleared=so_far.cleared + one.cleared_minor,
            suspense=so_far.suspense + gross_of(line) - one.cleared_minor,
        )
    return found


# Ageing ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """A posting, or what of it is still unexplained."""

    at: datetime
    amount_minor: int


def open_parts(balance_minor: int, newest_first: Iterable[Part]) -> list[Part]:
    """Which postings make up a balance, newest first, when the oldest are explained first (FIFO).

    Postings of the other sign explain; those of the balance's sign wait, and the newest of them
    are what is left. The last one may be open in part.
    """
    left, found = balance_minor, []
    for part in newest_first:
        if left == 0:
            break
        if (part.amount_minor > 0) == (left > 0):
            taken = part_cleared(part.amount_minor, left)
            found.append(Part(part.at, taken))
            left -= taken
    return found


def older_minor(parts: Iterable[Part], than: datetime) -> int:
    """How much of what is open was booked before an instant."""
    return sum(part.amount_minor for part in parts if part.at < than)


def is_aged(since: datetime | None, now: datetime, clearing_hours: int) -> bool:
    """Whether something has waited for longer than a clearing account may."""
    return since is not None and now - since > timedelta(hours=clearing_hours)


def percent_of(unreconciled_minor: int, moved_minor: int) -> Decimal:
    """The share that is not reconciled, in percent with two decimals; never rounded to nothing."""
    if unreconciled_minor == 0:
        return Decimal("0.00")
    if moved_minor <= unreconciled_minor:
        return Decimal("100.00")
    share = (Decimal(100) * unreconciled_minor / moved_minor).quantize(_PERCENT)
    return max(share, _PERCENT)


def most_to_book(
    expected_minor: int | None, actual_minor: int | None, *, booked_minor: int = 0
) -> int:
    """The most that may be booked by hand for a discrepancy, in minor units: what is there beyond
    what should be, or lacks of it, less what was booked for it that way before."""
    differs = abs(int(actual_minor or 0) - int(expected_minor or 0))
    return max(0, differs - booked_minor)
