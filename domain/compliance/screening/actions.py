"""What a viewer can decide about a hit now, and why not: pure, by the rule of the command."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from domain.clients.actions import Possible
from domain.compliance.screening.rules import next_disposition
from domain.compliance.screening.values import Disposition, HitStrength
from domain.kernel.errors import DomainError

_TAKES = "screening:decide"
_ACTIONS = {"clear": Disposition.FALSE_POSITIVE, "confirm": Disposition.TRUE_MATCH}


@dataclass(frozen=True, slots=True)
class HitStanding:
    """What decisions about a hit depend on. `asked_by` would clear it."""

    disposition: Disposition
    strength: HitStrength
    asked_by: UUID | None


def hit_actions(
    standing: HitStanding, viewer: UUID | None, permissions: Collection[str]
) -> tuple[Possible, ...]:
    """To clear a hit, and to say that it is true; `viewer` is None for who is no person."""
    may = _TAKES in permissions and viewer is not None
    return tuple(
        Possible(name, _against(standing, wanted, viewer) if may else "FORBIDDEN")
        for name, wanted in _ACTIONS.items()
    )


def _against(standing: HitStanding, wanted: Disposition, viewer: UUID | None) -> str | None:
    now, strength, is_second = standing.disposition, standing.strength, standing.asked_by != viewer
    try:
        next_disposition(now, wanted, strength, is_second=is_second)
    except DomainError as refused:
        return refused.code
    return None
