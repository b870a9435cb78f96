"""Accounts live: events from the log, states and quotes conflated."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Protocol, Self
from uuid import UUID

import strawberry
from strawberry import enum_value
from strawberry.scalars import JSON

from domain.accounts.events import TOPIC
from domain.accounts.events import AccountEventKind as Kind
from domain.accounts.live import quote_key, read_quote, read_state, state_key
from domain.accounts.trading import AccountState as LiveState
from domain.accounts.trading import Quote as LiveQuote
from domain.events.states import States
from domain.events.values import Feed, Happened
from domain.kernel.errors import Invalid
from domain.kernel.ids import decode_id_of
from domain.kernel.money import round_to_minor
from domain.reads import select
from schema.accounts.enums import QuoteSource
from schema.accounts.types import Account, AccountState
from schema.events.feed import AfterCursor, follow, guard
from schema.events.types import FeedHeartbeat, FeedItem, FeedReset, shown_payload
from schema.shared.bind import Info, fetch, field, subscription
from schema.shared.enums import shows
from schema.shared.permission import public
from schema.shared.scalars import Cursor

ACCOUNTS_MAX, SYMBOLS_MAX = 100, 50
LOOK_AGAIN_S = 5.0
_MONEY = ("balance", "equity", "credit", "margin", "free_margin", "floating")
_WANT = select("currency", "login_number", "server_id")


class LiveServices(Protocol):
    """What this context needs of the application's services."""

    @property
    def states(self) -> States: ...


@shows(Kind, "What happened to an account. Expect values you don't know.")
class AccountEventKind(Enum):
    OPEN_WAITING = enum_value(
        "open_waiting",
        description="An account is to open by itself once the client has proven who it is.",
    )
    OPEN_REQUESTED = enum_value("open_requested", description="An account was asked for.")
    OPENED = enum_value("opened", description="The platform opened it.")
    OPEN_FAILED = enum_value("open_failed", description="The platform refused to open it.")
    LEVERAGE_REQUESTED = enum_value(
        "leverage_requested", description="Another leverage was asked for."
    )
    LEVERAGE_CHANGED = enum_value("leverage_changed", description="The leverage changed.")
    ACCESS_REQUESTED = enum_value("access_requested", description="Another access was asked for.")
    ACCESS_CHANGED = enum_value("access_changed", description="The access changed.")
    PASSWORD_REQUESTED = enum_value(
        "password_requested", description="New passwords were asked for."
    )
    PASSWORD_CHANGED = enum_value("password_changed", description="The passwords changed.")
    ORDER_REQUESTED = enum_value("order_requested", description="An order was sent.")
    ORDER_PLACED = enum_value("order_placed", description="An order waits on the platform.")
    ORDER_FILLED = enum_value("order_filled", description="An order became a position.")
    ORDER_REJECTED = enum_value("order_rejected", description="The platform refused an order.")
    ORDER_CHANGE_REQUESTED = enum_value(
        "order_change_requested", description="Moving an order was asked for."
    )
    ORDER_CHANGED = enum_value("order_changed", description="A pending order was moved.")
    ORDER_CANCELLED = enum_value("order_cancelled", description="An order was cancelled.")
    CANCEL_REQUESTED = enum_value(
        "cancel_requested", description="Cancelling an order was asked for."
    )
    POSITION_CHANGE_REQUESTED = enum_value(
        "position_change_requested", description="Other levels of a position were asked for."
    )
    POSITION_CHANGED = enum_value(
        "position_changed", description="A position has another stop loss or take profit."
    )
    CLOSE_REQUESTED = enum_value("close_requested", description="Closing a position was asked for.")
    BALANCE_REQUESTED = enum_value(
        "balance_requested", description="Moving money on the platform was asked for."
    )
    BALANCE_MOVED = enum_value(
        "balance_moved", description="The platform confirmed that it moved money."
    )
    BALANCE_UNKNOWN = enum_value(
        "balance_unknown",
        description="The platform's answer about money was lost and is being found out.",
    )
    REQUEST_REFUSED = enum_value("request_refused", description="The platform refused a request.")
    DEAL_OPENED = enum_value("deal_opened", description="A deal opened a position.")
    DEAL_CLOSED = enum_value("deal_closed", description="A deal closed a position or part of it.")
    DEAL_CANCELLED = enum_value(
        "deal_cancelled", description="The platform took a deal back, with its money."
    )
    BALANCE_CHANGED = enum_value("balance_changed", description="Money or credit was moved.")
    MARGIN_CALLED = enum_value(
        "margin_called", description="The margin level fell to the warning level."
    )


@strawberry.type(description="Something that happened to an account.", directives=public())
class AccountEvent(FeedItem):
    kind: AccountEventKind = strawberry.field(description="What happened.")
    account_id: strawberry.ID | None = strawberry.field(description="Id of the account.")
    payload: JSON = strawberry.field(
        description="What was true then, such as `dealId` or `status`; money is in minor units."
    )
    subject: strawberry.Private[UUID | None]

    @field("The account as it is now; null when you may not see it.", needs="accounts:read")
    async def account(self, info: Info) -> Account | None:
        if self.subject is None:
            return None
        found: Account | None = await fetch(info, "account", self.subject)
        return found

    @classmethod
    def of(cls, happened: Happened) -> Self:
        """An event as callers see it."""
        row = happened.row
        shown = None if row.object_id is None else strawberry.ID(f"account_{row.object_id.hex}")
        return cls(
            cursor=Cursor(happened.cursor),
            occurred_at=happened.at,
            kind=AccountEventKind(row.kind),
            account_id=shown,
            payload=JSON(shown_payload(row.payload)),
            subject=row.object_id,
        )


