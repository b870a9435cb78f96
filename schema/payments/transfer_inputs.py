"""Inputs of transfers and conversions, and how they become the wishes that commands judge."""

from typing import Any

import strawberry
from strawberry import UNSET

from domain.kernel.errors import Invalid
from domain.payments.transfers.values import EndWish, QuoteWish, TransferWish
from domain.payments.values import TransferEndKind
from schema.accounts.asking import KEY, key_of
from schema.shared.scalars import CurrencyCode, MoneyInput


def _field(description: str, **how: Any) -> Any:
    return strawberry.field(description=description, **how)


QUOTE = "conversion_quote"


@strawberry.input(description="Where money comes from: exactly one of these.", one_of=True)
class TransferFromInput:
    wallet_id: strawberry.ID | None = _field("A wallet.", default=UNSET)
    account_id: strawberry.ID | None = _field("A live trading account.", default=UNSET)

    def wish(self) -> EndWish:
        """What the command judges. Refusals: NOT_FOUND."""
        return _end("from", self.wallet_id, self.account_id)


@strawberry.input(description="Where money goes to: exactly one of these.", one_of=True)
class TransferToInput:
    wallet_id: strawberry.ID | None = _field("A wallet of the same client.", default=UNSET)
    account_id: strawberry.ID | None = _field(
        "A live trading account of the same client.", default=UNSET
    )
    currency_code: CurrencyCode | None = _field(
        "The client's wallet in this currency, opened when there is none.", default=UNSET
    )

    def wish(self) -> EndWish:
        """What the command judges. Refusals: NOT_FOUND."""
        if self.currency_code:
            return EndWish(TransferEndKind.WALLET, currency=self.currency_code)
        return _end("to", self.wallet_id, self.account_id)


@strawberry.input(description="Money to move between a client's wallets and trading accounts.")
class TransferCreateInput:
    idempotency_key: str = _field(KEY)
    source: TransferFromInput = _field("Where it comes from.", name="from")
    target: TransferToInput = _field("Where it goes to.", name="to")
    amount: MoneyInput = _field("How much leaves, in the currency of where it comes from.")
    quote_id: strawberry.ID | None = _field(
        "The quote to convert by, for another currency; made for the same amount.", default=None
    )

    def wish(self) -> TransferWish:
        """What the command judges. Refusals: NOT_FOUND, INVALID."""
        return TransferWish(
            source=self.source.wish(),
            target=self.target.wish(),
            amount=self.amount.to_amount("input", "amount"),
            quote_id=None if self.quote_id is None else key_of(QUOTE, self.quote_id, "quoteId"),
        )


@strawberry.input(description="A conversion to be priced.")
class ConversionQuoteCreateInput:
    idempotency_key: str = _field(KEY)
    from_wallet_id: strawberry.ID = _field("The wallet that money leaves.")
    to_currency: CurrencyCode = _field("The currency to convert to.")
    amount: MoneyInput = _field("How much leaves, in the currency of the wallet.")

    def wish(self) -> QuoteWish:
        """What the command judges. Refusals: NOT_FOUND, INVALID."""
        return QuoteWish(
            wallet_id=key_of("wallet", self.from_wallet_id, "fromWalletId"),
            to_currency=self.to_currency,
            amount=self.amount.to_amount("input", "amount"),
        )


def _end(named: str, wallet_id: strawberry.ID | None, account_id: strawberry.ID | None) -> EndWish:
    if wallet_id:
        return EndWish(TransferEndKind.WALLET, key_of("wallet", wallet_id, named))
    if account_id:
        return EndWish(TransferEndKind.ACCOUNT, key_of("account", account_id, named))
    raise Invalid("INVALID", "Name one end.", path=("input", named))
