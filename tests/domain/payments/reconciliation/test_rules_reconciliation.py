"""Verdicts on lines, ageing by first in first out, shares."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.money import Money
from domain.payments.reconciliation.rules import (
    Part,
    gross_of,
    is_aged,
    is_odd_fee,
    is_same_line,
    judge_lines,
    most_to_book,
    older_minor,
    open_parts,
    part_cleared,
    percent_of,
    totals_of,
)
from domain.payments.reconciliation.values import Expected, Line, LineType, LineVerdict, Totals

DAY = date(2026, 1, 5)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
V = LineVerdict


def line(n: int, gross: int, fee: int = 0, **named: Any) -> Line:
    values: dict[str, Any] = {"type": LineType.PAYMENT, "currency": "USD"} | named
    return Line(
        n=n, ext_line_id=f"l{n}", ext_settlement_id="s", date=DAY, psp_id=f"p{n}", reference="",
        gross_minor=gross, fee_minor=fee, net_minor=gross - fee, **values,
    )  # fmt: skip


def about(total: int, *, told: int = 0, cleared: int = 0, subject: str = "a") -> Expected:
    return Expected(subject, UUID(int=1), Money(total, "USD"), told, cleared)


@pytest.mark.parametrize(
    ("gross", "expected", "verdict", "cleared"),
    [
        (100, about(100), V.MATCHED, 100),
        (120, about(100), V.DIFFERS, 100),
        (60, about(100), V.DIFFERS, 60),
        (40, about(100, told=60, cleared=60), V.MATCHED, 40),
        (50, about(100, told=60, cleared=60), V.DIFFERS, 40),
        (-100, about(-100), V.MATCHED, -100),
        (-100, about(100), V.DIFFERS, 0),
        (100, about(0), V.DIFFERS, 0),
        (0, about(0), V.MATCHED, 0),
        (100, None, V.EXTRA, 0),
    ],
)
def test_a_line_clears_what_was_booked_and_no_more(
    gross: int, expected: Expected | None, verdict: V, cleared: int
) -> None:
    known = {} if expected is None else {1: expected}
    (one,) = judge_lines([line(1, gross)], known)
    assert (one.verdict, one.cleared_minor) == (verdict, cleared)


def test_lines_of_one_subject_are_judged_together() -> None:
    both = {1: about(100), 2: about(100)}
    judged = judge_lines([line(1, 60), line(2, 40)], both)
    assert [(one.verdict, one.cleared_minor) for one in judged] == [
        (V.MATCHED, 60),
        (V.MATCHED, 40),
    ]
    judged = judge_lines([line(1, 60), line(2, 60)], both)
    assert [(one.verdict, one.cleared_minor) for one in judged] == [
        (V.DIFFERS, 60),
        (V.DIFFERS, 40),
    ]
    assert judged[0].expected is not None
    assert judged[0].expected.told_minor == 120


def test_a_line_is_the_same_by_what_it_moves() -> None:
    booked = line(1, 100, 3)
    assert is_same_line(replace(booked, n=7, reference="x", date=date(2026, 1, 6)), booked)
    for other in (line(1, 99, 3), line(1, 100, 2), line(1, 100, 3, currency="EUR"),
                  line(1, 100, 3, type=LineType.DISPUTE), line(2, 100, 3)):  # fmt: skip
        assert not is_same_line(other, booked)


def test_another_currency_clears_nothing() -> None:
    (one,) = judge_lines([line(1, 100, currency="EUR")], {1: about(100)})
    assert (one.verdict, one.cleared_minor) == (V.DIFFERS, 0)


def test_a_disputes_fee_is_no_fee_again() -> None:
    inside = line(1, 0, 1_500, type=LineType.DISPUTE_FEE)
    outside = line(2, -1_500, type=LineType.DISPUTE_FEE)
    for one in (inside, outside):
        judged = judge_lines([one], {one.n: about(-1_500)})
        assert totals_of(judged) == {"USD": Totals(fees=0, net=-1_500, cleared=-1_500, suspense=0)}


@pytest.mark.parametrize(
    ("kind", "gross", "fee", "is_odd"),
    [
        (LineType.PAYMENT, 100, 0, False),
        (LineType.PAYMENT, 100, 100, False),
        (LineType.PAYMENT, 100, 101, True),
        (LineType.PAYMENT, 100, -1, True),
        (LineType.PAYOUT, -100, 3, False),
        (LineType.PAYOUT, -100, -3, True),
        (LineType.REFUND, -100, -3, False),
        (LineType.REFUND, -100, -101, True),
        (LineType.DISPUTE_FEE, 0, 1_500, False),
    ],
)
def test_a_fee_is_within_what_the_line_moves(
    kind: LineType, gross: int, fee: int, is_odd: bool
) -> None:
    one = line(1, gross, fee, type=kind)
    assert is_odd_fee(one) is is_odd
    (judged,) = judge_lines([one], {1: about(gross_of(one))})
    assert judged.is_fee_wrong is is_odd
    assert judged.verdict is (V.DIFFERS if is_odd else V.MATCHED)
    assert judged.is_whole, "what it moves is right"


def test_the_fees_of_all_that_is_told_are_what_the_psp_said() -> None:
    known = replace(about(100), fee_minor=5)
    both = {1: known, 2: known}
    assert [one.is_fee_wrong for one in judge_lines([line(1, 60, 3), line(2, 40, 2)], both)] == [
        False, False
    ]  # fmt: skip
    assert [one.is_fee_wrong for one in judge_lines([line(1, 60, 3), line(2, 40, 3)], both)] == [
        True, True
    ]  # fmt: skip
    (part,) = judge_lines([line(1, 60, 3)], both)
    assert not part.is_fee_wrong, "a part of it has a part of the fee"
    rest = replace(about(100, told=60, cleared=60), fee_minor=5, fee_told_minor=3)
    assert not judge_lines([line(1, 40, 2)], {1: rest})[0].is_fee_wrong
    assert judge_lines([line(1, 40, 0)], {1: rest})[0].is_fee_wrong


_amounts = st.integers(-1_000, 1_000)


@given(st.lists(st.tuples(_amounts, st.integers(0, 50), st.integers(0, 3), _amounts), max_size=20))
def test_a_settlement_always_balances(rows: list[tuple[int, int, int, int]]) -> None:
    """fees + net = cleared + suspense, whatever is in the file; nothing clears beyond its total."""
    totals = {subject: total for _, _, subject, total in rows}
    lines = [line(n, gross, fee) for n, (gross, fee, _, _) in enumerate(rows)]
    known = {
        n: about(totals[subject], subject=str(subject))
        for n, (_, _, subject, _) in enumerate(rows)
        if subject
    }
    judged = judge_lines(lines, known)
    for sums in totals_of(judged).values():
        assert sums.fees + sums.net == sums.cleared + sums.suspense
    for subject, total in totals.items():
        cleared = sum(
            one.cleared_minor
            for one in judged
            if one.expected is not None and one.expected.subject == str(subject)
        )
        assert abs(cleared) <= abs(total)
        assert cleared * total >= 0


def test_what_is_cleared_has_the_sign_of_what_is_left() -> None:
    assert [part_cleared(5, 3), part_cleared(-5, -3), part_cleared(5, -3), part_cleared(-5, 3)] == [
        3, -3, 0, 0,
    ]  # fmt: skip


def at(hours: int) -> datetime:
    return NOON - timedelta(hours=hours)


def test_the_oldest_are_explained_first() -> None:
    newest_first = [Part(at(1), -30), Part(at(2), 120), Part(at(3), -40), Part(at(4), -100)]
    assert open_parts(-50, newest_first) == [Part(at(1), -30), Part(at(3), -20)]
    assert open_parts(0, newest_first) == []
    assert open_parts(-999, newest_first)[-1] == Part(at(4), -100)
    parts = open_parts(-50, newest_first)
    assert (older_minor(parts, at(2)), older_minor(parts, at(9))) == (-20, 0)


@pytest.mark.parametrize(
    ("since", "expected"), [(None, False), (at(24), False), (at(25), True)], ids=str
)
def test_what_waits_longer_than_allowed_is_aged(since: datetime | None, expected: bool) -> None:
    assert is_aged(since, NOON, 24) is expected


@pytest.mark.parametrize(
    ("unreconciled", "moved", "expected"),
    [(0, 0, "0.00"), (0, 9, "0.00"), (1, 1_000_000, "0.01"), (5, 200, "2.50"), (9, 9, "100.00")],
)
def test_a_share_is_never_rounded_to_nothing(unreconciled: int, moved: int, expected: str) -> None:
    assert percent_of(unreconciled, moved) == Decimal(expected)


@pytest.mark.parametrize(
    ("expected", "actual", "booked", "most"),
    [
        (None, None, 0, 0),
        (None, 70, 0, 70),
        (100, 70, 0, 30),
        (70, -100, 0, 170),
        (-5, None, 0, 5),
        (100, 115, 10, 5),
        (100, 105, 10, 0),
    ],
)
def test_no_more_is_booked_than_what_differs_still(
    expected: int | None, actual: int | None, booked: int, most: int
) -> None:
    assert most_to_book(expected, actual, booked_minor=booked) == most
