"""Move a sandbox brand by hand: its clock, its platform's price, what a payer does.

What stands outside (the simulator, the sandbox PSP) is moved by `Levers`, after the work that
asked for it is committed.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.kernel.errors import Invalid, NotFound, Refused
from domain.payments.queries import lock_payment
from domain.payments.values import PaymentKind
from tenants.log import Change
from tenants.sandbox_clock import is_sandbox, put_clock
from tenants.work import WriteWork

CLOCK_MAX = timedelta(days=366)
_MOVE = ("input", "move")
PRICE = (*_MOVE, "price")
PAYER = (*_MOVE, "payment")
_PAYMENT = (*PAYER, "paymentId")


class PayerDoes(StrEnum):
    """What the payer of a deposit does at the sandbox PSP."""

    SETTLE = "SETTLE"
    DECLINE = "DECLINE"


class Levers(Protocol):
    """The controls of what stands outside.

    Refusals: SANDBOX_REFUSED with its words, SANDBOX_AWAY when nothing answers.
    """

    async def show_price(self, symbol: str, *, bid: Decimal, ask: Decimal) -> None:
        """Show a price on the simulator, to everybody who trades there."""

    async def let_payer(self, ext_id: str, does: PayerDoes) -> None:
        """Let a payer pay or decline."""


@dataclass(frozen=True, slots=True)
class Price:
    """A price to be shown; the market goes on from its own at the next tick."""

    symbol: str
    bid: Decimal
    ask: Decimal


async def advance_clock(work: WriteWork, by: timedelta) -> dict[str, str]:
    """Move the brand's time, backwards too.

    Refusals: SANDBOX_ONLY; INVALID beyond a year from the real time. Effects: audit.
    """
    await _require_sandbox(work)
    offset = work.now() - work.database_now() + by
    if abs(offset) > CLOCK_MAX:
        message = f"A sandbox stays within {CLOCK_MAX.days} days of the real time."
        raise Invalid("INVALID", message, path=(*_MOVE, "clockSeconds"))
    await put_clock(work, offset)
    seconds = str(int(offset.total_seconds()))
    work.audit(Change("sandbox.clock", object_kind="brand", after={"offset_seconds": seconds}))
    return {}


async def ask_for_price(work: WriteWork, price: Price) -> dict[str, str]:
    """Say that a price is to be shown. Refusals: SANDBOX_ONLY, INVALID. Effects: audit."""
    await _require_sandbox(work)
    if price.bid <= 0:
        raise Invalid("INVALID", "A bid is above zero.", path=(*PRICE, "bid"))
    if price.ask < price.bid:
        raise Invalid("INVALID", "An ask is not below its bid.", path=(*PRICE, "ask"))
    shown = {"symbol": price.symbol, "bid": str(price.bid), "ask": str(price.ask)}
    work.audit(Change("sandbox.price", object_kind="brand", after=shown))
    return {}


async def ask_of_payer(work: WriteWork, payment_id: UUID, does: PayerDoes) -> dict[str, str]:
    """Say what the payer of a deposit is to do; the deposit's name at its PSP as `ext_id`.

    Refusals: SANDBOX_ONLY, NOT_FOUND, NOT_AT_PSP before its PSP knows it. Effects: audit.
    """
    await _require_sandbox(work)
    row = await lock_payment(work, payment_id)
    if row is None or row["kind"] != PaymentKind.DEPOSIT:
        raise NotFound(path=_PAYMENT)
    if row["ext_id"] is None:
        message = "Its PSP does not know it yet; try again in a moment."
        raise Refused("NOT_AT_PSP", message, path=_PAYMENT)
    after = {"payer": does}
    work.audit(Change("sandbox.payer", object_kind="payment", object_id=payment_id, after=after))
    return {"ext_id": row["ext_id"]}


async def _require_sandbox(work: WriteWork) -> None:
    if not await is_sandbox(work):
        raise Refused("SANDBOX_ONLY", "Only a sandbox brand can be moved by hand.")
