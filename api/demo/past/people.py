"""Who comes to a demo brand on which day, and what they do there. Pure, from a fixed seed.

Days are numbered from the first of the story; people go on coming after its ninety days, so that
an installation started weeks later has weeks more. Nothing here knows a calendar but weekends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from api.demo.story import FIRST_NAMES, LAST_NAMES, BrandStory, fixed
from domain.clients.leads.values import LeadStage, LostReason

DAYS = 90
OPEN_MINUTE, PAY_MINUTE = 10 * 60 + 30, 11 * 60
"""When of a day accounts are opened and deposits made: before anybody trades."""
TRADED = ("EURUSD", "GBPUSD", "USDJPY", "XAUUSD")
_UNIT = {"EUR": 1, "USD": 1, "GBP": 1, "CHF": 1, "JPY": 150}
"""What is about as much as one euro, in round figures."""
_PLATFORM_CURRENCIES = ("EUR", "USD", "GBP", "JPY")
_SOURCES = (
    ("google-ads", ("fx-beginners", "gold-live", "brand")),
    ("meta", ("lookalike-eu", "webinar-june")),
    ("affiliate", ("north", "south")),
    ("organic", (None,)),
    ("webinar", ("trading-week",)),
)
_OPEN_STAGES = (
    (LeadStage.NEW, 10), (LeadStage.ASSIGNED, 18), (LeadStage.CONTACTED, 26),
    (LeadStage.INTERESTED, 14), (LeadStage.LOST, 27), (LeadStage.DNC, 5),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days told at once, by their numbers from the story's first day on."""

    days: range
    since: date

    def date_of(self, day: int) -> date:
        """The date of a day."""
        return self.since + timedelta(days=day)

    def at(self, day: int, minute: int) -> datetime:
        """An instant of a day, in UTC."""
        midnight = datetime.combine(self.date_of(day), time(), UTC)
        return midnight + timedelta(minutes=minute)

    @property
    def evening(self) -> datetime:
        """When all of it has happened."""
        return self.at(self.days[-1], 20 * 60 + 30)


@dataclass(frozen=True, slots=True)
class Trade:
    """A position of a day: minutes of that day at which it is opened and closed."""

    opened: int
    closed: int
    symbol: str
    is_buy: bool
    lots: Decimal


@dataclass(frozen=True, slots=True)
class Somebody:
    """A lead that came at a minute of a day; one with a `client` became that."""

    day: int
    minute: int
    name: str
    email: str
    phone: str
    country: str
    language: str
    source: str
    campaign: str | None
    stage: LeadStage
    lost_reason: LostReason | None
    agent: int | None
    client: "Person | None" = None


