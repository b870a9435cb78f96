"""Challenges of the past: who buys which on what day, and how they mean to trade it. Pure.

A fate is what the story has in mind: balances to be reached day after day, at the prices of those
days. What becomes of it the rules decide, as they do live.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from uuid import UUID

from api.demo.past.people import DAYS, Crowd, Person
from api.demo.story import BrandStory, fixed

BUY_MINUTE = 8 * 60
"""When of a day challenges are bought; their accounts are there five minutes later."""
BEGIN_MINUTE = BUY_MINUTE + 5
_MORNING, _AFTERNOON = (10 * 60, 13 * 60), (13 * 60 + 30, 19 * 60 + 30)
_WHOLE = (_MORNING[0], _AFTERNOON[1])
_CENT = Decimal("0.01")
_PER_LOT = 400
"""Money that a lot is to make or lose: forty pips of a dollar pair."""
TWO, ONE, SPRINT = "two-step-100k", "one-step-50k", "sprint-25k"


class Fate(StrEnum):
    """RUNNING, NEAR its floor, in its SECOND phase; PASSED all, broke the DAILY or the MAX loss,
    ran out of time."""

    RUNNING = "RUNNING"
    NEAR = "NEAR"
    SECOND = "SECOND"
    PASSED = "PASSED"
    DAILY = "DAILY"
    MAX = "MAX"
    EXPIRED = "EXPIRED"


COUNTS = {
    Fate.RUNNING: 14, Fate.NEAR: 3, Fate.SECOND: 9, Fate.PASSED: 10, Fate.DAILY: 10, Fate.MAX: 8,
    Fate.EXPIRED: 6,
}  # fmt: skip
"""Of sixty. A shorter past has fewer, though one of each and always three near the edge."""
BESIDE = {Fate.RUNNING: 2, Fate.NEAR: 3}
"""Of a broker that sells challenges beside, so that its board has all that a board can show."""
_PROVEN = range(2, 4)
"""Clients of the story who are proven at a broker, but for those whose tokens are handed out."""
_AGES = {
    Fate.RUNNING: (4, 19), Fate.NEAR: (24, 42), Fate.SECOND: (22, 60), Fate.PASSED: (34, 87),
    Fate.DAILY: (6, 84), Fate.MAX: (20, 80), Fate.EXPIRED: (35, 85),
}  # fmt: skip
"""How many days before the end of the ninety they are bought, at least and at most."""
_PROGRAMS = {
    Fate.RUNNING: (TWO, SPRINT, ONE), Fate.NEAR: (TWO,), Fate.SECOND: (TWO,),
    Fate.PASSED: (TWO, ONE), Fate.DAILY: (TWO, ONE, SPRINT), Fate.MAX: (TWO, SPRINT, ONE),
    Fate.EXPIRED: (SPRINT,),
}  # fmt: skip
_WINS = {TWO: ((20, 40, 60, 80, 95, 101), (14, 28, 40, 46, 51)), SPRINT: ((15, 30, 50, 70, 81),),
         ONE: ((6, 12, 18, 24, 30, 36, 42, 48, 54, 61),)}  # fmt: skip
_WANDERS = {TWO: (12, 4, 16, 24), SPRINT: (10, 18, 12), ONE: (4, 8, 12)}
_LOSES = {TWO: (-20, -40, -60, -75, -88, -95), SPRINT: (-16, -32, -48, -64, -75),
          ONE: (-10, -20, -28, -35)}  # fmt: skip
_FLOORS = {TWO: (-50, -100), SPRINT: (-40, -80), ONE: (-20, -40)}
"""The floors of the first day and of the whole, in thousandths of what an account begins with."""
_EDGES = ("-91.5", "-94", "-96.5")
_TRIES = 3
"""On how many days a last balance is aimed at: a day may be too short for it."""


@dataclass(frozen=True, slots=True)
class Move:
    """A trade of the `day`th weekday of a phase: minutes between which it is open, the balance to
    be reached in thousandths above the beginning, and how far that is from the one before.
    `breaks`: a cent beyond."""

    day: int
    minutes: tuple[int, int]
    to: Decimal
    step: Decimal
    breaks: bool = False

    def equity(self, start: Decimal) -> Decimal:
        """The balance to be reached."""
        level = (start * (1000 + self.to) / 1000).quantize(_CENT)
        return level - _CENT if self.breaks else level

    def lots(self, start: Decimal) -> Decimal:
        """So many that the step takes about forty pips."""
        exact = abs(self.step) * start / 1000 / _PER_LOT
        return max(exact.quantize(_CENT, ROUND_HALF_EVEN), Decimal("0.10"))


@dataclass(frozen=True, slots=True)
class Purchase:
    """A challenge of the past: the `n`th, bought on a day by a client of the story, told by its
    place among them, or by a person of the past."""

    story: BrandStory
    n: int
    fate: Fate
    place: int
    day: int
    buyer: int | Person

    @property
    def program(self) -> str:
        """The code of what is bought."""
        programs = _PROGRAMS[self.fate]
        return programs[self.place % len(programs)]

    def key(self, what: str) -> UUID:
        """The id of one of its things."""
        return fixed(f"past:{self.story.plan.slug}:challenge:{self.n}:{what}")

    @property
    def symbol(self) -> str:
        """What is traded: whatever has no recording is generated, and never gaps. Gold moves more
        between two ticks than the edge is wide."""
        return "XAUUSD" if self.n % 3 == 2 and self.fate is not Fate.NEAR else "EURUSD"

    def moves(self, phase: int) -> Sequence[Move]:
        """What is tried in a phase, counted from 1."""
        wins, wanders = _WINS[self.program], _WANDERS[self.program]
        match self.fate:
            case Fate.RUNNING | Fate.EXPIRED:
                return _daily(wanders)
            case Fate.SECOND:
                return _daily(wins[0], tries=_TRIES) if phase == 1 else _daily(wanders)
            case Fate.PASSED:
                return _daily(wins[phase - 1], tries=_TRIES)
            case Fate.NEAR:
                return _daily((*_LOSES[TWO][:-1], _EDGES[self.place]), tries=_TRIES)
            case Fate.DAILY:
                return _at_once(_FLOORS[self.program][0])
            case Fate.MAX:
                deep = (*_LOSES[self.program], _FLOORS[self.program][1])
                return _daily(deep, tries=_TRIES, breaks=True)


def _daily(levels: Sequence[int | str], *, tries: int = 1, breaks: bool = False) -> list[Move]:
    """One level a day, the last one on some days."""
    wanted = [Decimal(one) for one in levels]
    steps = [now - before for before, now in zip([Decimal(0), *wanted], wanted, strict=False)]
    moves = [Move(n, _WHOLE, *each) for n, each in enumerate(zip(wanted, steps, strict=True))]
    last = len(moves) - 1
    ends = [Move(last + n, _WHOLE, wanted[-1], steps[-1], breaks) for n in range(tries)]
    return moves[:-1] + ends


def _at_once(floor: int) -> list[Move]:
    """All of it on one day: a little less in the morning, then to below the day's floor."""
    half, whole = Decimal(floor) * 3 / 10, Decimal(floor)
    return [
        Move(0, _MORNING, half, half),
        Move(0, _AFTERNOON, whole, whole - half, breaks=True),
    ]


