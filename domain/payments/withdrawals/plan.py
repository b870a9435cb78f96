"""How an amount would leave a wallet. Used to show it, and to do it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.accounts.rules import decide_client_may_act
from domain.clients.standing import ClientStanding, find_standing, lock_client
from domain.compliance.identity.queries import find_tier
from domain.compliance.identity.rules import decide_withdrawal
from domain.kernel.errors import DomainError, Invalid, NotFound, Refused
from domain.kernel.money import Money
from domain.payments.approvals.judging import judge
from domain.payments.approvals.queries import find_makers
from domain.payments.approvals.values import Asked
from domain.payments.disputes.queries import has_open_dispute
from domain.payments.holding import require_free
from domain.payments.ledger.errors import InsufficientFunds
from domain.payments.ledger.queries import WalletRow, find_wallet
from domain.payments.values import DestinationStatus, LegKind
from domain.payments.withdrawals.errors import (
    DestinationNotUsable,
    MethodUnavailable,
    ReturnToSource,
    WithdrawalsBlocked,
)
from domain.payments.withdrawals.queries import (
    AnyWork,
    find_destination,
    find_method,
    find_terms,
    instant,
    list_least,
    list_sources,
    lock_sources,
)
from domain.payments.withdrawals.rules import charge, owed_elsewhere, split
from domain.payments.withdrawals.values import Before, Part, Payout, Plan, Source
from tenants.work import ReadWork, WriteWork

_NAMED = ("input", "walletId")


async def find_payer(
    work: AnyWork, wallet_id: UUID, *, path: tuple[str, ...] = _NAMED
) -> tuple[WalletRow, ClientStanding]:
    """A wallet and whose it is; a work that writes locks the client before it looks.

    Refusals: NOT_FOUND, for foreign and hidden ones alike.
    """
    wallet = await find_wallet(work, wallet_id)
    if wallet is not None and isinstance(work, WriteWork):
        await lock_client(work, wallet.client_id)
        wallet = await find_wallet(work, wallet_id)
    standing = None if wallet is None else await find_standing(work, wallet.client_id)
    if wallet is None or standing is None:
        raise NotFound(path=path)
    return wallet, standing


async def make_plan(
    work: AnyWork,
    payer: ClientStanding,
    amount: Money,
    destination_id: UUID | None,
    *,
    before: Before | None = None,
) -> Plan:
    """Parts, fee and approvals of a withdrawal; in a write its deposits and destination are kept.

    `before` is the withdrawal whose open parts are planned anew, of which the amount is a part.
    Refusals: NOT_FOUND, INVALID, DESTINATION_REQUIRED, DESTINATION_COOLING_OFF,
    METHOD_UNAVAILABLE, AMOUNT_TOO_LOW, AMOUNT_TOO_HIGH, WITHDRAWALS_BLOCKED, CLIENT_RESTRICTED,
    RETURN_TO_SOURCE.
    """
    if amount.amount_minor <= 0:
        raise Invalid("INVALID", "Withdraw more than nothing.", path=("input", "amount"))
    at = work.now() if isinstance(work, WriteWork) else await instant(work)
    if await has_open_dispute(work, payer.id):
        raise WithdrawalsBlocked()
    await require_free(work, payer.id)
    payout = None
    if destination_id is not None:
        payout = await _payout(work, payer.id, destination_id, at=at)
    was_sent = before is not None and before.was_sent
    sources = [] if was_sent else await _sources(work, payer.id, amount.currency)
    own = [one for one in sources if one.currency == amount.currency]
    parts = split(amount.amount_minor, own, payout, at=at)
    terms = await find_terms(work, {part.method_id for part in parts}, amount.currency)
    fee_minor = charge(parts, terms, amount.currency)
    others = [one for one in sources if one.currency != amount.currency]
    asked = Asked(
        amount=amount if before is None else Money(before.amount_minor, amount.currency),
        makers=await _makers(work, parts, payout, before),
        at=at,
        leaves_source=await _leaves_source(work, payer, parts, others, at=at),
        payment_id=None if before is None else before.payment_id,
    )
    levels = await judge(work, payer, asked)
    return Plan(parts, fee_minor, levels, asked.makers)


async def _makers(
    work: AnyWork, parts: Sequence[Part], payout: Payout | None, before: Before | None
) -> frozenset[UUID]:
    """Who asked, now and before, and who wrote the payee of a part."""
    makers = await find_makers(work)
    if before is not None:
        makers |= before.makers
    if payout is not None and any(part.kind is LegKind.PAYOUT for part in parts):
        makers |= payout.makers
    return makers


async def _leaves_source(
    work: AnyWork,
    payer: ClientStanding,
    parts: Sequence[Part],
    others: Sequence[Source],
    *,
    at: datetime,
) -> bool:
    """Whether a part is paid out while deposits in other currencies could still be given back.

    The client is refused, staff may ask for it with a reason of their own, and compliance looks.
    Refusals: RETURN_TO_SOURCE.
    """
    if not others or all(part.kind is not LegKind.PAYOUT for part in parts):
        return False
    least = await list_least(work, {one.method_id for one in others})
    owed = owed_elsewhere(others, least, at=at)
    if owed and work.scope.client_id is not None:
        raise ReturnToSource(owed[0])
    return bool(owed)


def check_amount(wallet: WalletRow, amount: Money) -> None:
    """What the wallet alone says, before it matters which way the money goes.

    Refusals: CURRENCY_MISMATCH, INSUFFICIENT_FUNDS.
    """
    if wallet.currency != amount.currency:
        message = f"This wallet holds {wallet.currency}: convert first, or withdraw that."
        raise Invalid("CURRENCY_MISMATCH", message, path=("input", "amount"))
    if amount.amount_minor > wallet.available.amount_minor:
        raise InsufficientFunds("input", "amount")


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
    wallet, payer = await find_payer(work, wallet_id, path=("walletId",))
    try:
        decide_client_may_act(payer.status)
        decide_withdrawal(await find_tier(work, payer))
        check_amount(wallet, amount)
        plan = await make_plan(work, payer, amount, destination_id)
    except (Refused, Invalid, NotFound) as refusal:
        return Preview(None, refusal)
    needed = amount.amount_minor + plan.fee_minor
    is_there = needed <= wallet.available.amount_minor
    return Preview(plan, None if is_there else InsufficientFunds())


async def _sources(work: AnyWork, client_id: UUID, currency: str) -> list[Source]:
    if isinstance(work, WriteWork):
        await lock_sources(work, client_id, currency)
    return await list_sources(work, client_id)


async def _payout(work: AnyWork, client_id: UUID, destination_id: UUID, *, at: datetime) -> Payout:
    named = ("input", "destinationId")
    row = await find_destination(work, destination_id)
    if row is None or row.client_id != client_id or row.status != DestinationStatus.ACTIVE:
        raise NotFound(path=named)
    if row.usable_from > at:
        raise DestinationNotUsable()
    method = await find_method(work, row.method_id)
    if method is None or not method.is_active:
        raise MethodUnavailable(*named)
    label = f"{method.name} {row.label}"
    return Payout(row.id, method.id, method.connection_id, label, frozenset(row.maker_ids))
