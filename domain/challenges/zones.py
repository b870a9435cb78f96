"""Days of named zones: when each begins, and to which one an instant belongs.

A day begins at the first instant of its date at which the zone's wall clock shows the reset time
or later. So days are 23, 24 or 25 hours long, a reset time that the clock skips comes with the
jump, and one that it shows twice counts the first time.

NY_CLOSE is the clock of most trading servers: New York plus seven hours, so that 17:00 in New York
is midnight the whole year. It is not Europe/Athens: on 28 days of 2026 the two differ.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.kernel.errors import Invalid

NY_CLOSE = "NY_CLOSE"
_NEW_YORK = "America/New_York"
_AHEAD = timedelta(hours=7)
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
# Files beside the database that are no zones: they say where this machine stands, or nothing.
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory", "leapseconds", "tzdata.zi"})


def decide_zone(zone: str) -> None:
    """Refusals: INVALID."""
    try:
        if zone in _NO_ZONES or zone.startswith(("posix/", "right/")):
            raise KeyError(zone)
        _zone_info(zone)
    except (KeyError, ValueError, OSError):  # unknown, malformed, the name of a folder
        message = f"Name the zone as the IANA database does (Europe/Prague), or {NY_CLOSE}."
        raise Invalid("INVALID", message) from None


def local_of(zone: str, at: datetime) -> datetime:
    """The instant as the zone's wall clock shows it, with its distance from UTC."""
    there = at.astimezone(_zone_info(zone))
    offset = there.utcoffset() or timedelta(0)
    if zone == NY_CLOSE:
        offset += _AHEAD
    return at.astimezone(timezone(offset))


@lru_cache(maxsize=4096)
def day_start(zone: str, reset: time, day: date) -> datetime:
    """When the day begins, in UTC."""
    wall = datetime.combine(day, reset)
    if zone == NY_CLOSE:
        wall -= _AHEAD
    info = _zone_info(zone)
    first = wall.replace(tzinfo=info).astimezone(UTC)
    if first.astimezone(info).replace(tzinfo=None) == wall:
        return first
    # The clock skips this time: the jump lies between the two readings of it.
    return _jump(info, wall.replace(tzinfo=info, fold=1).astimezone(UTC), first)


def day_of(zone: str, reset: time, at: datetime) -> date:
    """The day to which the instant belongs: the last one that has begun."""
    wall = local_of(zone, at).replace(tzinfo=None)
    day = (wall - timedelta(hours=reset.hour, minutes=reset.minute)).date() + _DAY
    while day_start(zone, reset, day) > at:
        day -= _DAY
    return day


def next_reset(zone: str, reset: time, at: datetime) -> datetime:
    """When the day after the instant's begins, in UTC."""
    return day_start(zone, reset, day_of(zone, reset, at) + _DAY)


def _zone_info(zone: str) -> ZoneInfo:
    return ZoneInfo(_NEW_YORK if zone == NY_CLOSE else zone)


def _jump(info: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The instant in (low, high] from which the zone has the distance from UTC it has at high."""
    after = high.astimezone(info).utcoffset()
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if middle.astimezone(info).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high
