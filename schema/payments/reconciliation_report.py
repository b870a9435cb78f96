"""The report of a day: every clearing account explained, and what we owe beside what we have."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from domain.kernel.errors import Invalid
from domain.payments.queries import find_policy
from domain.payments.reconciliation import queries
from domain.payments.reconciliation.queries import reconcile_day
from schema.payments.enums import LedgerAccountKind
from schema.shared.bind import Info, field
from schema.shared.permission import public
from schema.shared.scalars import Money
from schema.shared.span import EARLIEST


def _shown(description: str) -> Any:
    return strawberry.field(description=description)


@strawberry.type(description="What transfers of one kind did in a day.", directives=public())
class ClearingMovement:
    kind: str = _shown("The kind of transfer. Expect kinds you don't know.")
    count: int = _shown("How many postings.")
    amount: Money = _shown("Their sum; credits are positive.")


@strawberry.type(
    description="A clearing account over a day: it returns to zero unless money is on its way.",
    directives=public(),
)
class ClearingAccountDay:
    kind: LedgerAccountKind = _shown("What it is between.")
    reference: str = _shown("Hex id of the merchant account or platform server.")
    opening: Money = _shown("What was on it when the day began. Below zero: owed to the brand.")
    movements: list[ClearingMovement] = _shown("What happened, by kind.")
    closing: Money = _shown("What is left.")
    open_since: datetime | None = _shown(
        "The oldest posting that nothing explains yet, first in first out; null at zero."
    )
    open_hours: int | None = _shown("Its age in whole hours when the day ended.")
    open_discrepancies: int = _shown("Discrepancies about it that were open when the day ended.")


@strawberry.type(
    description="What the brand owes and has in a currency when the day ended.", directives=public()
)
class CurrencyReconciliation:
    client_wallets: Money = _shown("What is owed to clients in their wallets.")
    client_trading: Money = _shown("What is owed to clients on live trading accounts.")
    ledger_total: Money = _shown("The sum of all accounts of the ledger: zero.")
    proved_ledger: Money = _shown("Of trading accounts proven that day: what the ledger says.")
    proved_platform: Money = _shown("Of trading accounts proven that day: what platforms say.")
    suspense: Money = _shown("Money that nobody could explain yet.")
    moved: Money = _shown("What clearing accounts began with and what moved on them, unsigned.")
    unreconciled: Money = _shown(
        "What of the clearing accounts is older than the brand's clearing hours, and suspense."
    )
    unreconciled_percent: Decimal = _shown("`unreconciled` of `moved`, two decimals.")


@strawberry.type(description="The reconciliation of a day.", directives=public())
class ReconciliationReport:
    day: date = _shown("The day, in UTC.")
    until: datetime = _shown("The end of the day, or now when the day is not over.")
    accounts: list[ClearingAccountDay] = _shown("Each clearing account.")
    currencies: list[CurrencyReconciliation] = _shown("Each currency.")
    unreconciled_percent: Decimal = _shown("The worst currency's; `0.00` is all explained.")


_Day = Annotated[date, strawberry.argument(description="The day, in UTC.")]


@strawberry.type
class ReportQueries:
    @field("The reconciliation of a day, past or present.", needs="reconciliation:read", cost=200)
    async def reconciliation(self, info: Info, day: _Day) -> ReconciliationReport:
        now = info.context.now().astimezone(UTC)
        if day > now.date() + timedelta(days=1):
            raise Invalid("INVALID", "That day is to come.", path=("day",))
        if day < EARLIEST.date():
            raise Invalid("INVALID", "The day is in 1970 or later.", path=("day",))
        work = info.context.work
        hours = (await find_policy(work)).clearing_hours
        return _report(await reconcile_day(work, day, now=now, clearing_hours=hours))


def _report(found: queries.Report) -> ReconciliationReport:
    return ReconciliationReport(
        day=found.day,
        until=found.until,
        accounts=[_account(one, found.until) for one in found.accounts],
        currencies=[_currency(one) for one in found.currencies],
        unreconciled_percent=found.unreconciled_percent,
    )


def _account(one: queries.ClearingDay, until: datetime) -> ClearingAccountDay:
    hours = None if one.since is None else int((until - one.since).total_seconds() // 3600)
    return ClearingAccountDay(
        kind=LedgerAccountKind(one.kind.value),
        reference=one.reference,
        opening=Money.of(one.opening_minor, one.currency),
        movements=[
            ClearingMovement(
                kind=moved.kind,
                count=moved.count,
                amount=Money.of(moved.amount_minor, one.currency),
            )
            for moved in one.movements
        ],
        closing=Money.of(one.closing_minor, one.currency),
        open_since=one.since,
        open_hours=hours,
        open_discrepancies=one.open_discrepancies,
    )


def _currency(one: queries.CurrencyDay) -> CurrencyReconciliation:
    def money(minor: int) -> Money:
        return Money.of(minor, one.currency)

    return CurrencyReconciliation(
        client_wallets=money(one.wallets_minor),
        client_trading=money(one.trading_minor),
        ledger_total=money(one.ledger_minor),
        proved_ledger=money(one.proved_ledger_minor),
        proved_platform=money(one.proved_platform_minor),
        suspense=money(one.suspense_minor),
        moved=money(one.moved_minor),
        unreconciled=money(one.unreconciled_minor),
        unreconciled_percent=one.unreconciled_percent,
    )
