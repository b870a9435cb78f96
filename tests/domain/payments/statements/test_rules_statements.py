"""Days, instants and cells of statements."""

from datetime import UTC, date, datetime

import pytest

from domain.kernel.errors import Invalid
from domain.payments.statements.rules import check_days, safe_cell, span_of


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2026, 1, 1), date(2026, 1, 1)),
        (date(2025, 1, 1), date(2026, 1, 1)),
        (date(1970, 1, 1), date(1970, 1, 1)),
    ],
    ids=["one-day", "366-days", "first"],
)
def test_days_that_can_be_asked_for(start: date, end: date) -> None:
    check_days(start, end)


@pytest.mark.parametrize(
    ("start", "end", "path"),
    [
        (date(2026, 1, 2), date(2026, 1, 1), ("from",)),
        (date(1969, 12, 31), date(1970, 1, 1), ("from",)),
        (date(2025, 1, 1), date(2026, 1, 2), ("to",)),
        (date(9999, 12, 31), date(9999, 12, 31), ("to",)),
    ],
    ids=["backwards", "too-early", "too-long", "past-the-calendar"],
)
def test_days_that_are_refused(start: date, end: date, path: tuple[str, ...]) -> None:
    with pytest.raises(Invalid) as refused:
        check_days(start, end)
    assert (refused.value.code, refused.value.path) == ("BAD_USER_INPUT", path)


def test_a_day_is_the_brands_own_however_long_it_is() -> None:
    """In Nicosia clocks go back on 25 October 2026: that day has 25 hours."""
    start, end = span_of(date(2026, 10, 25), date(2026, 10, 25), "Europe/Nicosia")
    assert start.astimezone(UTC) == datetime(2026, 10, 24, 21, tzinfo=UTC)
    assert end.astimezone(UTC) == datetime(2026, 10, 25, 22, tzinfo=UTC)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx"])
def test_no_cell_begins_a_formula(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "D-100001", "DEPOSIT", "a=b"])
def test_other_cells_stay(text: str) -> None:
    assert safe_cell(text) == text
