"""`sandboxAdvance`: time, prices and payers of a sandbox brand, by hand."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Protocol

import strawberry
from strawberry import UNSET

from domain.kernel.errors import Invalid
from domain.payments.sandbox import (
    Levers,
    PayerDoes,
    Price,
    advance_clock,
    ask_for_price,
    ask_of_payer,
)
from schema.accounts.asking import SHARED, ask, key_of, replayed
from schema.shared.bind import Info
from schema.shared.errors import mutation, payload, result
from tenants.work import WriteWork

_SECONDS_MAX = 366 * 24 * 3600


class SandboxServices(Protocol):
    """The part of the process's services that moves what stands outside."""

    @property
    def levers(self) -> Levers: ...


@strawberry.enum(description="What the payer of a deposit does.")
class SandboxPayer(Enum):
    SETTLE = strawberry.enum_value("SETTLE", description="Pays, all of it.")
    DECLINE = strawberry.enum_value("DECLINE", description="Is declined.")


@strawberry.input(description="A price to be shown to everybody who trades on the simulator.")
class SandboxPriceInput:
    symbol: str = strawberry.field(description="The symbol, such as `EURUSD`.")
    bid: Decimal = strawberry.field(description="What it can be sold for.")
    ask: Decimal = strawberry.field(description="What it costs; not below the bid.")


@strawberry.input(description="What happens to a deposit at the sandbox PSP.")
class SandboxPaymentInput:
    payment_id: strawberry.ID = strawberry.field(description="A deposit that waits for its payer.")
    payer: SandboxPayer = strawberry.field(description="What the payer does.")


@strawberry.input(description="What to move: exactly one of these.", one_of=True)
class SandboxMoveInput:
    clock_seconds: int | None = strawberry.field(
        description="The brand's time, by so many seconds; backwards when negative. Credentials "
        "keep the real time, and what was decided or became payable stays so. Work of the "
        "background follows within its own real interval: what a hold kept is payable within "
        "seconds, a month's statements are there within a minute.",
        default=UNSET,
    )
    price: SandboxPriceInput | None = strawberry.field(
        description="A price, until the market's own next one. The installation has one market: "
        "every brand that trades on its simulator sees the price, and its orders and challenges "
        "follow it.",
        default=UNSET,
    )
    payment: SandboxPaymentInput | None = strawberry.field(
        description="A payment; its provider's notice tells the rest.", default=UNSET
    )


@strawberry.input(description="A move of a sandbox brand.")
class SandboxAdvanceInput:
    idempotency_key: str = strawberry.field(
        description="Your key for this request, 1 to 200 characters. Repeating it moves nothing."
    )
    move: SandboxMoveInput = strawberry.field(description="What to move.")


@payload(
    errors={
        **SHARED,
        "SANDBOX_ONLY": "The brand serves people, and lives in real time.",
        "SANDBOX_REFUSED": "The simulator or the sandbox PSP said no; `message` has its words.",
        "SANDBOX_AWAY": "The simulator or the sandbox PSP does not answer; try again with another "
        "key.",
        "NOT_AT_PSP": "The PSP does not know the payment yet; try again in a moment.",
    }
)
class SandboxAdvancePayload:
    now: datetime | None = result("The brand's time from now on.")
    replayed: bool = replayed()


Input = Annotated[SandboxAdvanceInput, strawberry.argument(description="What to move, and how.")]


@strawberry.type
class SandboxMutations:
    @mutation(
        "Move a sandbox brand by hand, to test a front end: its clock, a price, a payment.",
        needs="sandbox:advance",
    )
    async def sandbox_advance(self, info: Info, input: Input) -> SandboxAdvancePayload:
        move, levers = input.move, _levers(info)
        if move.payment:
            does = PayerDoes[move.payment.payer.name]
            key = key_of("payment", move.payment.payment_id, "move", "payment", "paymentId")
            done = await ask(info, input, lambda work: ask_of_payer(work, key, does))
            if not done.replayed:
                await levers.let_payer(done.value["ext_id"], does)
        elif move.price:
            price = Price(move.price.symbol, move.price.bid, move.price.ask)
            done = await ask(info, input, lambda work: ask_for_price(work, price))
            if not done.replayed:
                await levers.show_price(price.symbol, bid=price.bid, ask=price.ask)
        else:
            by = _seconds(move.clock_seconds)
            done = await ask(info, input, lambda work: advance_clock(work, by))
        return SandboxAdvancePayload(now=await _now(info), replayed=done.replayed)


def _seconds(given: Any) -> timedelta:
    if not isinstance(given, int) or abs(given) > _SECONDS_MAX:
        message = f"Move by at most {_SECONDS_MAX:,} seconds."
        raise Invalid("INVALID", message, path=("input", "move", "clockSeconds"))
    return timedelta(seconds=given)


def _levers(info: Info) -> Levers:
    services: SandboxServices = info.context.services
    return services.levers


async def _now(info: Info) -> datetime:
    async def look(work: WriteWork) -> datetime:
        return work.now()

    found: datetime = (await info.context.write(look)).value
    return found