def purchases(crowd: Crowd) -> list[Purchase]:
    """Every challenge that is bought in the ninety days, in order of time, of different clients
    as far as there are so many; at a broker, of those who pay in there and are proven."""
    story = crowd.story
    if story.challenges_in is None:
        return []
    people = [
        one for one in crowd.clients_until(DAYS - 1) if story.is_prop or one.pays_on is not None
    ]
    spare = iter(range(1, story.clients) if story.is_prop else _PROVEN)
    counts = COUNTS if story.is_prop else BESIDE
    made = []
    for n, (day, fate, place) in enumerate(sorted(_planned(counts, crowd.scale))):
        # The one whose token is handed out is near the edge, so that its portal shows something.
        is_shown = story.is_prop and (fate, place) == (Fate.NEAR, 0)
        buyer: int | Person | None = 0 if is_shown else None
        if buyer is None:
            buyer = next((one for one in people if one.day <= day), None)
        if isinstance(buyer, Person):
            people.remove(buyer)
        elif buyer is None:
            buyer = next(spare, n % story.clients)
        made.append(Purchase(story, n, fate, place, day, buyer))
    return made


def _planned(counts: Mapping[Fate, int], scale: float) -> Iterator[tuple[int, Fate, int]]:
    for fate, whole in counts.items():
        count = whole if fate is Fate.NEAR else max(1, round(whole * scale))
        least, most = _AGES[fate]
        for place in range(count):
            yield DAYS - least - (most - least) * place // max(count - 1, 1), fate, place
