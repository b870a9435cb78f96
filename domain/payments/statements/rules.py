"""Pure verdicts on statements: which instants their days are, what a cell of a file may hold."""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.kernel.errors import Invalid

DAYS_MAX: Final = 366
_EARLIEST: Final = date(1970, 1, 1)
# What a spreadsheet takes for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def check_days(start: date, end: date) -> None:
    """Refusals: BAD_USER_INPUT for days in the wrong order, before 1970, or more than a year."""
    if start < _EARLIEST:
        raise Invalid("BAD_USER_INPUT", "`from` is 1970 or later.", path=("from",))
    if start > end:
        raise Invalid("BAD_USER_INPUT", "`from` is not after `to`.", path=("from",))
    if (end - start).days >= DAYS_MAX or end == date.max:
        raise Invalid("BAD_USER_INPUT", f"Ask for at most {DAYS_MAX} days.", path=("to",))


def span_of(start: date, end: date, time_zone: str) -> tuple[datetime, datetime]:
    """From the first instant of a day to the first one after another, where clocks say so."""
    zone = ZoneInfo(time_zone)
    after = end + timedelta(days=1)
    return datetime.combine(start, time.min, zone), datetime.combine(after, time.min, zone)


def safe_cell(text: str) -> str:
    """A text as no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
