"""The introducing broker, bound to `domain.ibs.reads`."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import strawberry

from domain.ibs import values
from domain.ibs.reads import SUBTREE_CAP
from schema.clients.inputs import ClientFilter, ClientOrder
from schema.clients.types import Client
from schema.ibs.commissions import (
    IbAccrual,
    IbAccrualFilter,
    IbAccrualOrder,
    IbInvitation,
    IbInvitationOrder,
    IbLink,
    IbLinkOrder,
    IbStatement,
    IbStatementFilter,
    IbStatementOrder,
)
from schema.ibs.enums import IbPerformanceBy
from schema.ibs.inputs import IbOrder
from schema.ibs.performance import By, From, IbPerformance, To, performance_of
from schema.ibs.plans import IbPlan
from schema.shared.bind import Info, Node, bound, capped, fetch, field, many, one, value
from schema.shared.enums import shows
from schema.shared.page import Connection
from schema.shared.scalars import Count, CurrencyCode

IbRef = Annotated["Ib", strawberry.lazy("schema.ibs.types")]


@shows(values.IbStatus, "Where an introducing broker stands. Expect values you don't know.")
class IbStatus(Enum):
    ACTIVE = strawberry.enum_value("ACTIVE", description="Introduces clients.")
    SUSPENDED = strawberry.enum_value(
        "SUSPENDED",
        description="Can't come in, introduces nobody, takes nobody below. It goes on earning; "
        "what it earns becomes payable once it is active again.",
    )


@bound("ib", "An introducing broker: it brings clients, and others below it do.", needs="ibs:read")
class Ib(Node):
    code: str = value("The code that its links carry, unique in the brand.")
    name: str = value("What it is called.")
    status: IbStatus = value("Where it stands.")
    level: int = value("Its depth in the tree; 1 at the top.")
    created_at: datetime = value("When it was made.")
    parent: IbRef | None = one("The one above; null at the top, and at the top of what you see.")
    children: Connection[IbRef] = many("Those directly below, oldest first.", order=IbOrder)
    clients: Connection[Client] = many(
        "Clients it introduced itself, newest first.",
        filter=ClientFilter,
        order=ClientOrder,
        needs="clients:list",
    )
    currency_code: CurrencyCode = value("What it is paid in.", reads="currency")
    links: Connection[IbLink] = many(
        "Its referral links, newest first.", order=IbLinkOrder, needs="links:read"
    )
    invitations: Connection[IbInvitation] = many(
        "Its invitations to join below it, newest first.",
        order=IbInvitationOrder,
        needs="invitations:read",
    )
    accruals: Connection[IbAccrual] = many(
        "What it earned, newest first.",
        filter=IbAccrualFilter,
        order=IbAccrualOrder,
        needs="commissions:list",
    )
    statements: Connection[IbStatement] = many(
        "Its statements, the latest month first.",
        filter=IbStatementFilter,
        order=IbStatementOrder,
        needs="commissions:list",
    )

    @field(
        "The commission plan in force for it; null without one, or when you may not see it.",
        needs="plans:read",
        reads=("plan_id",),
    )
    async def plan(self, info: Info) -> IbPlan | None:
        record: Any = self
        if record.plan_id is None:
            return None
        found: IbPlan | None = await fetch(info, "ib_plan", record.plan_id)
        return found

    @field(
        "How it did between two instants, oldest first; stretches in which nothing happened are "
        "left out.",
        needs="commissions:list",
        reads=(),
        cost=50,
    )
    async def performance(
        self, info: Info, from_: From, to: To, by: By = IbPerformanceBy.DAY
    ) -> list[IbPerformance]:
        record: Any = self
        return await performance_of(info, record.key, from_, to, by)

    subtree_clients: Count = capped(
        "Clients of it and of everybody below it, counted up to 10,000.",
        "subtree_clients",
        SUBTREE_CAP,
        needs="clients:list",
    )
