"""Withdrawals that waited for approval as long as the brand lets them."""

from uuid import UUID

from sqlalchemy import select

from domain.payments.ledger.post import post
from domain.payments.ledger.values import TransferState
from domain.payments.tables import payment
from domain.payments.values import PaymentKind, PaymentStatus
from domain.payments.withdrawals.commands.give_up import give_up
from domain.payments.withdrawals.movements import Movements
from tenants.work import WriteWork

_AT_ONCE = 50


async def expire_withdrawals(work: WriteWork) -> int:
    """End those past their time by the work's clock and release their holds; how many.

    At most 50 at once. Effects: event `withdrawal_expired` each, holds EXPIRED.
    """
    rows = await work.rows(
        select(payment)
        .where(
            payment.c.brand_id == work.scope.brand_id,
            payment.c.kind == PaymentKind.WITHDRAWAL.value,
            payment.c.status == PaymentStatus.REQUESTED.value,
            payment.c.expires_at <= work.now(),
        )
        .order_by(payment.c.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    per_client: dict[UUID, Movements] = {}
    for found in rows:
        row = dict(found._mapping)
        movements = per_client.setdefault(row["client_id"], Movements())
        await give_up(work, row, PaymentStatus.EXPIRED, movements, state=TransferState.EXPIRED)
    transfers = [
        one
        for client_id, movements in per_client.items()
        for one in await movements.transfers(work, client_id)
    ]
    await post(work, transfers)
    return len(rows)
