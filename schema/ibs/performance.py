"""How a broker does over time."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

import strawberry

from domain.ibs.performance import values
from domain.ibs.performance.queries import measure
from domain.kernel.errors import Invalid
from schema.ibs.enums import IbPerformanceBy
from schema.shared.bind import Info
from schema.shared.permission import public
from schema.shared.scalars import Money

LONGEST = {
    values.Span.DAY: timedelta(days=100),
    values.Span.WEEK: timedelta(days=700),
    values.Span.MONTH: timedelta(days=3_000),
}
From = Annotated[datetime, strawberry.argument(description="The first instant.", name="from")]
To = Annotated[datetime, strawberry.argument(description="The instant behind the last.")]
By = Annotated[
    IbPerformanceBy,
    strawberry.argument(
        description="The length of a row: days for at most 100 days, weeks for 700, months for "
        "3,000."
    ),
]


def _shown(description: str) -> Any:
    return strawberry.field(description=description)


@strawberry.type(
    description="What happened in a day, week or month. Commissions are the broker's own, clients "
    "those of its whole branch.",
    directives=public(),
)
class IbPerformance:
    begins_at: datetime = _shown("The beginning of the stretch, in UTC.")
    new_clients: int = _shown("Clients of the branch that registered.")
    trading_clients: int = _shown("Clients whose closed deals earned the broker a commission.")
    deals: int = _shown("Closed deals that did, less those taken back.")
    lots: Decimal = _shown("Their lots.")
    accrued: list[Money] = _shown("What the broker earned, less what was taken back.")

    @classmethod
    def of(cls, one: values.Stretch) -> Self:
        """A stretch as callers see it."""
        return cls(
            begins_at=one.begins_at,
            new_clients=one.new_clients,
            trading_clients=one.trading_clients,
            deals=one.deals,
            lots=one.lots,
            accrued=[Money.of(minor, currency) for currency, minor in sorted(one.accrued.items())],
        )


async def performance_of(
    info: Info, ib_id: UUID, start: datetime, end: datetime, by: IbPerformanceBy
) -> list[IbPerformance]:
    """The rows that are not empty, oldest first. Refusals: INVALID for too long a time."""
    span = values.Span(str(by.value))
    if not timedelta(0) < end - start <= LONGEST[span]:
        days = LONGEST[span].days
        raise Invalid(
            "INVALID", f"Ask for more than nothing and at most {days} days.", path=("to",)
        )
    found = await measure(info.context.work, ib_id, start, end, by=span)
    return [IbPerformance.of(one) for one in found]
