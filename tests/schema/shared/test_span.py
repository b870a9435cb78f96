"""Spans of time: what no market was in is refused, both limits belong to it."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.kernel.errors import Invalid
from schema.shared.span import EARLIEST, checked_span

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def test_the_limits_belong_to_it() -> None:
    checked_span(EARLIEST, NOW + timedelta(days=1), NOW)
    checked_span(NOW - TICK, NOW, NOW)
    assert EARLIEST.year == 1970


@pytest.mark.parametrize(
    ("start", "end", "path"),
    [
        (EARLIEST - TICK, NOW, "from"),
        (datetime(1, 1, 1, tzinfo=UTC), NOW, "from"),
        (NOW, NOW, "from"),
        (NOW, NOW - TICK, "from"),
        (NOW, NOW + timedelta(days=1) + TICK, "to"),
        (datetime(9999, 12, 30, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), "to"),
    ],
)
def test_what_cannot_be_is_refused(start: datetime, end: datetime, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_span(start, end, NOW)
    assert (caught.value.code, caught.value.path) == ("BAD_USER_INPUT", (path,))
