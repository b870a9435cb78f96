"""Pure verdicts on what is sold: programs that make sense, prices with tax, refunds."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext

from domain.challenges.errors import NotRefundable, PriceChanged, ProgramChanged, ProgramClosed
from domain.challenges.lifecycle import OrderStatus, Price, ProgramPlan, ProgramStatus, PurchaseWish
from domain.challenges.rules import decide_rules
from domain.kernel.errors import Invalid
from domain.kernel.money import EXACT, Money, from_minor

PHASES_MAX = 5
NAME_MAX = 100
TAX_BPS_MAX = 10_000
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


def decide_program(plan: ProgramPlan) -> None:
    """Whether a program may be published. Refusals: INVALID."""
    if not _CODE.fullmatch(plan.code) or len(plan.code) > NAME_MAX:
        _refuse("code", "Small letters, digits and single hyphens, such as two-step-100k.")
    if not 1 <= len(plan.name.strip()) <= NAME_MAX:
        _refuse("name", f"A name has 1 to {NAME_MAX} characters.")
    if plan.balance.amount_minor <= 0:
        _refuse("balance", "An account begins with more than nothing.")
    if plan.price_minor <= 0:
        _refuse("price", "A price is more than nothing.")
    if plan.leverage < 1:
        _refuse("leverage", "Leverage is at least 1.")
    if not 1 <= len(plan.phases) <= PHASES_MAX:
        _refuse("phases", f"A program has 1 to {PHASES_MAX} phases.")
    for n, phase in enumerate(plan.phases):
        at = str(n)
        if not 1 <= len(phase.name.strip()) <= NAME_MAX:
            _refuse("phases", f"A phase's name has 1 to {NAME_MAX} characters.", at, "name")
        if phase.rules.profit_target is None:
            message = f"{phase.name}: without a profit target nobody passes it."
            _refuse("phases", message, at, "rules", "profitTarget")
        try:
            decide_rules(phase.rules, start_minor=plan.balance.amount_minor)
        except Invalid as refused:
            _refuse("phases", f"{phase.name.strip()}: {refused.message}", at, "rules")


def decide_tax(label: str, bps: int) -> None:
    """Whether a country's tax makes sense. Refusals: INVALID."""
    if not 0 <= bps <= TAX_BPS_MAX:
        _refuse("bps", "0 to 10,000 hundredths of a percent.")
    if not 1 <= len(label.strip()) <= NAME_MAX:
        _refuse("label", f"A label has 1 to {NAME_MAX} characters.")


def priced(net: Money, taxes: Mapping[str, tuple[str, int]], country: str) -> Price:
    """The whole price for a client of a country: tax on top, halves of the minor unit up."""
    label, bps = taxes.get(country, ("", 0))
    with localcontext(EXACT):
        exact = Decimal(net.amount_minor) * bps / 10_000
        tax = int(exact.to_integral_value(ROUND_HALF_UP))
    return Price(net, Money(tax, net.currency), bps, label)


def decide_purchase(wish: PurchaseWish, price: Price, *, status: ProgramStatus, sold: int) -> None:
    """Whether what the buyer has seen is what is sold now.

    Refusals: PROGRAM_CLOSED, PROGRAM_CHANGED, PRICE_CHANGED.
    """
    if status is not ProgramStatus.OPEN:
        raise ProgramClosed()
    if wish.program_version != sold:
        raise ProgramChanged(sold)
    if wish.total != price.total:
        total = price.total
        shown = f"{from_minor(total.amount_minor, total.currency):f} {total.currency}"
        raise PriceChanged(shown)


def decide_refund(status: OrderStatus, *, is_refused: bool, to_wallet: bool) -> None:
    """Whether an order may be given back: one that is paid, or that the PSP refused to give back.

    `is_refused`: the PSP said no, and is not asked at this moment. Into a wallet goes only what
    the PSP refused: everything else goes back to where it came from. Refusals: NOT_REFUNDABLE.
    """
    if status is OrderStatus.REFUNDING and not is_refused:
        raise NotRefundable("The payment provider is giving it back already.")
    if status not in (OrderStatus.PAID, OrderStatus.REFUNDING):
        raise NotRefundable()
    if to_wallet and status is OrderStatus.PAID:
        raise NotRefundable("Into a wallet goes only what the payment provider refused.")


def _refuse(field: str, message: str, *below: str) -> None:
    raise Invalid("INVALID", message, path=("input", field, *below))
