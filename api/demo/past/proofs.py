"""Identities of the past: what each person proves, and where that ends. Pure, from a fixed seed.

Nobody pays in, trades or takes out more than what is proven by then allows: what the brand's policy
asks for that much comes first. Of everybody else, dice say how far they got.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from random import Random
from uuid import UUID

from api.demo.past.people import DAYS, Crowd, Person
from api.demo.policies import policy_of
from api.demo.story import fixed
from domain.clients.values import ClientKind
from domain.compliance.identity.rules import cap_leverage, room_for, tiers_of
from domain.compliance.identity.values import KycStatus, Tier
from domain.kernel.money import to_minor

FRESH, STALE = 7, 31
"""Up to how many days before the end of the ninety somebody is looked at still, and from when on
nothing moves any more."""
_S = KycStatus
_FRESH = ((_S.NOT_STARTED, 20), (_S.AWAITING_DOCS, 20), (_S.PENDING, 20), (_S.ON_HOLD, 15),
          (_S.APPROVED, 20), (_S.REJECTED_RETRY, 5))  # fmt: skip
_LATELY = ((_S.NOT_STARTED, 18), (_S.AWAITING_DOCS, 14), (_S.ON_HOLD, 4), (_S.APPROVED, 50),
           (_S.REJECTED_RETRY, 9), (_S.REJECTED_FINAL, 5))  # fmt: skip
_STALE = ((_S.NOT_STARTED, 18), (_S.DRAFT, 4), (_S.AWAITING_DOCS, 4), (_S.APPROVED, 54),
          (_S.REJECTED_RETRY, 6), (_S.REJECTED_FINAL, 5), (_S.EXPIRED, 9))  # fmt: skip
_HOLDS_DAYS = (15, 25)
"""For how long an identity of those holds whose document ends."""


@dataclass(frozen=True, slots=True)
class Proving:
    """What a person proves: where its identity ends, and the tier that it has once approved."""

    person: Person
    ends: KycStatus
    tier: Tier
    is_needed: bool
    lapses_on: int | None = None

    def case_id(self, requirement: str) -> UUID:
        """The id of the proof of a requirement."""
        slug = self.person.story.plan.slug
        return fixed(f"past:{slug}:proof:{requirement}:{self.person.n}")


@dataclass(frozen=True)
class Provings:
    """Everybody's identity in a brand."""

    crowd: Crowd

    def of(self, people: Sequence[Person]) -> list[Proving]:
        """What these people prove; nobody who never begins."""
        provings = [self._of(one) for one in people]
        return [one for one in provings if one.ends is not _S.NOT_STARTED]

    def _of(self, person: Person) -> Proving:
        dice = _dice(person)
        least = self._least(person)
        if least.number:
            above = self._tiers[least.number + 1 :]
            tier = above[0] if above and dice.random() < 0.2 else least
            return Proving(person, _S.APPROVED, tier, is_needed=True)
        ends = self._ends(person, dice)
        lapses = person.day + dice.randint(*_HOLDS_DAYS) if ends is _S.EXPIRED else None
        proven = self._tiers[1] if ends in (_S.APPROVED, _S.EXPIRED) else least
        return Proving(person, ends, proven, is_needed=False, lapses_on=lapses)

    def _ends(self, person: Person, dice: Random) -> KycStatus:
        # No vendor leaves a DRAFT: the first who is free has one, so that each scale has one.
        if person.n == self._first_free:
            return _S.DRAFT
        shares = _STALE if person.day < DAYS - STALE else _LATELY
        if person.day >= DAYS - FRESH:
            shares = _FRESH
        several, weights = zip(*shares, strict=True)
        return KycStatus(dice.choices(several, weights)[0])

    def _least(self, person: Person) -> Tier:
        """The lowest tier that allows all that the person does."""
        return next(tier for tier in self._tiers if _suffices(tier, person))

    @cached_property
    def _tiers(self) -> tuple[Tier, ...]:
        return tiers_of(policy_of(self.crowd.story), ClientKind.INDIVIDUAL)

    @cached_property
    def _first_free(self) -> int | None:
        """The number of the first person who needs no proof for what it does."""
        people = self.crowd.clients_until(DAYS - 1)
        return next((one.n for one in people if not self._least(one).number), None)


def _suffices(tier: Tier, person: Person) -> bool:
    leverage = person.story.leverage
    if person.trades and not (tier.live and cap_leverage(tier, leverage) == leverage):
        return False
    if person.takes_on is not None and not tier.withdrawals:
        return False
    if person.pays_on is None:
        return True
    room = room_for(tier, {}, person.currency)
    return room is None or to_minor(Decimal(person.amount), person.currency) <= room


def _dice(person: Person) -> Random:
    """Not security: a story that repeats."""
    return Random(f"{person.story.plan.slug}:proof:{person.n}")  # noqa: S311
