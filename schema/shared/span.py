"""Spans of time that callers ask for."""

from datetime import UTC, datetime, timedelta
from typing import Final

from domain.kernel.errors import Invalid

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=1)


def checked_span(start: datetime, end: datetime, now: datetime) -> None:
    """Refusals: BAD_USER_INPUT for an empty span, and for one that no market has been in."""
    if start < EARLIEST:
        raise Invalid("BAD_USER_INPUT", "`from` is 1970 or later.", path=("from",))
    if end > now + _AHEAD:
        raise Invalid("BAD_USER_INPUT", "`to` is at most a day ahead.", path=("to",))
    if start >= end:
        raise Invalid("BAD_USER_INPUT", "`from` lies before `to`.", path=("from",))
