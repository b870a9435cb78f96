"""What of a phase is nearest to its floor, and which phases are nearest. Pure."""

from collections.abc import Iterable
from typing import Final

from domain.challenges.values import RuleKind, RuleState
from domain.reporting.values import NearFloor

FLOORS: Final = frozenset({RuleKind.MAX_LOSS, RuleKind.DAILY_LOSS})


def nearest_floor(states: Iterable[RuleState]) -> RuleState | None:
    """Of the floors of a phase the one with the least left; None without a floor."""
    floors = (one for one in states if one.rule in FLOORS and one.distance_minor is not None)
    return min(floors, key=lambda one: one.distance_minor or 0, default=None)


def nearest(found: Iterable[NearFloor], most: int) -> list[NearFloor]:
    """The nearest to their floors first, by the share of the account that is left."""
    return sorted(found, key=lambda one: (one.share, one.challenge_id))[:most]
