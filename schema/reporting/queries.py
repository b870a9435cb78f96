"""The dashboard: what management looks at, each figure for whoever may see what it counts.

Refusing all of it for one figure would take the rest from everybody else: a figure without its
permission is null, and `withheld` says why.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final

import strawberry
from strawberry.utils.str_converters import to_camel_case

from domain.reporting import queries as figures
from domain.reporting.values import BusinessDay
from schema.clients.lead_enums import LeadStage
from schema.compliance.enums import KycStatus
from schema.reporting.types import (
    ChallengeNearFloor,
    IbVolume,
    KycStatusCount,
    LeadStageCount,
    PaymentSum,
    WithheldFigure,
)
from schema.shared.bind import Info, field
from schema.shared.permission import public

PERMISSION_OF: Final[Mapping[str, str]] = {
    "leads_by_stage": "leads:list",
    "clients_in_kyc": "kyc:read",
    "deposits_cleared_today": "payments:list",
    "withdrawals_pending": "approvals:list",
    "ib_volume": "commissions:list",
    "challenges_near_floor": "challenges:list",
}
"""What each figure takes: the permission of the list that it counts."""
_COST = 20


def _figure(description: str) -> Callable[[Any], Any]:
    """A field that is null without its permission."""

    def decorate(resolver: Any) -> Any:
        permission = PERMISSION_OF[resolver.__name__]
        return field(f"{description} Null without `{permission}`.", cost=_COST)(resolver)

    return decorate


def _is_withheld(info: Info) -> bool:
    return PERMISSION_OF[info.python_name] not in info.context.scope.permissions


@strawberry.type(
    description="What goes on in the brand, by your own permissions: without `clients:all` and "
    "`leads:all` only of clients and leads that are yours. Money is by currency, never added up "
    "over currencies.",
    directives=public(),
)
class Dashboard:
    today: strawberry.Private[BusinessDay]

    @field("The brand's day that deposits and commissions are of.")
    def day(self) -> date:
        return self.today.day

    @field("When that day began: local midnight.")
    def day_began_at(self) -> datetime:
        return self.today.began_at

    @field("When it ends, or ended: the next one.")
    def day_ends_at(self) -> datetime:
        return self.today.ends_at

    @field("The time zone of the day, such as `Europe/Nicosia`.")
    def time_zone(self) -> str:
        return self.today.time_zone

    @field("When this was so, by the brand's clock.")
    def as_of(self) -> datetime:
        return self.today.now

    @_figure("Leads by stage, in the order of the pipeline; stages without any left out.")
    async def leads_by_stage(self, info: Info) -> list[LeadStageCount] | None:
        if _is_withheld(info):
            return None
        found = await figures.leads_by_stage(info.context.reader)
        return [LeadStageCount(stage=LeadStage(k.value), count=n) for k, n in found.items()]

    @_figure(
        "Clients whose identity is under way, by status: begun, waited for, looked at, on hold, "
        "or to be tried again; statuses without any left out."
    )
    async def clients_in_kyc(self, info: Info) -> list[KycStatusCount] | None:
        if _is_withheld(info):
            return None
        found = await figures.clients_in_kyc(info.context.reader)
        return [KycStatusCount(status=KycStatus(k.value), count=n) for k, n in found.items()]

    @_figure(
        "What was credited for deposits that cleared in the day, whatever became of them since; "
        "payments for challenges are not among them."
    )
    async def deposits_cleared_today(self, info: Info) -> list[PaymentSum] | None:
        if _is_withheld(info):
            return None
        return PaymentSum.of_all(await figures.deposits_cleared(info.context.reader, self.today))

    @_figure("Withdrawals that wait for approval now.")
    async def withdrawals_pending(self, info: Info) -> list[PaymentSum] | None:
        if _is_withheld(info):
            return None
        return PaymentSum.of_all(await figures.withdrawals_pending(info.context.reader))

    @_figure("What clients of introducing brokers traded in the day, and what it earned them.")
    async def ib_volume(self, info: Info) -> IbVolume | None:
        if _is_withheld(info):
            return None
        return IbVolume.of(await figures.ib_volume(info.context.work, self.today))

    @_figure(
        "The ten challenges that are traded now with the least left to a floor, as a share of "
        "what their account began with; nearest first."
    )
    async def challenges_near_floor(self, info: Info) -> list[ChallengeNearFloor] | None:
        if _is_withheld(info):
            return None
        found = await figures.challenges_near_floor(info.context.reader)
        return [ChallengeNearFloor.of(one) for one in found]

    @field("Figures that are null because you lack their permission, by name.")
    def withheld(self, info: Info) -> list[WithheldFigure]:
        held = info.context.scope.permissions
        return [
            WithheldFigure(field=to_camel_case(name), permission=permission)
            for name, permission in sorted(PERMISSION_OF.items())
            if permission not in held
        ]


_On = Annotated[
    date | None,
    strawberry.argument(
        description="The brand's day for deposits and commissions; today when left out. The other "
        "figures are always of now."
    ),
]


@strawberry.type
class ReportingQueries:
    @field(
        "What management looks at, live from the books: ask again when a feed tells of a change.",
        needs="dashboard:read",
    )
    async def dashboard(self, info: Info, on: _On = None) -> Dashboard:
        return Dashboard(today=await figures.find_day(info.context.work, on))
