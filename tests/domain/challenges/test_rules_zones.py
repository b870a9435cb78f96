"""Days of named zones, on the days on which clocks change."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.challenges.zones import (
    NY_CLOSE,
    day_of,
    day_start,
    decide_zone,
    local_of,
    next_reset,
)
from domain.kernel.errors import Invalid

MIDNIGHT = time(0)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
START = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "reset", "day", "hours"),
    [
        ("Europe/Prague", MIDNIGHT, date(2026, 3, 28), 24),
        ("Europe/Prague", MIDNIGHT, date(2026, 3, 29), 23),
        ("Europe/Prague", MIDNIGHT, date(2026, 10, 25), 25),
        ("Europe/Athens", MIDNIGHT, date(2026, 3, 29), 23),
        ("Europe/Athens", MIDNIGHT, date(2026, 10, 25), 25),
        ("America/Chicago", MIDNIGHT, date(2026, 11, 1), 25),
        ("America/Chicago", time(17), date(2026, 3, 7), 23),
        ("America/Chicago", time(17), date(2026, 10, 31), 25),
        (NY_CLOSE, MIDNIGHT, date(2026, 3, 8), 23),
        (NY_CLOSE, MIDNIGHT, date(2026, 11, 1), 25),
        ("Etc/GMT-3", MIDNIGHT, date(2026, 3, 29), 24),
        ("UTC", time(0, 30), date(2026, 3, 29), 24),
    ],
    ids=lambda value: str(value),
)
def test_a_day_is_as_long_as_the_calendar_says(zone, reset, day, hours):
    assert day_start(zone, reset, day + DAY) - day_start(zone, reset, day) == hours * HOUR


@pytest.mark.parametrize(
    ("zone", "reset", "day", "start"),
    [
        ("Europe/Prague", MIDNIGHT, date(2026, 3, 29), "2026-03-28T23:00"),
        ("Europe/Prague", MIDNIGHT, date(2026, 3, 30), "2026-03-29T22:00"),
        (NY_CLOSE, MIDNIGHT, date(2026, 3, 8), "2026-03-07T22:00"),
        (NY_CLOSE, MIDNIGHT, date(2026, 3, 9), "2026-03-08T21:00"),
        ("Europe/Athens", MIDNIGHT, date(2026, 3, 9), "2026-03-08T22:00"),
        ("America/Chicago", time(17), date(2026, 7, 1), "2026-07-01T22:00"),
        ("Etc/GMT-3", MIDNIGHT, date(2026, 7, 1), "2026-06-30T21:00"),
        ("UTC", time(0, 30), date(2026, 7, 1), "2026-07-01T00:30"),
        ("Etc/GMT-1", time(23), date(2026, 7, 1), "2026-07-01T22:00"),
    ],
    ids=lambda value: str(value),
)
def test_a_day_begins_when_the_wall_clock_says(zone, reset, day, start):
    assert day_start(zone, reset, day) == datetime.fromisoformat(start).replace(tzinfo=UTC)


def test_the_new_york_close_is_not_athens_on_28_days_of_2026():
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    days = [noon + n * DAY for n in range(365)]
    differ = [
        at for at in days if local_of(NY_CLOSE, at).hour != local_of("Europe/Athens", at).hour
    ]
    assert len(differ) == 28
    assert differ[0].date() == date(2026, 3, 8)


def test_the_new_york_close_is_17_00_in_new_york_the_whole_year():
    for n in range(365):
        start = day_start(NY_CLOSE, MIDNIGHT, date(2026, 1, 1) + n * DAY)
        assert local_of("America/New_York", start).time() == time(17)


def test_a_reset_the_clock_skips_comes_with_the_jump():
    """02:30 does not exist in Prague on 2026-03-29: the clock goes from 02:00 to 03:00."""
    jump = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert day_start("Europe/Prague", time(2, 30), date(2026, 3, 29)) == jump
    assert day_of("Europe/Prague", time(2, 30), jump) == date(2026, 3, 29)
    assert day_of("Europe/Prague", time(2, 30), jump - timedelta(seconds=1)) == date(2026, 3, 28)


def test_a_reset_the_clock_shows_twice_counts_the_first_time():
    """02:30 comes twice in Prague on 2026-10-25; the day does not begin twice."""
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert day_start("Europe/Prague", time(2, 30), date(2026, 10, 25)) == first
    for minutes in (0, 15, 45, 60, 90):
        at = first + timedelta(minutes=minutes)
        assert day_of("Europe/Prague", time(2, 30), at) == date(2026, 10, 25)


def test_local_time_is_shown_with_its_distance_from_utc():
    at = datetime(2026, 3, 8, 21, tzinfo=UTC)
    assert local_of(NY_CLOSE, at).isoformat() == "2026-03-09T00:00:00+03:00"
    assert local_of("Europe/Prague", at).isoformat() == "2026-03-08T22:00:00+01:00"


@pytest.mark.parametrize(
    "zone",
    [
        "",
        "Nowhere",
        "Europe",
        "../etc/passwd",
        "/etc/passwd",
        "localtime",
        "posixrules",
        "Factory",
        "right/UTC",
    ],
)
def test_an_unknown_zone_is_refused(zone):
    with pytest.raises(Invalid) as refusal:
        decide_zone(zone)
    assert refusal.value.code == "INVALID"


@pytest.mark.parametrize(
    ("zone", "hour"),
    [("Europe/Prague", 13), ("NY_CLOSE", 14), ("America/Chicago", 6), ("Etc/GMT-3", 15)],
)
def test_a_known_zone_is_not_refused(zone, hour):
    """What is taken can be counted by: noon in London on a winter's day, by each one's clock."""
    decide_zone(zone)
    assert local_of(zone, datetime(2026, 1, 15, 12, tzinfo=UTC)).hour == hour


@given(
    zone=st.sampled_from(
        ["Europe/Prague", NY_CLOSE, "America/Chicago", "UTC", "Australia/Lord_Howe"]
    ),
    reset=st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    at=st.integers(0, 3 * 365 * 86_400).map(lambda n: START + timedelta(seconds=n)),
)
def test_every_instant_is_in_exactly_one_day(zone, reset, at):
    day = day_of(zone, reset, at)
    assert day_start(zone, reset, day) <= at < next_reset(zone, reset, at)
    assert next_reset(zone, reset, at) == day_start(zone, reset, day + DAY)
