"""Bring a leg to its PSP, or ask what became of it. Never inside a work.

The leg's id is the PSP's idempotency key and our reference there, so that a repeated call, a crash
or a zombie worker pays once. No answer is no failure: the leg is UNKNOWN and its hold stays.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.kernel.money import Money
from domain.payments.notices import Psps
from domain.payments.ports import OutcomeUnknown, Psp, PspRefused
from domain.payments.psp_values import (
    PayoutRequest,
    PayoutTo,
    PspPayout,
    PspPayoutStatus,
    PspRefund,
    PspRefundStatus,
)
from domain.payments.queries import get_connection
from domain.payments.values import LegKind, LegStatus, MethodKind
from domain.payments.withdrawals.commands.create_destination import place_of
from domain.payments.withdrawals.commands.record_leg import LegNews, record_leg
from domain.payments.withdrawals.queries import find_leg, find_leg_by_reference
from tenants.context import system_scope
from tenants.secrets import Vault
from tenants.work import Database

_REFUND = {
    PspRefundStatus.PENDING: LegStatus.SENT,
    PspRefundStatus.SUCCEEDED: LegStatus.PAID,
    PspRefundStatus.FAILED: LegStatus.FAILED,
}
_PAYOUT = {
    PspPayoutStatus.PENDING: LegStatus.SENT,
    PspPayoutStatus.PAID: LegStatus.PAID,
    PspPayoutStatus.FAILED: LegStatus.FAILED,
    PspPayoutStatus.RETURNED: LegStatus.RETURNED,
}
# Refusals that say that something was sent before, and not what became of it.
_NO_VERDICT = frozenset({"IDEMPOTENCY_ERROR", "DUPLICATE_REFERENCE"})
_UNSENT = (LegStatus.SENDING, LegStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Sending:
    """What calls need: where legs are kept, how PSPs are reached, what opens account numbers."""

    database: Database
    psps: Psps
    vault: Vault


async def carry_leg(
    sending: Sending, brand_id: UUID, leg_id: UUID, *, is_fresh: bool = False
) -> bool:
    """Send a leg that is to be sent, ask about one that was; whether anything was new.

    `is_fresh`: it has certainly not been sent, so that nothing is searched first. Raises
    PspUnavailable or OutcomeUnknown when it must be tried again later, SecretUnreadable under
    another master key: without the account number nobody can say anything.
    """
    scope = system_scope(brand_id, request_id=f"leg:{leg_id.hex}")
    async with sending.database.read(scope) as work:
        leg = await find_leg(work, leg_id)
        if leg is None:
            return False
        psp = sending.psps(await get_connection(work, leg.connection_id))
    news: LegNews | None
    try:
        if leg.status in _UNSENT:
            news = await _send(sending.vault, psp, leg, sent_before=not is_fresh)
        else:
            news = await _ask(psp, leg)
    except PspRefused as refused:
        if refused.code in _NO_VERDICT:
            await _note_unknown(sending, brand_id, leg_id)
            raise OutcomeUnknown(leg_id.hex) from refused
        news = LegNews(LegStatus.FAILED, reason_code=refused.code)
    except OutcomeUnknown:
        await _note_unknown(sending, brand_id, leg_id)
        raise
    if news is None:
        return False
    told = news
    return (await sending.database.write(scope, lambda work: record_leg(work, leg_id, told))).value


async def _note_unknown(sending: Sending, brand_id: UUID, leg_id: UUID) -> None:
    unknown = LegNews(LegStatus.UNKNOWN)
    await sending.database.write(
        system_scope(brand_id), lambda work: record_leg(work, leg_id, unknown)
    )


async def pull_leg(sending: Sending, brand_id: UUID, reference: str) -> bool | None:
    """Ask the PSP about the leg behind a reference of ours; None when it is none of ours."""
    async with sending.database.read(system_scope(brand_id)) as work:
        leg_id = await find_leg_by_reference(work, reference)
    return None if leg_id is None else await carry_leg(sending, brand_id, leg_id)


async def _send(vault: Vault, psp: Psp, leg: Any, *, sent_before: bool) -> LegNews:
    reference = leg.id.hex
    amount = Money(int(leg.amount_minor), leg.currency)
    if leg.kind == LegKind.REFUND:
        refund = await psp.create_refund(
            leg.deposit_ext_id,
            amount=amount,
            reference=reference,
            key=reference,
            sent_before=sent_before,
        )
        return _of_refund(refund)
    account = vault.open(place_of(leg.brand_id, leg.destination_id), leg.account_cipher).decode()
    to = PayoutTo(MethodKind(leg.method_kind), account, leg.holder_name)
    payout = await psp.create_payout(
        PayoutRequest(reference, amount, to), key=reference, sent_before=sent_before
    )
    return _of_payout(payout)


async def _ask(psp: Psp, leg: Any) -> LegNews | None:
    """What the PSP says now; None when it knows nothing, which is no verdict."""
    reference = leg.id.hex
    if leg.kind == LegKind.REFUND:
        refund = await psp.find_refund_by_reference(reference)
        return None if refund is None else _of_refund(refund)
    payout = await psp.find_payout_by_reference(reference)
    return None if payout is None else _of_payout(payout)


def _of_refund(one: PspRefund) -> LegNews:
    return LegNews(_REFUND[one.status], one.id, one.version, one.amount, one.failure_code)


def _of_payout(one: PspPayout) -> LegNews:
    return LegNews(_PAYOUT[one.status], one.id, one.version, one.amount, one.failure_code)
