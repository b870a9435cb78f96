"""How lists of accounts, orders and deals are narrowed and sorted."""

import strawberry

from schema.accounts.enums import AccountKind, AccountStatus, DealEntry, OrderStatus
from schema.shared.page import (
    Choice,
    DateTimeFilter,
    IdFilter,
    TextFilter,
    condition,
    order_input,
)


@strawberry.input(description="Which accounts to list; all conditions hold.")
class AccountFilter:
    kind: Choice[AccountKind] | None = condition("What the account is for.")
    status: Choice[AccountStatus] | None = condition("Where it stands.")
    currency: TextFilter | None = condition("Its currency.")
    login: TextFilter | None = condition("Number that the trader signs in with.", is_number=True)
    client_id: IdFilter | None = condition("Whose it is.", id_of="client")
    created_at: DateTimeFilter | None = condition("When it was asked for.")


@strawberry.input(description="Which orders to list; all conditions hold.")
class OrderFilter:
    status: Choice[OrderStatus] | None = condition("Where the order stands.")


@strawberry.input(description="Which deals to list; all conditions hold.")
class DealFilter:
    symbol: TextFilter | None = condition("What was traded.")
    entry: Choice[DealEntry] | None = condition("What the deal did.")
    at: DateTimeFilter | None = condition("When it was executed.")


AccountOrder = order_input(
    "Account", {"CREATED_AT": "When it was asked for.", "LOGIN": "By login, as a number."}
)
OrderOrder = order_input("Order", {"CREATED_AT": "When it was asked for."})
DealOrder = order_input("Deal", {"AT": "When it was executed."})
