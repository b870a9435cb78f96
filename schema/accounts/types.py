"""Accounts, their money, positions, orders and deals, bound to their declarations."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from domain.accounts import values
from domain.accounts.actions import Standing, actions_of
from domain.accounts.queries import list_equity_points
from domain.accounts.rules import margin_level_percent, withdrawable
from domain.clients.values import ClientStatus
from domain.kernel.errors import Invalid
from domain.reads.tree import KeyText
from schema.accounts.enums import (
    AccountAccess,
    AccountKind,
    AccountStatus,
    AssetClass,
    DealEntry,
    OrderStatus,
    OrderType,
    PlatformKind,
    Side,
    StateSource,
)
from schema.accounts.filters import DealFilter, DealOrder, OrderFilter, OrderOrder
from schema.shared.action import Action
from schema.shared.bind import (
    Info,
    Node,
    bound,
    computed,
    field,
    listed,
    many,
    money,
    one,
    value,
)
from schema.shared.page import Connection
from schema.shared.permission import public
from schema.shared.scalars import CurrencyCode, Money
from schema.shared.span import checked_span

if TYPE_CHECKING:
    from schema.challenges.types import ChallengePhase
    from schema.clients.types import Client

POINTS_MAX = 1_000
_Client = Annotated["Client", strawberry.lazy("schema.clients.types")]
_Phase = Annotated["ChallengePhase", strawberry.lazy("schema.challenges.types")]


@bound("server", "A trading platform server.", needs="accounts:read")
class PlatformServer(Node):
    name: str = value("Name that traders enter to sign in.")
    kind: PlatformKind = value("Software of the server.")
    time_zone: str = value("Time zone that its day rolls over in.")


@bound("account_state", "The money of an account at one instant.", needs="accounts:read")
class AccountState:
    account_id: strawberry.ID = computed(
        "The account.",
        lambda record: strawberry.ID(f"account_{record.key.hex}"),
        reads=(),
        shows=KeyText("account"),
    )
    balance: Money = money("Money without open positions.", "balance_minor", "currency")
    equity: Money = money("Balance, credit and floating profit.", "equity_minor", "currency")
    credit: Money = money("Credit given by the broker.", "credit_minor", "currency")
    margin: Money = money("Held for open positions.", "margin_minor", "currency")
    free_margin: Money = money("Equity less margin.", "free_margin_minor", "currency")
    floating: Money = money(
        "Unrealised profit of open positions, swap included.", "floating_minor", "currency"
    )
    withdrawable: Money = computed(
        "What could leave the account now; never credit.",
        lambda record: Money.of(
            withdrawable(
                balance=int(record.balance_minor),
                free_margin=int(record.free_margin_minor),
                credit=int(record.credit_minor),
            ),
            record.currency,
        ),
        reads=("balance_minor", "free_margin_minor", "credit_minor", "currency"),
    )
    margin_level_percent: Decimal | None = computed(
        "Equity as a percentage of margin; null without open positions.",
        lambda record: margin_level_percent(
            equity=int(record.equity_minor), margin=int(record.margin_minor)
        ),
        reads=("equity_minor", "margin_minor"),
    )
    as_of: datetime = value("When this was so, by the platform.")
    source: StateSource = value("How it became known.")


@strawberry.type(description="Balance and equity at one instant.", directives=public())
class EquityPoint:
    at: datetime = strawberry.field(description="The instant.")
    balance: Money = strawberry.field(description="Money without open positions.")
    equity: Money = strawberry.field(description="Balance, credit and floating profit.")


@bound("position", "An open position.", needs="positions:read")
class Position(Node):
    ticket: str = value("The platform's number of it.", reads="ext_id")
    symbol: str = value("What is traded.")
    side: Side = value("Long or short.")
    lots: Decimal = value("Size in lots.")
    open_price: Decimal = value("Price it was opened at.")
    price: Decimal = value("Price it would close at, as of `asOf`.")
    stop_loss: Decimal | None = value("Closes by itself at this price or worse.")
    take_profit: Decimal | None = value("Closes by itself at this price or better.")
    swap: Money = money("Overnight financing so far.", "swap_minor", "currency")
    floating: Money = money("Unrealised profit, as of `asOf`.", "floating_minor", "currency")
    opened_at: datetime = value("When it was opened.")
    as_of: datetime = value("When price and profit were so.")


@bound("order", "An order to trade.", needs="orders:read")
class Order(Node):
    symbol: str = value("What is traded.")
    side: Side = value("Buy or sell.")
    type: OrderType = value("How it is filled.")
    lots: Decimal = value("Size in lots.")
    price: Decimal | None = value("Price of a LIMIT or STOP order.")
    stop_loss: Decimal | None = value("Stop loss of the position it becomes.")
    take_profit: Decimal | None = value("Take profit of the position it becomes.")
    status: OrderStatus = value("Where it stands.")
    ticket: str | None = value("The platform's number of it.", reads="ext_id")
    reason_code: str | None = value("Why the platform refused it, such as NO_MONEY.")
    filled_price: Decimal | None = value("Price it was filled at.")
    created_at: datetime = value("When it was asked for.")
    updated_at: datetime = value("When its status last changed.")


@bound("deal", "An executed trade or a movement of money. Never changes.", needs="deals:read")
class Deal(Node):
    ticket: str = value("The platform's number of it.", reads="ext_id")
    symbol: str | None = value("What was traded; null for movements of money.")
    side: Side | None = value("Buy or sell; null for movements of money.")
    entry: DealEntry = value("What it did.")
    lots: Decimal = value("Size in lots.")
    closed_lots: Decimal = value("Lots that it closed.")
    price: Decimal = value("Price; 0 for movements of money.")
    profit: Money = money("Realised profit, or the money moved.", "profit_minor", "currency")
    swap: Money = money("Overnight financing realised.", "swap_minor", "currency")
    commission: Money = money("Commission, negative when charged.", "commission_minor", "currency")
    at: datetime = value("When it was executed.")


@bound("symbol", "Something that can be traded on a server.", needs="quotes:read")
class Symbol:
    name: str = value("Name on the platform.")
    description: str = value("What it is.")
    asset_class: AssetClass = value("What kind of thing it is.")
    base_currency: str = value("What one lot is measured in: a currency, metal, index or coin.")
    quote_currency: CurrencyCode = value("What prices are in.")
    digits: int = value("Decimals of a price.")
    contract_size: Decimal = value("Units in one lot.")
    lots_min: Decimal = value("Smallest order.")
    lots_max: Decimal = value("Largest order.")
    lots_step: Decimal = value("Orders are multiples of this.")


_From = Annotated[datetime, strawberry.argument(name="from", description="Beginning, included.")]
_To = Annotated[
    datetime | None, strawberry.argument(name="to", description="End; now when absent.")
]
_Points = Annotated[int, strawberry.argument(description="How many at most, 1–1000.")]


async def _equity_series(
    info: Info, account: Any, span: tuple[datetime, datetime | None], points: int
) -> list[EquityPoint]:
    """The series of one account. Refusals: BAD_USER_INPUT for an empty span or too many points."""
    if not 1 <= points <= POINTS_MAX:
        raise Invalid("BAD_USER_INPUT", f"Ask for 1 to {POINTS_MAX} points.", path=("points",))
    now = info.context.now()
    start, until = span[0], span[1] or now
    checked_span(start, until, now)
    rows = await list_equity_points(info.context.work, account.key, start, until, points)
    return [
        EquityPoint(
            at=row.at,
            balance=Money.of(int(row.balance_minor), account.currency),
            equity=Money.of(int(row.equity_minor), account.currency),
        )
        for row in rows
    ]


@bound("account", "A trading account: a login on a platform.", needs="accounts:read")
class Account(Node):
    login: str = value("Number that the trader signs in with.")
    version: int = value("Counts changes; send it back as `expectedVersion`.")
    kind: AccountKind = value("What it is for.")
    status: AccountStatus = value("Where it stands with its platform.")
    access: AccountAccess = value("What may be done on the platform.")
    currency_code: CurrencyCode = value("Currency of all its money.", reads="currency")
    leverage: int = value("Leverage n of 1:n.")
    group: str = value("The platform's group, which holds its conditions.", reads="group_name")
    swap_free: bool = value("Whether no swap is charged overnight.")
    created_at: datetime = value("When it was asked for.")
    client: _Client | None = one("Whose it is.")
    server: PlatformServer | None = one("Where it is.")
    challenge_phase: _Phase | None = one(
        "The phase of a challenge that is traded on it.", needs="challenges:read"
    )
    state: AccountState | None = one(
        "Its money as last known, at most about a second old while the platform is connected; "
        "null until the platform has spoken. Follow `accountStates` for live figures."
    )
    positions: list[Position] = listed(
        "Open positions, oldest first, at most 100.", order="OPENED_AT"
    )
    orders: Connection[Order] = many("Orders, newest first.", filter=OrderFilter, order=OrderOrder)
    deals: Connection[Deal] = many("Deals, newest first.", filter=DealFilter, order=DealOrder)

    @field(
        "What this viewer may do with the account now.", reads=("status", "access", "client_status")
    )
    def actions(self, info: Info) -> list[Action]:
        record: Any = self
        standing = Standing(
            status=values.AccountStatus(record.status),
            access=values.AccountAccess(record.access),
            client=ClientStatus(record.client_status),
        )
        possible = actions_of(standing, info.context.scope.permissions)
        return [
            Action(name=one.name, allowed=one.allowed, reason_code=one.reason_code)
            for one in possible
        ]

    @field(
        "Balance and equity over time: the last sample of each of `points` equal stretches. "
        "Samples are 10 seconds apart at the closest.",
        reads=("currency",),
    )
    async def equity_series(
        self, info: Info, start: _From, end: _To = None, points: _Points = 200
    ) -> list[EquityPoint]:
        return await _equity_series(info, self, (start, end), points)
