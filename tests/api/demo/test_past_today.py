"""What is traded on the day of a start: at any hour, in each brand's zone, and enough to pay."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from api.demo.ibs import LOOKS_BACK
from api.demo.past.people import DAYS, Crowd, Person
from api.demo.past.today import TRADERS_MAX, midnight_of, traders_of, trades_of
from api.demo.story import BRANDS, BrandStory, date_of

BROKERS = [one for one in BRANDS if not one.is_prop]
ATHENS_MIDNIGHT = datetime(2026, 11, 29, 22, tzinfo=UTC)


def traders(story: BrandStory, scale: float) -> list[Person]:
    return traders_of(list(Crowd(story, scale).clients_until(DAYS - 1)), DAYS)


@pytest.mark.parametrize("story", BROKERS, ids=lambda one: one.plan.slug)
@pytest.mark.parametrize("scale", [0.03, 0.05, 1])
def test_clients_of_ibs_trade_who_were_there_before(story: BrandStory, scale: float) -> None:
    found = traders(story, scale)
    assert 0 < len(found) <= TRADERS_MAX
    assert all(one.ib and one.trades and (one.pays_on or 0) < DAYS for one in found)


@pytest.mark.parametrize("story", BROKERS, ids=lambda one: one.plan.slug)
@pytest.mark.parametrize(
    "now",
    [
        ATHENS_MIDNIGHT + timedelta(seconds=5),
        ATHENS_MIDNIGHT - timedelta(seconds=1),
        datetime(2026, 11, 30, 0, 0, 5, tzinfo=UTC),
        datetime(2026, 11, 30, 20, 15, tzinfo=UTC),
        datetime(2026, 11, 28, 12, tzinfo=UTC),  # a Saturday
        datetime(2026, 3, 29, 12, tzinfo=UTC),  # the clocks went forward
        datetime(2026, 10, 25, 12, tzinfo=UTC),  # and back
    ],
)
def test_trades_end_today_and_were_held_long_enough(story: BrandStory, now: datetime) -> None:
    several = traders(story, 0.05)
    logins: dict[UUID, int] = {one.account_id: n for n, one in enumerate(several)}
    made = trades_of(story, several, logins, now)
    assert len(made) == 2 * len(several)
    for one in made:
        opened, closed = (datetime.fromisoformat(one[key]) for key in ("at", "closed_at"))
        assert midnight_of(story, now) < closed < now
        assert date_of(story, closed) == date_of(story, now)
        assert timedelta(minutes=5) <= closed - opened < LOOKS_BACK
    assert trades_of(story, several, {}, now) == [], "who has no account there trades nothing"


def test_a_day_begins_at_the_brands_midnight() -> None:
    east = next(one for one in BROKERS if one.plan.time_zone == "Europe/Nicosia")
    assert midnight_of(east, ATHENS_MIDNIGHT + timedelta(hours=23)) == ATHENS_MIDNIGHT
    before = midnight_of(east, ATHENS_MIDNIGHT - timedelta(seconds=1))
    assert before == ATHENS_MIDNIGHT - timedelta(days=1)
