"""What is found of the published lists, and what is found wrongly; `python -m bench screening`.

Every listed name is looked for when it is asked for (BACKDESK_ALL_NAMES=1, minutes); else every
101st one, a sample that reaches through both lists and every kind of name.
"""

import os
from collections import Counter

import pytest

from bench.ordinary import ordinary_names
from bench.screening import FOLDER, Listed, false_hits, listed_names, recall
from domain.compliance.screening.matcher import Matcher
from domain.compliance.screening.values import HitStrength

STRIDE = 1 if os.environ.get("BACKDESK_ALL_NAMES") else 101

pytestmark = [
    pytest.mark.skipif(
        not FOLDER.is_dir(), reason="the published lists are not here: ../shared/data/sanctions"
    ),
    pytest.mark.timeout(3_600 if STRIDE == 1 else 300),
]


@pytest.fixture(scope="module")
def listed() -> Listed:
    return listed_names(FOLDER)


@pytest.fixture(scope="module")
def matcher(listed: Listed) -> Matcher:
    return Matcher(listed)


def test_every_name_is_found_as_itself_and_distorted(matcher: Matcher, listed: Listed) -> None:
    assert len(matcher) == len(listed) > 28_000
    found, _ = recall(matcher, listed, seed=1, stride=STRIDE)
    assert len(found) == 6
    assert {kind: one.missed for kind, one in found.items() if one.missed} == {}


def test_ordinary_names_are_rarely_taken_for_listed_ones(matcher: Matcher) -> None:
    names = ordinary_names(10_000, seed=1)[:: STRIDE // 2 or 1]
    total: Counter[HitStrength | None] = Counter()
    for counted in false_hits(matcher, names).values():
        total += counted
    assert total[HitStrength.STRONG] / total.total() < 0.015
    assert total[HitStrength.POSSIBLE] / total.total() < 0.06
