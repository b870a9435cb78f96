"""The risk score, point by point (D5)."""

import pytest

from domain.clients.values import ClientRisk
from domain.compliance.risk.rules import as_client_risk, has_risen, level_of, score
from domain.compliance.risk.values import Flag, RiskFacts, RiskLevel, RiskTerms

TERMS = RiskTerms({"CY": 0, "NG": 40, "ZZ": 99}, other_countries=15, product=8, remote=5)


def test_what_nothing_speaks_against_is_low():
    found = score(RiskFacts("CY"), TERMS)
    assert (found.points, found.level) == (13, RiskLevel.LOW)
    assert found.parts == {"product": 8, "not_face_to_face": 5}


def test_an_unnamed_country_counts_as_others_do():
    assert score(RiskFacts("FR"), TERMS).parts["country"] == 15


def test_every_part_counts_once_and_up_to_its_most():
    facts = RiskFacts(
        "ZZ",
        frozenset({Flag.PEP, Flag.ADVERSE_MEDIA, Flag.HIGH_RISK}),
        pays_in_crypto=True,
        occupation_points=25,
        income_differs=True,
    )
    found = score(facts, RiskTerms({"ZZ": 99}, product=30))
    assert found.parts == {
        "country": 40, "product": 10, "pep": 30, "adverse_media": 20, "crypto_funding": 10,
        "not_face_to_face": 5, "occupation": 10, "income": 10,
    }  # fmt: skip
    assert (found.points, found.level) == (135, RiskLevel.PROHIBITED)


def test_a_pep_of_a_quiet_country_is_medium_and_never_prohibited_for_that():
    found = score(RiskFacts("CY", frozenset({Flag.PEP})), TERMS)
    assert (found.points, found.level) == (43, RiskLevel.MEDIUM)


def test_a_sanctions_match_is_a_stop_whatever_the_points():
    found = score(RiskFacts("CY", frozenset({Flag.SANCTIONS})), TERMS)
    assert (found.points, found.level) == (13, RiskLevel.PROHIBITED)


@pytest.mark.parametrize(
    ("points", "level"),
    [(0, "LOW"), (29, "LOW"), (30, "MEDIUM"), (59, "MEDIUM"), (60, "HIGH"), (99, "HIGH"),
     (100, "PROHIBITED")],
)  # fmt: skip
def test_levels_begin_where_they_begin(points: int, level: str):
    assert level_of(points) is RiskLevel(level)


def test_money_is_looked_at_as_closely_as_the_level_says():
    assert [as_client_risk(one) for one in RiskLevel] == [
        ClientRisk.LOW, ClientRisk.MEDIUM, ClientRisk.HIGH, ClientRisk.HIGH,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "now", "risen"),
    [
        (None, RiskLevel.LOW, False),
        (None, RiskLevel.MEDIUM, True),
        (RiskLevel.HIGH, RiskLevel.HIGH, False),
        (RiskLevel.HIGH, RiskLevel.MEDIUM, False),
        (RiskLevel.LOW, RiskLevel.PROHIBITED, True),
    ],
)
def test_only_a_new_reason_raises(before, now, risen):
    assert has_risen(before, now) is risen
