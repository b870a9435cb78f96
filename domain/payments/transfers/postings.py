"""What a transfer moves in the ledger, leg by leg. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from domain.kernel.money import Money
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Leg, Transfer

KIND = "TRANSFER"
CONVERSION = "CONVERSION"
Moves = tuple[tuple[AccountKey, Money], ...]


def clearing(server_id: UUID, currency: str) -> AccountKey:
    """Between wallets and the trading accounts of a platform server."""
    return AccountKey.of(LedgerAccountKind.PLATFORM_CLEARING, currency, server_id)


def moves(source: AccountKey, target: AccountKey, amount: Money, quote: Any = None) -> Moves:
    """From one account to the other; with a quote through our position in both currencies.

    The pool takes the whole of one currency and gives the whole of the other, the spread included.
    """
    if quote is None:
        return (source, -amount), (target, amount)
    got = Money(int(quote.to_minor), quote.to_currency)
    spread = Money(int(quote.spread_minor), quote.to_currency)
    made = [
        (source, -amount),
        (AccountKey.of(LedgerAccountKind.FX_POOL, amount.currency), amount),
        (AccountKey.of(LedgerAccountKind.FX_POOL, got.currency), -(got + spread)),
        (target, got),
    ]
    if spread.amount_minor:
        made.append((AccountKey.of(LedgerAccountKind.FX_REVENUE, got.currency), spread))
    return tuple(made)


def received_of(amount: Money, quote: Any) -> dict[str, Any]:
    """What arrives at the other end, as columns of the payment."""
    if quote is None:
        return {"received_minor": amount.amount_minor, "received_currency": amount.currency}
    return {"received_minor": int(quote.to_minor), "received_currency": quote.to_currency}


def keys_of(several: Iterable[Moves]) -> list[AccountKey]:
    """Every account that some movements need."""
    return [key for made in several for key, _ in made]


def legs(made: Moves, found: Mapping[AccountKey, UUID]) -> list[Leg]:
    """The legs of movements whose accounts are open."""
    return [Leg(found[key], amount) for key, amount in made]


def step_of(payment: Mapping[str, Any], step: str, **more: Any) -> Transfer:
    """A ledger transfer of one step of a payment, under the key that names it for ever."""
    key: UUID = payment["id"]
    is_conversion = payment["quote_id"] is not None
    return Transfer(
        f"transfer:{key.hex}:{step}",
        CONVERSION if is_conversion else KIND,
        client_id=payment["client_id"],
        meta={"payment_id": str(key)} | more.pop("meta", {}),
        **more,
    )
