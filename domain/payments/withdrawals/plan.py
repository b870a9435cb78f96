"""How an amount would leave a wallet. Used to show it, and to do it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.accounts.rules import decide_client_may_act
from domain.clients.standing import ClientStanding, find_standing
from domain.kernel.errors import DomainError, Invalid, NotFound, Refused
from domain.kernel.money import Money
from domain.payments.disputes.queries import has_open_dispute
from domain.payments.ledger.errors import InsufficientFunds
from domain.payments.ledger.queries import WalletRow, find_wallet
from domain.payments.values import DestinationStatus
from domain.payments.withdrawals.errors import (
    DestinationNotUsable,
    MethodUnavailable,
    WithdrawalsBlocked,
)
from domain.payments.withdrawals.queries import (
    AnyWork,
    find_destination,
    find_method,
    find_terms,
    instant,
    list_rules,
    list_sources,
    lock_destination,
    lock_sources,
)
from domain.payments.withdrawals.rules import charge, required_levels, split
from domain.payments.withdrawals.values import Payout, Plan, Source
from tenants.work import ReadWork, WriteWork


async def find_payer(work: AnyWork, wallet_id: UUID) -> tuple[WalletRow, ClientStanding]:
    """A wallet and whose it is. Refusals: NOT_FOUND, for foreign and hidden ones alike."""
    wallet = await find_wallet(work, wallet_id)
    standing = None if wallet is None else await find_standing(work, wallet.client_id)
    if wallet is None or standing is None:
        raise NotFound(path=("input", "walletId"))
    return wallet, standing


async def make_plan(
    work: AnyWork,
    payer: ClientStanding,
    amount: Money,
    destination_id: UUID | None,
    *,
    back_to_source: bool = True,
    judged_minor: int | None = None,
) -> Plan:
    """Parts, fee and approvals of a withdrawal; in a write its deposits and destination are kept.

    Without `back_to_source` all of it goes to the destination: a part that no deposit took back.
    `judged_minor` is the whole that approvals look at, when the amount is a part of it.
    Refusals: NOT_FOUND, INVALID, DESTINATION_REQUIRED, DESTINATION_COOLING_OFF,
    METHOD_UNAVAILABLE, AMOUNT_TOO_LOW, AMOUNT_TOO_HIGH, WITHDRAWALS_BLOCKED.
    """
    if amount.amount_minor <= 0:
        raise Invalid("INVALID", "Withdraw more than nothing.", path=("input", "amount"))
    at = work.now() if isinstance(work, WriteWork) else await instant(work)
    if await has_open_dispute(work, payer.id):
        raise WithdrawalsBlocked()
    payout = None
    if destination_id is not None:
        payout = await _payout(work, payer.id, destination_id, at=at)
    sources = await _sources(work, payer.id, amount.currency) if back_to_source else []
    parts = split(amount.amount_minor, sources, payout, at=at)
    terms = await find_terms(work, {part.method_id for part in parts}, amount.currency)
    rules = await list_rules(work, amount.currency, payer.risk)
    return Plan(
        parts=parts,
        fee_minor=charge(parts, terms, amount.currency),
        levels=required_levels(
            rules, amount.currency, judged_minor or amount.amount_minor, payer.risk
        ),
    )


def check_currency(wallet: WalletRow, amount: Money) -> None:
    """Refusals: CURRENCY_MISMATCH."""
    if wallet.currency != amount.currency:
        message = f"This wallet holds {wallet.currency}: convert first, or withdraw that."
        raise Invalid("CURRENCY_MISMATCH", message, path=("input", "amount"))


@dataclass(frozen=True, slots=True)
class Preview:
    """What a withdrawal would be, or why it would be refused."""

    plan: Plan | None
    refusal: DomainError | None = None


async def preview(
    work: ReadWork, wallet_id: UUID, amount: Money, destination_id: UUID | None
) -> Preview:
    """The plan of a withdrawal nobody asked for yet; nothing is kept or held.

    Refusals: NOT_FOUND for the wallet; all others are what the preview tells.
    """
    wallet, payer = await find_payer(work, wallet_id)
    try:
        decide_client_may_act(payer.status)
        check_currency(wallet, amount)
        plan = await make_plan(work, payer, amount, destination_id)
    except (Refused, Invalid, NotFound) as refusal:
        return Preview(None, refusal)
    needed = amount.amount_minor + plan.fee_minor
    is_there = needed <= wallet.available.amount_minor
    return Preview(plan, None if is_there else InsufficientFunds())


async def _sources(work: AnyWork, client_id: UUID, currency: str) -> list[Source]:
    if isinstance(work, WriteWork):
        await lock_sources(work, client_id, currency)
    return await list_sources(work, client_id, currency)


async def _payout(work: AnyWork, client_id: UUID, destination_id: UUID, *, at: datetime) -> Payout:
    named = ("input", "destinationId")
    if isinstance(work, WriteWork):
        row = await lock_destination(work, destination_id)
    else:
        row = await find_destination(work, destination_id)
    if row is None or row.client_id != client_id or row.status != DestinationStatus.ACTIVE:
        raise NotFound(path=named)
    if row.usable_from > at:
        raise DestinationNotUsable()
    method = await find_method(work, row.method_id)
    if method is None or not method.is_active:
        raise MethodUnavailable(*named)
    return Payout(row.id, method.id, method.connection_id, f"{method.name} {row.label}")
