"""Filters, orders and inputs of ibs."""

import strawberry

from schema.shared.page import order_input
from schema.shared.scalars import CurrencyCode

IbOrder = order_input("Ib", {"CREATED_AT": "When it was made.", "CODE": "By code."})


@strawberry.input(description="An introducing broker to be.")
class IbCreateInput:
    code: str = strawberry.field(
        description="3 to 32 letters, digits and hyphens, kept in capitals; unique in the brand."
    )
    name: str = strawberry.field(description="What it is called, at most 100 characters.")
    email: str = strawberry.field(description="E-mail address.")
    currency_code: CurrencyCode = strawberry.field(
        description="What it is paid in.", default=CurrencyCode("USD")
    )
    parent_id: strawberry.ID | None = strawberry.field(
        description="The one above it; without one it stands at the top.", default=None
    )
