"""Bring a leg to its PSP, or ask what became of it. Never inside a work.

The leg's id is the PSP's idempotency key and our reference there, so that a repeated call, a crash
or a zombie worker pays once. No answer is no failure: the leg is UNKNOWN and its hold stays.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.compliance.screening.queries import is_held
from domain.kernel.money import Money
from domain.payments.disputes.queries import has_open_dispute
from domain.payments.holding import CLIENT_RESTRICTED
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
from domain.payments.values import LegKind, LegStatus, MethodKind, PaymentStatus
from domain.payments.withdrawals.commands.create_destination import place_of
from domain.payments.withdrawals.commands.record_leg import LegNews, record_leg
from domain.payments.withdrawals.commands.take_silent_legs import tell_unknown
from domain.payments.withdrawals.queries import (
    find_leg,
    find_leg_by_reference,
    instant,
)
from domain.payments.withdrawals.rules import DOUBT_LASTS
from tenants.context import system_scope
from tenants.secrets import Vault
from tenants.work import Database, ReadWork

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
DISPUTED = "DISPUTED"
_IN_DISPUTE = (PaymentStatus.DISPUTED, PaymentStatus.CHARGED_BACK)


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

    `is_fresh`: it has certainly not been sent, so that nothing is searched first. While a deposit
    of the client is disputed, or its money is held, one that may have been sent is only searched.
    What its PSP does not know a day later never got there, and fails. Raises PspUnavailable or
    OutcomeUnknown when it must be tried again later, SecretUnreadable under another master key:
    without the account number nobody can say anything.
    """
    scope = system_scope(brand_id, request_id=f"leg:{leg_id.hex}")
    async with sending.database.read(scope) as work:
        case = await _case(work, sending, leg_id, is_fresh=is_fresh)
    if case is None:
        return False
    try:
        news = await _carry(sending.vault, case)
    except OutcomeUnknown:
        unknown = LegNews(LegStatus.UNKNOWN)
        await sending.database.write(scope, lambda work: record_leg(work, leg_id, unknown))
        raise
    if news is None:
        if case.leg.status == LegStatus.SENT:
            await sending.database.write(scope, lambda work: tell_unknown(work, case.leg))
        return False
    return (await sending.database.write(scope, lambda work: record_leg(work, leg_id, news))).value


@dataclass(frozen=True, slots=True)
class _Case:
    """A leg and its PSP. `may_send`: the leg is not with the PSP as far as we know, and nothing
    keeps it here; `is_old`: a PSP that got it would know it by now, and that it failed is due to
    `kept_by`."""

    leg: Any
    psp: Psp
    is_fresh: bool
    may_send: bool
    is_old: bool
    kept_by: str


async def _case(work: ReadWork, sending: Sending, leg_id: UUID, *, is_fresh: bool) -> _Case | None:
    leg = await find_leg(work, leg_id)
    if leg is None or leg.status == LegStatus.HELD:
        return None
    psp = sending.psps(await get_connection(work, leg.connection_id))
    kept_by = None
    if leg.deposit_status in _IN_DISPUTE or await has_open_dispute(work, leg.client_id):
        kept_by = DISPUTED
    elif await is_held(work, leg.client_id):
        kept_by = CLIENT_RESTRICTED
    may_send = leg.status in _UNSENT and kept_by is None
    age = await instant(work) - (leg.sending_at or leg.updated_at)
    return _Case(leg, psp, is_fresh, may_send, age > DOUBT_LASTS, kept_by or DISPUTED)


async def _carry(vault: Vault, case: _Case) -> LegNews | None:
    """What the PSP says of a leg after it was sent or searched; None when it says nothing.

    Raises PspUnavailable, OutcomeUnknown.
    """
    if not case.may_send:
        news = await _ask(case.psp, case.leg)
        is_lost = news is None and case.leg.status in _UNSENT and case.is_old
        return LegNews(LegStatus.FAILED, reason_code=case.kept_by) if is_lost else news
    try:
        return await _send(vault, case.psp, case.leg, sent_before=not case.is_fresh)
    except PspRefused as refused:
        if refused.code in _NO_VERDICT:
            raise OutcomeUnknown(case.leg.id.hex) from refused
        return LegNews(LegStatus.FAILED, reason_code=refused.code)
    except OutcomeUnknown as unknown:
        # It was searched before it was refused: nothing of it is there.
        if unknown.refused is None or unknown.refused.code in _NO_VERDICT or not case.is_old:
            raise
        return LegNews(LegStatus.FAILED, reason_code=unknown.refused.code)


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
