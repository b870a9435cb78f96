"""Inputs of mutations on accounts, and how they become the wishes that commands judge."""

from decimal import Decimal
from typing import Any

import strawberry
from strawberry import UNSET

from domain.accounts import values
from domain.accounts.rules import OpenWish, OrderWish
from domain.accounts.trading import Passwords
from schema.accounts.asking import KEY
from schema.accounts.enums import AccountAccess, AccountKind, OrderType, Side
from schema.shared.scalars import CurrencyCode


def _field(description: str, **how: Any) -> Any:
    return strawberry.field(description=description, **how)


_EXPECTED = "Version you last read; refused when the account has changed since."
_STRONG = (
    "8 to 32 characters without spaces, among them a small letter, a capital letter and a digit."
)


def _level(description: str) -> Any:
    return _field(f"{description} Stays when left out; null takes it away.", default=UNSET)


def _given(asked: Any, *names: str) -> dict[str, Decimal | None]:
    """The levels that the caller wrote, null ones too."""
    return {name: level for name in names if (level := getattr(asked, name)) is not UNSET}


@strawberry.input(description="An account to open.")
class AccountOpenInput:
    idempotency_key: str = _field(KEY)
    client_id: strawberry.ID | None = _field(
        "Whose account; your own when you are the client and leave it out.", default=None
    )
    kind: AccountKind = _field("What it is for. Clients open DEMO and LIVE.")
    currency_code: CurrencyCode = _field("Currency of its money; cannot be changed later.")
    leverage: int | None = _field(
        "Leverage n of 1:n; the highest allowed when left out.", default=None
    )
    swap_free: bool = _field("Whether no swap is charged overnight.", default=False)
    initial_balance: Decimal | None = _field(
        "Demo money to begin with, 10,000 when left out; for DEMO only.", default=None
    )
    when_verified: bool = _field(
        "For LIVE: instead of refusing with `KYC_REQUIRED`, open it by itself as soon as the "
        "client has proven who it is. Another such request takes the place of the one before.",
        default=False,
    )

    def wish(self) -> OpenWish:
        """What the command judges."""
        return OpenWish(
            kind=values.AccountKind[self.kind.name],
            currency=self.currency_code,
            leverage=self.leverage,
            swap_free=self.swap_free,
            initial_balance=self.initial_balance,
            when_verified=self.when_verified,
        )


@strawberry.input(description="Another leverage for an account.")
class AccountLeverageChangeInput:
    idempotency_key: str = _field(KEY)
    account_id: strawberry.ID = _field("The account.")
    leverage: int = _field("Leverage n of 1:n.")
    expected_version: int | None = _field(_EXPECTED, default=None)


@strawberry.input(description="Another access for an account.")
class AccountAccessChangeInput:
    idempotency_key: str = _field(KEY)
    account_id: strawberry.ID = _field("The account.")
    access: AccountAccess = _field("What may be done from now on.")
    reason: str = _field("Why, 1 to 500 characters, for the audit trail.")
    expected_version: int | None = _field(_EXPECTED, default=None)


@strawberry.input(description="New passwords for an account.")
class AccountPasswordChangeInput:
    idempotency_key: str = _field(KEY)
    account_id: strawberry.ID = _field("The account.")
    main_password: str = _field(f"The password to trade with. {_STRONG}")
    investor_password: str = _field(f"Another one, to look only. {_STRONG}")

    def passwords(self) -> Passwords:
        """What the command judges."""
        return Passwords(main=self.main_password, investor=self.investor_password)


@strawberry.input(description="An order to place.")
class OrderPlaceInput:
    idempotency_key: str = _field(KEY)
    account_id: strawberry.ID = _field("The account to trade on.")
    symbol: str = _field("What to trade, see `symbols`.")
    type: OrderType = _field("How it is filled.", default=OrderType.MARKET)
    side: Side = _field("Buy or sell.")
    lots: Decimal = _field("Size in lots, within the symbol's limits.")
    price: Decimal | None = _field("Price, for LIMIT and STOP only.", default=None)
    stop_loss: Decimal | None = _field("Close by itself at this price or worse.", default=None)
    take_profit: Decimal | None = _field("Close by itself at this price or better.", default=None)

    def wish(self) -> OrderWish:
        """What the command judges."""
        return OrderWish(
            symbol=self.symbol,
            type=values.OrderType[self.type.name],
            side=values.Side[self.side.name],
            lots=self.lots,
            price=self.price,
            stop_loss=self.stop_loss,
            take_profit=self.take_profit,
        )


@strawberry.input(description="Another price or other levels for a pending order.")
class OrderModifyInput:
    idempotency_key: str = _field(KEY)
    order_id: strawberry.ID = _field("The order.")
    price: Decimal | None = _field("Its price; stays when left out.", default=UNSET)
    stop_loss: Decimal | None = _level("Close by itself at this price or worse.")
    take_profit: Decimal | None = _level("Close by itself at this price or better.")

    def changes(self) -> dict[str, Decimal | None]:
        """What the command judges."""
        return _given(self, "price", "stop_loss", "take_profit")


@strawberry.input(description="A pending order to cancel.")
class OrderCancelInput:
    idempotency_key: str = _field(KEY)
    order_id: strawberry.ID = _field("The order.")


@strawberry.input(description="Other levels for an open position.")
class PositionModifyInput:
    idempotency_key: str = _field(KEY)
    position_id: strawberry.ID = _field("The position.")
    stop_loss: Decimal | None = _level("Close by itself at this price or worse.")
    take_profit: Decimal | None = _level("Close by itself at this price or better.")

    def changes(self) -> dict[str, Decimal | None]:
        """What the command judges."""
        return _given(self, "stop_loss", "take_profit")


@strawberry.input(description="A position to close, or part of it.")
class PositionCloseInput:
    idempotency_key: str = _field(KEY)
    position_id: strawberry.ID = _field("The position.")
    lots: Decimal | None = _field("How much of it; all when left out.", default=None)
