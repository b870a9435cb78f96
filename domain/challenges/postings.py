"""What a sale is in the books: revenue and tax, from where the money was, and back."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.kernel.money import Money
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.values import AccountKey, LedgerAccountKind, Leg, Transfer
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class Sale:
    """An order's money."""

    order_id: UUID
    client_id: UUID
    net: Money
    tax: Money

    @property
    def prepaid(self) -> AccountKey:
        """Where money that a PSP has received for an order is."""
        return AccountKey.of(LedgerAccountKind.PURCHASE_PREPAID, self.net.currency)


def sale(order: Any) -> Sale:
    """The money of an order's row."""
    net, tax = (Money(int(one), order.currency) for one in (order.net_minor, order.tax_minor))
    return Sale(order.id, order.client_id, net, tax)


async def sold_from(work: WriteWork, one: Sale, source: AccountKey) -> Transfer:
    """The order takes what was paid: revenue, and the tax that is owed to a state."""
    return await _moved(work, one, source, "paid", 1)


async def given_back_to(work: WriteWork, one: Sale, target: AccountKey) -> Transfer:
    """The order gives back what it took."""
    return await _moved(work, one, target, "reversed", -1)


async def given_to_wallet(work: WriteWork, one: Sale) -> Transfer:
    """What the order gave back, and no PSP takes, is the client's."""
    wallet, total = AccountKey.wallet(one.client_id, one.net.currency), one.net + one.tax
    ids = await ledger_accounts(work, [one.prepaid, wallet])
    return Transfer(
        f"purchase:{one.order_id.hex}:wallet",
        "PURCHASE_TO_WALLET",
        [Leg(ids[one.prepaid], -total), Leg(ids[wallet], total)],
        client_id=one.client_id,
        meta={"purchase_id": str(one.order_id)},
    )


async def _moved(work: WriteWork, one: Sale, outside: AccountKey, what: str, sign: int) -> Transfer:
    currency = one.net.currency
    revenue = AccountKey.of(LedgerAccountKind.PROP_FEE_REVENUE, currency)
    tax = AccountKey.of(LedgerAccountKind.TAX_PAYABLE, currency)
    moved = [(outside, -(one.net + one.tax).amount_minor), (revenue, one.net.amount_minor)]
    if one.tax.amount_minor:
        moved.append((tax, one.tax.amount_minor))
    ids = await ledger_accounts(work, [key for key, _ in moved])
    is_wallet = outside.kind is LedgerAccountKind.CLIENT_WALLET
    return Transfer(
        f"purchase:{one.order_id.hex}:{what}",
        f"PURCHASE_{what.upper()}",
        [Leg(ids[key], Money(sign * amount, currency)) for key, amount in moved],
        client_id=one.client_id if is_wallet else None,
        meta={"purchase_id": str(one.order_id)},
    )
