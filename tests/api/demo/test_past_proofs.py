"""Identities of the past as data: every state, plausible shares, never less than is needed."""

from collections import Counter
from decimal import Decimal

import pytest

from api.demo.past.people import DAYS, Crowd
from api.demo.past.proofs import Proving, Provings
from api.demo.policies import policy_of
from api.demo.story import BRANDS, BrandStory
from domain.clients.values import ClientKind
from domain.compliance.identity.rules import (
    cap_leverage,
    decide_deposit,
    decide_live,
    decide_withdrawal,
    tiers_of,
)
from domain.compliance.identity.values import KycStatus
from domain.kernel.money import Money, to_minor

each_brand = pytest.mark.parametrize("story", BRANDS, ids=lambda one: one.plan.slug)


def told(story: BrandStory, scale: float = 1) -> list[Proving]:
    crowd = Crowd(story, scale)
    return Provings(crowd).of(list(crowd.clients_until(DAYS - 1)))


@each_brand
def test_most_are_approved_and_everything_else_is_there(story: BrandStory) -> None:
    people = len(list(Crowd(story, 1).clients_until(DAYS - 1)))
    found = Counter(one.ends for one in told(story))
    assert found[KycStatus.NOT_STARTED] == 0, "who never begins proves nothing"
    rest = {one for one in KycStatus if one is not KycStatus.NOT_STARTED}
    # Who is on hold is one of the few there are: the brand's own clients are, in any case.
    assert rest - {KycStatus.ON_HOLD} <= found.keys()
    assert people * 0.5 <= found[KycStatus.APPROVED] <= people * 0.85
    assert people * 0.05 <= people - found.total() <= people * 0.25


def test_together_they_are_six_hundred_with_some_of_each() -> None:
    found = Counter(one.ends for story in BRANDS for one in told(story))
    assert found[KycStatus.APPROVED] > 350
    assert min(found.values()) >= 5


@each_brand
@pytest.mark.parametrize("scale", [0.03, 0.05, 0.3, 1])
def test_a_draft_is_there_at_every_scale(story: BrandStory, scale: float) -> None:
    assert any(one.ends is KycStatus.DRAFT for one in told(story, scale))


@each_brand
def test_what_somebody_does_is_allowed_by_what_it_has_proven(story: BrandStory) -> None:
    crowd = Crowd(story, 1)
    tiers = tiers_of(policy_of(story), ClientKind.INDIVIDUAL)
    people = list(crowd.clients_until(DAYS + 30))
    proven = {
        one.person.id: one.tier if one.ends is KycStatus.APPROVED else tiers[0]
        for one in Provings(crowd).of(people)
    }
    for person in people:
        tier = proven.get(person.id, tiers[0])
        if person.trades:
            decide_live(tier)
            assert cap_leverage(tier, story.leverage) == story.leverage
        if person.takes_on is not None:
            decide_withdrawal(tier)
        if person.pays_on is not None:
            amount = Money(to_minor(Decimal(person.amount), person.currency), person.currency)
            decide_deposit(tier, {}, amount)


@each_brand
def test_the_same_each_time_whenever_it_is_told(story: BrandStory) -> None:
    crowd = Crowd(story, 1)
    people = list(crowd.clients_until(DAYS + 5))
    several = [one for day in range(DAYS + 6) for one in Provings(crowd).of(crowd.clients_of(day))]
    assert several == Provings(crowd).of(people)


@each_brand
def test_what_lapses_does_so_within_the_ninety_days(story: BrandStory) -> None:
    lapsing = [one for one in told(story) if one.ends is KycStatus.EXPIRED]
    assert lapsing
    for one in told(story):
        assert (one.lapses_on is not None) == (one.ends is KycStatus.EXPIRED)
    assert all(one.person.day < (one.lapses_on or 0) < DAYS for one in lapsing)