@dataclass(frozen=True, slots=True)
class Person:
    """A client and its money. Amounts are whole units of `currency`."""

    story: BrandStory
    n: int
    day: int
    currency: str
    ib: str | None
    pays_on: int | None
    amount: int
    takes_on: int | None

    @property
    def id(self) -> UUID:
        return fixed(f"past:{self.story.plan.slug}:client:{self.n}")

    @property
    def account_id(self) -> UUID:
        return fixed(f"past:{self.story.plan.slug}:account:{self.n}")

    def payment_id(self, kind: str) -> UUID:
        return fixed(f"past:{self.story.plan.slug}:{kind}:{self.n}")

    @property
    def trades(self) -> bool:
        """Whether it has a trading account: the prop brand's clients trade challenges only."""
        can = self.currency in _PLATFORM_CURRENCIES and not self.story.is_prop
        return can and self.pays_on is not None

    @property
    def on_account(self) -> int:
        """What of its deposit goes onto the trading account."""
        return self.amount * 4 // 5

    def trades_of(self, day: int) -> Iterator[Trade]:
        """What it trades on a day; more often the newer it is."""
        if not self.trades or self.pays_on is None or day < self.pays_on:
            return
        dice = _dice(self.story, f"trades:{self.n}:{day}")
        if dice.random() > (0.3 if day < self.pays_on + 14 else 0.08):
            return
        hundredths = max(1, self.amount // _UNIT[self.currency] // 250)
        for _ in range(dice.randint(1, 2)):
            opened = dice.randint(12 * 60, 18 * 60)
            yield Trade(
                opened,
                min(opened + dice.randint(5, 300), 20 * 60),
                dice.choice(TRADED),
                dice.random() < 0.55,
                Decimal(dice.randint(1, hundredths)) / 100,
            )


@dataclass(frozen=True)
class Crowd:
    """Everybody who ever comes to a brand, at a scale: 1 is the whole story."""

    story: BrandStory
    scale: float

    @property
    def _totals(self) -> tuple[int, int]:
        """Clients and other leads in ninety days."""
        clients = round(self.story.past_clients * self.scale)
        return clients, max(round(self.story.past_leads * self.scale) - clients, 0)

    def clients_of(self, day: int) -> list[Person]:
        """Who becomes a client on a day."""
        return [self.person(n, day) for n in _numbers(self._totals[0], day)]

    def clients_until(self, day: int) -> Iterator[Person]:
        """Everybody who is a client at the end of a day."""
        for earlier in range(day + 1):
            yield from self.clients_of(earlier)

    def leads_of(self, day: int) -> list[Somebody]:
        """Who leaves details on a day: its clients, and those who never become one."""
        known = [self._somebody(day, f"c{one.n}", one) for one in self.clients_of(day)]
        strangers = _numbers(self._totals[1], day)
        return known + [self._somebody(day, f"l{n}", None) for n in strangers]

    def person(self, n: int, day: int) -> Person:
        dice = _dice(self.story, f"person:{n}")
        currencies = self.story.plan.currencies
        currency = dice.choices(currencies, [8, 4, 2, 2, 1][: len(currencies)])[0]
        pays_on = day + dice.randint(0, 3) if dice.random() < 0.62 else None
        major = dice.choice((250, 500, 500, 1_000, 1_000, 2_000, 3_000, 5_000))
        takes_on = None
        if pays_on is not None and dice.random() < 0.25:
            takes_on = pays_on + dice.randint(3, 40)
        return Person(
            self.story, n, day, currency, dice.choice((*self.story.ib_codes, None, None, None)),
            pays_on, major * _UNIT[currency], takes_on,
        )  # fmt: skip

    def _somebody(self, day: int, key: str, client: Person | None) -> Somebody:
        story = self.story
        dice = _dice(story, f"lead:{key}")
        first, last = dice.choice(FIRST_NAMES), dice.choice(LAST_NAMES)
        source, campaigns = dice.choice(_SOURCES)
        stage = LeadStage.REGISTERED
        if client is None:
            stages, weights = zip(*_OPEN_STAGES, strict=True)
            stage = dice.choices(stages, weights)[0]
        lost = dice.choice(list(LostReason)) if stage is LeadStage.LOST else None
        number = client.n if client else int(key[1:])
        kind = 1 if client else 2
        return Somebody(
            day=day,
            minute=dice.randint(6 * 60, 10 * 60),
            name=f"{first} {last}-{story.canary.rpartition('-')[2].title()}",
            email=f"{first.lower()}.{last.lower()}.{key}@{story.canary}.example",
            phone=f"+999{story.login_from // 100_000:02d}{kind}{number:06d}",
            country=dice.choice(story.plan.countries),
            language=dice.choice(story.plan.languages),
            source=source,
            campaign=dice.choice(campaigns),
            stage=stage,
            lost_reason=lost,
            agent=None if stage is LeadStage.NEW else dice.randint(0, 99),
            client=client,
        )


def is_weekend(day: date) -> bool:
    """Whether currency markets are closed."""
    return day.weekday() >= 5


def _numbers(total: int, day: int) -> range:
    """The running numbers of what comes on one day, so many in ninety."""
    return range(total * day // DAYS, total * (day + 1) // DAYS)


def _dice(story: BrandStory, key: str) -> Random:
    """Not security: a story that repeats."""
    return Random(f"{story.plan.slug}:{key}")  # noqa: S311
