"""Ask for money out of a wallet: it is held at once, and goes by itself when nobody must look."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.accounts.rules import decide_client_may_act
from domain.clients.standing import ClientStanding
from domain.compliance.identity.queries import find_tier
from domain.compliance.identity.rules import decide_withdrawal
from domain.kernel.money import Money
from domain.payments.commands.record_payment import create_payment
from domain.payments.ledger.errors import asked_amount
from domain.payments.ledger.post import post
from domain.payments.queries import find_policy
from domain.payments.values import PaymentKind, PaymentStatus
from domain.payments.withdrawals.commands.hold_parts import add_approvals, add_legs, hold_fee
from domain.payments.withdrawals.movements import Movements
from domain.payments.withdrawals.plan import check_amount, find_payer, make_plan
from domain.payments.withdrawals.values import Plan
from tenants.log import Change
from tenants.work import WriteWork


@dataclass(frozen=True, slots=True)
class WithdrawalWish:
    """What somebody wants out of which wallet, and where what can't go back should go."""

    wallet_id: UUID
    amount: Money
    destination_id: UUID | None = None


async def request_withdrawal(work: WriteWork, wish: WithdrawalWish) -> dict[str, str]:
    """Hold each part of a withdrawal and its fee; the id as `withdrawal`.

    It is REQUESTED and waits for approvals as long as the brand's policy lets it, or APPROVED at
    once when nobody must look.
    Refusals: NOT_FOUND, CURRENCY_MISMATCH, CLIENT_RESTRICTED, EMAIL_NOT_VERIFIED,
    KYC_REQUIRED, INSUFFICIENT_FUNDS and those of `make_plan`.
    Effects: event `withdrawal_requested` or `withdrawal_approved`, holds.
    """
    wallet, payer = await find_payer(work, wish.wallet_id)
    decide_client_may_act(payer.status)
    decide_withdrawal(await find_tier(work, payer))
    check_amount(wallet, wish.amount)
    plan = await make_plan(work, payer, wish.amount, wish.destination_id)
    row = await create_payment(work, await _values(work, wish, payer, plan))
    movements = Movements()
    await add_legs(work, row, plan.parts, movements, first=1)
    await hold_fee(work, row, movements)
    await add_approvals(work, row, plan.levels)
    work.audit(
        Change(
            "withdrawal.request",
            object_kind="payment",
            object_id=row["id"],
            after={
                "amount_minor": str(wish.amount.amount_minor),
                "currency": wish.amount.currency,
                "levels": list(plan.levels),
            },
        )
    )
    with asked_amount():
        await post(work, await movements.transfers(work, payer.id))
    return {"withdrawal": str(row["id"])}


async def _values(
    work: WriteWork, wish: WithdrawalWish, payer: ClientStanding, plan: Plan
) -> dict[str, Any]:
    """The row of a withdrawal that waits, or goes at once."""
    policy = await find_policy(work)
    waits = bool(plan.levels)
    return {
        "kind": PaymentKind.WITHDRAWAL,
        "status": PaymentStatus.REQUESTED if waits else PaymentStatus.APPROVED,
        "client_id": payer.id,
        "ib_path": payer.ib_path,
        "currency": wish.amount.currency,
        "amount_minor": wish.amount.amount_minor,
        "fee_minor": plan.fee_minor,
        "wallet_id": wish.wallet_id,
        "destination_id": wish.destination_id,
        "risk": payer.risk,
        "approval_round": 1,
        "maker_ids": sorted(plan.makers),
        "expires_at": work.now() + timedelta(days=policy.withdrawal_days) if waits else None,
    }
