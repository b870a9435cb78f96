"""Challenges of the past as data: sixty of every fate, of different clients, within the days."""

from collections import Counter
from decimal import Decimal
from uuid import UUID

import pytest

from api.demo.challenges import plans
from api.demo.past.fates import BESIDE, COUNTS, Fate, Purchase, purchases
from api.demo.past.people import DAYS, Crowd, Person
from api.demo.story import BRANDS
from domain.challenges.floors import daily_floor, total_floor
from domain.kernel.money import to_minor

FIRM = next(one for one in BRANDS if one.is_prop)
PLANS = {one.code: one for one in plans(FIRM.currency)}


def bought(scale: float = 1) -> list[Purchase]:
    return purchases(Crowd(FIRM, scale))


def buyers(made: list[Purchase]) -> set[UUID | int]:
    return {one.buyer.id if isinstance(one.buyer, Person) else one.buyer for one in made}


def start_of(one: Purchase) -> Decimal:
    return Decimal(PLANS[one.program].balance.amount_minor) / 100


def test_sixty_of_different_clients_three_of_them_near_the_edge() -> None:
    made = bought()
    assert len(made) == 60
    assert Counter(one.fate for one in made) == Counter(COUNTS)
    assert COUNTS[Fate.NEAR] == 3
    assert len(buyers(made)) == 60
    assert Counter(one.program for one in made).keys() == PLANS.keys()


@pytest.mark.parametrize("scale", [0.03, 0.2, 1])
def test_a_broker_sells_some_beside_to_clients_who_pay_in(scale: float) -> None:
    broker = next(one for one in BRANDS if one.challenges_in and not one.is_prop)
    made = purchases(Crowd(broker, scale))
    counts = Counter(one.fate for one in made)
    assert counts.keys() == BESIDE.keys()
    assert counts[Fate.NEAR] == 3
    assert all(isinstance(one.buyer, Person) and one.buyer.pays_on is not None for one in made)
    assert len(buyers(made)) == len(made)
    others = [one for one in BRANDS if one.challenges_in is None]
    assert [purchases(Crowd(one, scale)) for one in others] == [[]] * len(others)


@pytest.mark.parametrize("scale", [0.03, 0.05, 0.2])
def test_a_short_past_has_one_of_each_fate_and_three_near_the_edge(scale: float) -> None:
    made = bought(scale)
    counts = Counter(one.fate for one in made)
    assert counts.keys() == set(Fate)
    assert counts[Fate.NEAR] == 3
    assert len(buyers(made)) == len(made)


def test_they_are_bought_by_who_is_there_and_early_enough() -> None:
    for one in bought():
        assert not isinstance(one.buyer, Person) or one.buyer.day <= one.day
        weekdays = 1 + max(move.day for move in one.moves(1))
        if one.fate is not Fate.RUNNING:
            assert one.day + weekdays * 7 / 5 + 2 <= DAYS


def test_who_is_to_break_a_rule_aims_a_cent_below_its_floor() -> None:
    for one in bought():
        rules, start = PLANS[one.program].phases[0].rules, start_of(one)
        minor = to_minor(start, FIRM.currency)
        floor = {
            Fate.DAILY: daily_floor(rules, minor, minor),
            Fate.MAX: total_floor(rules, minor, minor),
        }.get(one.fate)
        ends = one.moves(1)[-1]
        assert ends.breaks is (floor is not None)
        if floor is not None:
            assert to_minor(ends.equity(start), FIRM.currency) == floor - 1


def test_no_other_move_could_break_a_rule_on_its_way() -> None:
    """A move goes as far the wrong way as it goes the right one, at most."""
    for one in bought():
        rules = PLANS[one.program].phases[0].rules
        assert rules.daily_loss is not None
        assert rules.daily_loss.share.percent is not None
        room = rules.daily_loss.share.percent * 10
        assert all(abs(move.step) < room for move in one.moves(1) if not move.breaks)


def test_a_cent_and_a_lot_are_rounded_as_platforms_want_them() -> None:
    for one in bought():
        for move in one.moves(1):
            assert move.lots(start_of(one)) >= Decimal("0.10")
            assert move.lots(start_of(one)).as_tuple().exponent == -2
            assert move.equity(start_of(one)).as_tuple().exponent == -2
