"""The past as data: the same people each time, as many as are promised, in five currencies."""

from collections import Counter
from datetime import date
from itertools import chain

import pytest

from api.demo.past.people import DAYS, Crowd, Stretch, is_weekend
from api.demo.story import BRANDS
from domain.clients.leads.values import LeadStage

STORIES = {story.plan.slug: story for story in BRANDS}


def crowds(scale: float = 1) -> list[Crowd]:
    return [Crowd(story, scale) for story in BRANDS]


def test_three_thousand_leads_and_six_hundred_clients() -> None:
    leads = sum(len(one.leads_of(day)) for one in crowds() for day in range(DAYS))
    clients = sum(len(one.clients_of(day)) for one in crowds() for day in range(DAYS))
    told_one_by_one = sum(story.clients for story in BRANDS)
    assert (leads, clients + told_one_by_one) == (3_000, 600)


def test_five_currencies_and_every_stage_that_leads_have_by_hand() -> None:
    currencies = Counter(one.currency for each in crowds() for one in each.clients_until(DAYS - 1))
    assert currencies.keys() == {"EUR", "USD", "GBP", "CHF", "JPY"}
    stages = {lead.stage for each in crowds() for day in range(DAYS) for lead in each.leads_of(day)}
    assert stages == {
        LeadStage.NEW, LeadStage.ASSIGNED, LeadStage.CONTACTED, LeadStage.INTERESTED,
        LeadStage.REGISTERED, LeadStage.LOST, LeadStage.DNC,
    }  # fmt: skip


def test_the_same_people_each_time() -> None:
    first, again = crowds(), crowds()
    for one, other in zip(first, again, strict=True):
        assert [one.leads_of(day) for day in (0, 40)] == [other.leads_of(day) for day in (0, 40)]
        people = list(one.clients_until(30))
        assert people == list(other.clients_until(30))
        assert [list(who.trades_of(45)) for who in people] == [
            list(who.trades_of(45)) for who in other.clients_until(30)
        ]


def test_nobody_shares_an_address_a_number_or_an_id() -> None:
    for one in crowds():
        leads = list(chain.from_iterable(one.leads_of(day) for day in range(DAYS + 30)))
        assert len({lead.email for lead in leads}) == len({lead.phone for lead in leads})
        assert len({lead.email for lead in leads}) == len(leads)
        people = list(one.clients_until(DAYS + 30))
        assert len({who.id for who in people}) == len(people)


def test_people_go_on_coming_after_the_ninety_days() -> None:
    aurora = Crowd(STORIES["aurora"], 1)
    assert 15 <= sum(len(aurora.clients_of(day)) for day in range(DAYS, DAYS + 7)) <= 20


def test_nobody_of_the_prop_brand_trades_client_money() -> None:
    assert not any(who.trades for who in Crowd(STORIES["cirrus"], 1).clients_until(DAYS - 1))


def test_money_goes_out_only_after_it_came_in() -> None:
    for one in crowds():
        for who in one.clients_until(DAYS - 1):
            assert who.takes_on is None or (who.pays_on is not None and who.takes_on > who.pays_on)
            for day in range(who.day, who.day + 20):
                trades = list(who.trades_of(day))
                assert not trades or (who.pays_on is not None and day >= who.pays_on)
                assert all(720 <= each.opened < each.closed <= 1200 for each in trades)


@pytest.mark.parametrize(
    ("day", "closed"), [(date(2026, 11, 28), True), (date(2026, 11, 30), False)]
)
def test_markets_are_closed_at_weekends(day: date, closed: bool) -> None:
    assert is_weekend(day) is closed


def test_a_stretch_knows_its_instants() -> None:
    stretch = Stretch(range(3, 6), date(2026, 9, 1))
    assert stretch.at(3, 61).isoformat() == "2026-09-04T01:01:00+00:00"
    assert stretch.evening.isoformat() == "2026-09-06T20:30:00+00:00"
