"""Root fields that list ibs."""

import strawberry

from schema.ibs.commissions import IbAccrual, IbAccrualFilter, IbAccrualOrder
from schema.ibs.inputs import IbOrder
from schema.ibs.plans import IbPlan, IbPlanFilter, IbPlanOrder
from schema.ibs.types import Ib, IbStatus
from schema.shared.bind import connection
from schema.shared.page import (
    Choice,
    Connection,
    IdFilter,
    IntFilter,
    TextFilter,
    condition,
)


@strawberry.input(description="Which introducing brokers to list; all conditions hold.")
class IbFilter:
    status: Choice[IbStatus] | None = condition("Where it stands.")
    level: IntFilter | None = condition("Its depth in the tree; 1 at the top.")
    code: TextFilter | None = condition("Its code, in capitals.")
    parent_id: IdFilter | None = condition("The one directly above.", id_of="ib")


@strawberry.type
class IbQueries:
    ibs: Connection[Ib] = connection(
        "ib",
        "The brand's introducing brokers, or your own subtree with yourself, oldest first.",
        needs="ibs:list",
        filter=IbFilter,
        order=IbOrder,
    )
    ib_accruals: Connection[IbAccrual] = connection(
        "ib_accrual",
        "Commissions of the brand, or of your own branch, newest first.",
        needs="commissions:list",
        filter=IbAccrualFilter,
        order=IbAccrualOrder,
    )
    ib_plans: Connection[IbPlan] = connection(
        "ib_plan",
        "Commission plans of the brand, or those in use in your own branch, by name.",
        needs="plans:list",
        filter=IbPlanFilter,
        order=IbPlanOrder,
    )
