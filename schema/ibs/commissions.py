"""Links, invitations, accruals and statements, bound to `domain.ibs.commissions.reads`."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from domain.ibs.commissions.explain import explain
from schema.accounts.types import Deal
from schema.clients.types import Client
from schema.ibs.enums import AccrualStatus, IbInvitationStatus
from schema.shared.bind import Info, Node, bound, computed, field, many, masked_fields, money, one
from schema.shared.bind import value as shown
from schema.shared.explanation import Explanation
from schema.shared.page import (
    Choice,
    Connection,
    DateFilter,
    DateTimeFilter,
    IdFilter,
    IntFilter,
    TextFilter,
    condition,
    order_input,
)
from schema.shared.scalars import Money

if TYPE_CHECKING:
    from schema.ibs.types import Ib

_IbRef = Annotated["Ib", strawberry.lazy("schema.ibs.types")]
_AccrualRef = Annotated["IbAccrual", strawberry.lazy("schema.ibs.commissions")]
_StatementRef = Annotated["IbStatement", strawberry.lazy("schema.ibs.commissions")]

IbLinkOrder = order_input("IbLink", {"CREATED_AT": "When it was made."})
IbInvitationOrder = order_input("IbInvitation", {"CREATED_AT": "When it was sent."})
IbAccrualOrder = order_input("IbAccrual", {"AT": "When the deal closed."})
IbStatementOrder = order_input("IbStatement", {"MONTH": "By month."})


@bound("ib_link", "A referral link: who registers with its code came by it.", needs="links:read")
class IbLink(Node):
    code: str = shown("The code; send it as `ibCode` when a client registers.")
    campaign: str = shown("What it is for.")
    created_at: datetime = shown("When it was made.")
    client_count: int = shown("How many clients came by it.")
    ib: _IbRef | None = one("Whose it is.")


@bound("ib_invitation", "An invitation to join the tree below a broker.", needs="invitations:read")
class IbInvitation(Node):
    name: str = shown("Who is invited.")
    email: str = shown("Where the mail went, masked without `clients:pii`.")
    masked_fields: list[str] = masked_fields("Fields that you see masked.")
    status: IbInvitationStatus = shown("Where it stands.")
    created_at: datetime = shown("When it was sent.")
    expires_at: datetime = shown("Until when it can be accepted.")
    ib: _IbRef | None = one("Who invited.")
    accepted_by: _IbRef | None = one("Who it became; null until it is accepted.")


@strawberry.input(description="Which accruals to list; all conditions hold.")
class IbAccrualFilter:
    ib_id: IdFilter | None = condition("Whose it is.", id_of="ib")
    client_id: IdFilter | None = condition("Whose deal it is for.", id_of="client")
    deal_id: IdFilter | None = condition("The deal it is for.", id_of="deal")
    status: Choice[AccrualStatus] | None = condition("Where it stands.")
    component: TextFilter | None = condition("The component of the plan.")
    tier: IntFilter | None = condition("How far above the client; 1 is the introducer.")
    at: DateTimeFilter | None = condition("When the deal closed.")


@bound(
    "ib_accrual",
    "A commission that a closed deal earned, or one taken back. It never changes but in `status`.",
    needs="commissions:read",
)
class IbAccrual(Node):
    component: str = shown("The component of the plan that pays it.")
    tier: int = shown("How far above the client; 1 is the introducer.")
    quantity: Decimal = shown("The lots that count; below zero when taken back.", reads="lots")
    rate: Decimal = shown(
        "Money per lot that came to this tier, in the plan's currency, before caps and rounding."
    )
    amount: Money = money(
        "What it is worth; below zero when taken back.", "amount_minor", "currency"
    )
    plan_amount: Money = money("The same in the plan's currency.", "plan_minor", "plan_currency")
    fx_rate: Decimal = shown("What the plan's currency was worth in that of `amount`.")
    status: AccrualStatus = shown("Where it stands.")
    at: datetime = shown("When the deal closed, or was taken back.", reads="deal_at")
    payable_at: datetime = shown("When it is or was payable.")
    created_at: datetime = shown("When it was accrued.")
    plan_name: str = shown("The plan that it was earned under.")
    plan_number: int = shown("The version of the plan that was in force when the deal closed.")
    ib: _IbRef | None = one("Whose it is.")
    client: Client | None = one("Whose deal it is for; null when you may not see the client.")
    deal: Deal | None = one("The deal; null when you may not see it.")
    reverses: _AccrualRef | None = one("What it takes back; null for what was earned.")
    statement: _StatementRef | None = one("The statement it stands on; null before its month ends.")

    @field(
        "Why it is this much, from what was stored when it was reckoned.",
        reads=(
            "component", "tier", "lots", "rate", "currency", "amount_minor", "plan_currency",
            "plan_minor", "fx_rate", "grounds", "deal_id", "place_version", "plan_version_id",
            "reverses_id", "plan_name", "plan_number",
        ),
    )  # fmt: skip
    def explanation(self, info: Info) -> Explanation:
        record: Any = self
        return Explanation.of(explain(record), info.context.scope)


def _total(record: Any) -> Money:
    return Money.of(int(record.accrued_minor + record.reversed_minor), record.currency)


@strawberry.input(description="Which statements to list; all conditions hold.")
class IbStatementFilter:
    month: DateFilter | None = condition("The first day of its month.")


@bound(
    "ib_statement",
    "What became payable to a broker in a month, in one currency; it stays as it was made.",
    needs="commissions:read",
)
class IbStatement(Node):
    month: date = shown("The first day of the month, in UTC.")
    accrued: Money = money("What was earned.", "accrued_minor", "currency")
    reversed: Money = money("What was taken back; zero or below.", "reversed_minor", "currency")
    total: Money = computed(
        "The two together; below zero it is carried.",
        _total,
        reads=("accrued_minor", "reversed_minor", "currency"),
    )
    accruals: int = shown("How many lines it has.")
    created_at: datetime = shown("When it was made.")
    ib: _IbRef | None = one("Whose it is.")
    lines: Connection[IbAccrual] = many(
        "What stands on it.", filter=IbAccrualFilter, order=IbAccrualOrder
    )
