"""Figures of the dashboard as callers see them."""

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Annotated, Any, Self
from uuid import UUID

import strawberry

from domain.reporting import values
from schema.challenges.enums import RuleKind
from schema.clients.lead_enums import LeadStage
from schema.compliance.enums import KycStatus
from schema.shared.bind import Info, fetch, field
from schema.shared.permission import public
from schema.shared.scalars import Money

if TYPE_CHECKING:
    from schema.challenges.types import Challenge

ChallengeRef = Annotated["Challenge", strawberry.lazy("schema.challenges.types")]
_CENT = Decimal("0.01")


def _shown(description: str) -> Any:
    return strawberry.field(description=description)


@strawberry.type(description="How many leads stand at a stage.", directives=public())
class LeadStageCount:
    stage: LeadStage = _shown("The stage.")
    count: int = _shown("How many leads.")


@strawberry.type(description="How many clients' identities stand so far.", directives=public())
class KycStatusCount:
    status: KycStatus = _shown("Where they stand.")
    count: int = _shown("How many clients.")


@strawberry.type(description="Payments of one currency, added up.", directives=public())
class PaymentSum:
    amount: Money = _shown("Their sum.")
    count: int = _shown("How many payments.")
    oldest_at: datetime = _shown(
        "Since when the oldest of them waits; of those that cleared, when the first one did."
    )

    @classmethod
    def of_all(cls, found: Iterable[values.Amounts]) -> list[Self]:
        """One for each currency."""
        return [
            cls(amount=Money.of(one.minor, one.currency), count=one.count, oldest_at=one.since)
            for one in found
        ]


@strawberry.type(
    description="What clients of introducing brokers traded, and what it earned the brokers, less "
    "what was taken back.",
    directives=public(),
)
class IbVolume:
    lots: Decimal = _shown("Lots of closed deals that earned a commission.")
    deals: int = _shown("How many such deals.")
    trading_clients: int = _shown("How many clients closed them.")
    accrued: list[Money] = _shown("The commissions, by currency.")

    @classmethod
    def of(cls, one: values.IbVolume) -> Self:
        """The volume as callers see it."""
        accrued = [Money.of(minor, currency) for currency, minor in sorted(one.accrued.items())]
        return cls(
            lots=one.lots,
            deals=one.deals,
            trading_clients=one.trading_clients,
            accrued=accrued,
        )


@strawberry.type(
    description="A challenge that is traded, and the floor its equity is nearest to.",
    directives=public(),
)
class ChallengeNearFloor:
    rule: RuleKind = _shown("Whose floor: `MAX_LOSS` or `DAILY_LOSS`.")
    phase: int = _shown("The number of the phase.")
    floor: Money = _shown("The floor.")
    equity: Money = _shown("What is held against it, without credit.")
    distance: Money = _shown("What is left; below zero where the newest figures are under it.")
    distance_percent: Decimal = _shown(
        "The same in percent of what the account began with, two decimals, rounded down."
    )
    next_reset_at: datetime | None = _shown("When its floors are set anew.")
    as_of: datetime = _shown("When the account's figures were so.")
    key: strawberry.Private[UUID]

    @field("The challenge.", needs="challenges:read")
    async def challenge(self, info: Info) -> ChallengeRef | None:
        found: Challenge | None = await fetch(info, "challenge", self.key)
        return found

    @classmethod
    def of(cls, one: values.NearFloor) -> Self:
        """The challenge as callers see it."""

        def money(minor: int | None) -> Money:
            return Money.of(minor or 0, one.currency)

        return cls(
            rule=RuleKind(one.state.rule.value),
            phase=one.phase,
            floor=money(one.state.limit_minor),
            equity=money(one.state.current_minor),
            distance=money(one.distance_minor),
            distance_percent=(one.share * 100).quantize(_CENT, ROUND_FLOOR),
            next_reset_at=one.state.next_reset_at,
            as_of=one.as_of,
            key=one.challenge_id,
        )


@strawberry.type(
    description="A figure that is null because you lack a permission.", directives=public()
)
class WithheldFigure:
    field: str = _shown("The field's name, such as `withdrawalsPending`.")
    permission: str = _shown("The permission it takes.")