AccountFeed = Annotated[
    AccountEvent | FeedHeartbeat | FeedReset,
    strawberry.union("AccountFeed", description="What happens to trading accounts."),
]


@strawberry.type(description="A price.", directives=public())
class Quote:
    symbol: str = strawberry.field(description="What is priced.")
    bid: Decimal = strawberry.field(description="Price to sell at.")
    ask: Decimal = strawberry.field(description="Price to buy at.")
    at: datetime = strawberry.field(description="When it was shown.")
    recorded_at: datetime | None = strawberry.field(
        description="The time inside the recording, by which the price can be looked up there."
    )
    source: QuoteSource = strawberry.field(description="Where it comes from.")

    @classmethod
    def of(cls, quote: LiveQuote) -> Self:
        """A quote as callers see it."""
        return cls(
            symbol=quote.symbol,
            bid=quote.bid,
            ask=quote.ask,
            at=quote.at,
            recorded_at=quote.recorded_at,
            source=QuoteSource(quote.source.value),
        )


@dataclass(frozen=True, slots=True)
class _Watched:
    """An account whose state is followed."""

    id: UUID
    currency: str


_AccountIds = Annotated[
    list[strawberry.ID], strawberry.argument(description="The accounts, at most 100.")
]
_AccountId = Annotated[strawberry.ID, strawberry.argument(description="The account to trade on.")]
_Symbols = Annotated[list[str], strawberry.argument(description="Names of symbols, at most 50.")]
_Only = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Only this account; all that you may see when left out."),
]


@strawberry.type
class AccountSubscriptions:
    @subscription(
        "What happens to accounts, from the log: ordered, resumable by cursor, nothing lost.",
        needs="accounts:watch",
    )
    async def account_events(
        self, info: Info, account_id: _Only = None, after: AfterCursor = None
    ) -> AsyncGenerator[AccountFeed, None]:
        about = None
        if account_id is not None:
            about = decode_id_of("account", account_id)
            if about is None:
                raise Invalid("BAD_USER_INPUT", "Pass the id of an account.", path=("accountId",))
        feed = Feed("accountEvents", frozenset({TOPIC}), about=about, about_key="account_id")
        return follow(info.context, feed, after, AccountEvent.of)

    @subscription(
        "Balance and equity of accounts as they move, conflated: at most four times a "
        "second each, always the newest. Accounts that you may not see stay silent.",
        needs="states:watch",
    )
    async def account_states(
        self, info: Info, account_ids: _AccountIds
    ) -> AsyncGenerator[AccountState, None]:
        if not 1 <= len(account_ids) <= ACCOUNTS_MAX:
            message = f"Pass 1 to {ACCOUNTS_MAX} accounts."
            raise Invalid("BAD_USER_INPUT", message, path=("accountIds",))
        watched = await _watched(info, account_ids)
        return guard(info.context, "states:watch", _states(info, account_ids, watched))

    @subscription(
        "Prices as they move, conflated: at most four times a second each.",
        needs="quotes:read",
    )
    async def quotes(
        self, info: Info, account_id: _AccountId, symbols: _Symbols
    ) -> AsyncGenerator[Quote, None]:
        if not 1 <= len(symbols) <= SYMBOLS_MAX:
            message = f"Pass 1 to {SYMBOLS_MAX} symbols."
            raise Invalid("BAD_USER_INPUT", message, path=("symbols",))
        accounts = await _accounts(info, [account_id])
        keys = {quote_key(one.server_id, symbol) for one in accounts for symbol in symbols}
        return guard(info.context, "quotes:read", _quotes(info, keys))


async def _states(
    info: Info, ids: list[strawberry.ID], watched: dict[str, _Watched]
) -> AsyncGenerator[AccountState, None]:
    """States of the accounts, as long as they are in sight: looked up again every 5 seconds.

    A client may come to another member of staff, an account may leave an ib's line.
    """
    services: LiveServices = info.context.services
    now = asyncio.get_running_loop().time
    in_sight, due = watched, now() + LOOK_AGAIN_S
    async with aclosing(services.states.watch(watched.keys())) as telling:
        async for told in telling:
            if now() >= due:
                in_sight, due = await _watched(info, ids), now() + LOOK_AGAIN_S
            for key, value in told.items():
                if key in in_sight:
                    yield _shown(info, in_sight[key], read_state(value))


async def _quotes(info: Info, keys: set[str]) -> AsyncGenerator[Quote, None]:
    services: LiveServices = info.context.services
    async with aclosing(services.states.watch(keys)) as telling:
        async for told in telling:
            for value in told.values():
                yield Quote.of(read_quote(value))


async def _accounts(info: Info, ids: list[strawberry.ID]) -> list[Any]:
    """The accounts among these ids that the viewer may see; the snapshot is given back."""
    keys = [key for one in ids if (key := decode_id_of("account", one)) is not None]
    found = await info.context.reader.load("account", keys, _WANT)
    await info.context.refresh()
    return [record for record in found if record is not None]


async def _watched(info: Info, ids: list[strawberry.ID]) -> dict[str, _Watched]:
    return {
        state_key(one.server_id, one.login_number): _Watched(one.key, one.currency)
        for one in await _accounts(info, ids)
    }


def _shown(info: Info, account: _Watched, state: LiveState) -> Any:
    """A live state in the form of the stored one, so that one GraphQL type shows both."""
    record: Any = info.context.reading.registry["account_state"].record(account.id)
    for name in _MONEY:
        setattr(record, f"{name}_minor", round_to_minor(getattr(state, name), account.currency))
    record.currency = account.currency
    record.as_of, record.source = state.as_of, state.source.value
    return record
