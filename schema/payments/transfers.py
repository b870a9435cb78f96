"""Transfers, conversions and the daily proof: permission and shape here, the rest below."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain.kernel.errors import DomainError
from domain.kernel.ids import encode_id
from domain.kernel.money import Money as Amount
from domain.payments.transfers.commands.create_transfer import create_transfer
from domain.payments.transfers.commands.make_quote import make_quote
from domain.payments.transfers.prices import ask_price, find_route
from domain.payments.transfers.queries import find_quotes, list_proofs
from domain.payments.transfers.values import Price, QuoteWish
from domain.payments.transfers.waiting import ended
from schema.accounts.asking import CLIENT, NOT_ACTIVE, SHARED, ask, key_for, replayed
from schema.accounts.prices import PlatformServices
from schema.accounts.types import Account
from schema.payments.transfer_inputs import (
    QUOTE,
    ConversionQuoteCreateInput,
    TransferCreateInput,
)
from schema.payments.types import Transfer
from schema.shared.bind import Info, fetch, fetch_below, field
from schema.shared.errors import mutation, payload, result
from schema.shared.permission import public
from schema.shared.scalars import Money
from tenants.repeat import find_answer
from tenants.work import Done, WriteWork

PROOFS_MAX = 500
_MISMATCH = {"CURRENCY_MISMATCH": "The amount or the other end is in another currency."}


@strawberry.type(
    description="The price of a conversion, good for one transfer until it expires.",
    directives=public(),
)
class ConversionQuote:
    id: strawberry.ID = strawberry.field(description="Pass it as `quoteId`.")
    amount: Money = strawberry.field(description="What leaves.")
    received: Money = strawberry.field(description="What arrives.")
    spread: Money = strawberry.field(description="What the conversion costs, included in `rate`.")
    mid: Decimal = strawberry.field(description="The market's price between bid and ask.")
    rate: Decimal = strawberry.field(description="The client's price.")
    spread_bps: int = strawberry.field(description="The spread in hundredths of a percent.")
    priced_at: datetime = strawberry.field(description="When the market's price was shown.")
    expires_at: datetime = strawberry.field(description="It can't be used from then on.")


@strawberry.type(
    description="Whether the ledger has what a platform has, for an account and a day.",
    directives=public(),
)
class BalanceProof:
    day: date = strawberry.field(description="The day, in UTC.")
    ledger: Money = strawberry.field(description="What the ledger says that we owe on it.")
    platform: Money = strawberry.field(description="The balance that the platform says.")
    is_equal: bool = strawberry.field(description="Whether both are the same: proven.")
    attempts: int = strawberry.field(
        description="How often it was looked at; a difference that lasts is a discrepancy."
    )
    proved_at: datetime = strawberry.field(description="When it was last looked at.")
    subject: strawberry.Private[UUID]

    @field("The account; null when you may not see it.", needs="accounts:read")
    async def account(self, info: Info) -> Account | None:
        found: Account | None = await fetch(info, "account", self.subject)
        return found


@payload(
    errors={
        **SHARED,
        **CLIENT,
        **NOT_ACTIVE,
        **_MISMATCH,
        "ACCOUNT_NOT_LIVE": "Only live accounts hold client money.",
        "ACCOUNT_LOCKED": "The account is locked.",
        "INSUFFICIENT_FUNDS": "There is not that much available.",
        "QUOTE_REQUIRED": "Both ends differ in currency: get a quote first.",
        "QUOTE_MISMATCH": "The quote is for another conversion.",
        "QUOTE_USED": "The quote was used.",
        "QUOTE_EXPIRED": "The quote has expired.",
    }
)
class TransferCreatePayload:
    transfer: Transfer | None = result(
        "The transfer as it is now: DONE, FAILED with a reason, or still SENDING."
    )
    replayed: bool = replayed()


@payload(
    errors={
        **SHARED,
        **CLIENT,
        **_MISMATCH,
        "AMOUNT_TOO_LOW": "It comes to nothing in the other currency; see `message`.",
        "AMOUNT_TOO_HIGH": "It comes to more than an amount can be.",
        "CURRENCY_UNAVAILABLE": "The brand keeps no wallets in that currency.",
        "PRICE_UNAVAILABLE": "Nobody prices that. If only at present, see `message`, nothing is "
        "stored: ask again with the same key.",
        "PRICE_STALE": "The market has shown no new price for a while. Nothing is stored: ask "
        "again with the same key.",
    }
)
class ConversionQuoteCreatePayload:
    quote: ConversionQuote | None = result("The quote.")
    replayed: bool = replayed()


_Create = Annotated[TransferCreateInput, strawberry.argument(description="What to move.")]
_Quote = Annotated[ConversionQuoteCreateInput, strawberry.argument(description="What to convert.")]
_Day = Annotated[date, strawberry.argument(description="The day, in UTC.")]
_Differing = Annotated[bool, strawberry.argument(description="Only those where both sides differ.")]


@strawberry.type
class TransferMutations:
    @mutation(
        "Move a client's money between wallets and trading accounts, or convert it by a quote.",
        needs="transfers:create",
    )
    async def transfer_create(self, info: Info, input: _Create) -> TransferCreatePayload:
        wish = input.wish()
        done = await ask(
            info, input, lambda work: create_transfer(work, wish), hidden=_exactly(wish.amount)
        )
        key = UUID(done.value["payment"])
        await ended(info.context.database, info.context.scope, key)
        transfer = await fetch_below(info, "transfer", "payment", key)
        return TransferCreatePayload(transfer=transfer, replayed=done.replayed)

    @mutation(
        "Price a conversion. The quote holds for some seconds and for one transfer.",
        needs="transfers:create",
    )
    async def conversion_quote_create(
        self, info: Info, input: _Quote
    ) -> ConversionQuoteCreatePayload:
        wish = input.wish()
        repeat = key_for(info, input, _exactly(wish.amount))
        context = info.context
        earlier = await find_answer(context.work, context.scope, repeat)
        if earlier is None:
            price = await _price(info, wish)
            done = await context.write(lambda work: _quoted(work, wish, price), repeat=repeat)
        else:
            done = Done(earlier.told(), replayed=True)
        key = UUID(done.value["quote"])
        row = (await find_quotes(info.context.work, [key]))[key]
        return ConversionQuoteCreatePayload(quote=_shown(row), replayed=done.replayed)


@strawberry.type
class TransferQueries:
    @field(
        "The proofs of a day that the ledger has what platforms have, those that differ first, at "
        "most 500.",
        needs="reconciliation:read",
        cost=50,
    )
    async def balance_proofs(
        self, info: Info, day: _Day, only_differing: _Differing = False
    ) -> list[BalanceProof]:
        rows = await list_proofs(
            info.context.work, day, only_differing=only_differing, limit=PROOFS_MAX
        )
        return [_proof(row) for row in rows]


def _exactly(amount: Amount) -> dict[str, str]:
    """An amount in one spelling, for the fingerprint: 5 and 5.00 are the same input."""
    return {"amount": f"{amount.amount_minor} {amount.currency}"}


async def _price(info: Info, wish: QuoteWish) -> Price | DomainError:
    """The price of now, or why there can be none, which is an answer to be stored.

    The snapshot is given back first, since nothing is held while another machine is asked.
    Refusals: those of `find_route` and `ask_price` that are of the moment and not stored.
    """
    context = info.context
    services: PlatformServices = context.services
    try:
        server, route = await find_route(context.work, wish)
        await context.refresh()
        return await ask_price(services.platforms.connect(server), route)
    except DomainError as refusal:
        if refusal.retryable:
            raise
        return refusal


async def _quoted(work: WriteWork, wish: QuoteWish, price: Price | DomainError) -> dict[str, str]:
    """The quote at that price. Refusals: why there is no price, and those of `make_quote`."""
    if isinstance(price, DomainError):
        raise price
    return await make_quote(work, wish, price)


def _shown(row: Any) -> ConversionQuote:
    return ConversionQuote(
        id=strawberry.ID(encode_id(QUOTE, row.id)),
        amount=Money.of(int(row.from_minor), row.from_currency),
        received=Money.of(int(row.to_minor), row.to_currency),
        spread=Money.of(int(row.spread_minor), row.to_currency),
        mid=row.mid,
        rate=row.rate,
        spread_bps=row.spread_bps,
        priced_at=row.priced_at,
        expires_at=row.expires_at,
    )


def _proof(row: Any) -> BalanceProof:
    return BalanceProof(
        day=row.day,
        ledger=Money.of(int(row.ledger_minor), row.currency),
        platform=Money.of(int(row.platform_minor), row.currency),
        is_equal=row.ledger_minor == row.platform_minor,
        attempts=row.attempts,
        proved_at=row.proved_at,
        subject=row.account_id,
    )
