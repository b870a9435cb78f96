"""Take the legs that nobody heard of for long, to be asked about."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from domain.kernel.money import Money
from domain.payments.reconciliation.commands.open_discrepancy import open_discrepancy
from domain.payments.tables import payment_step, withdrawal_leg
from domain.payments.values import DiscrepancyKind, LegStatus, PaymentStatus
from domain.payments.withdrawals.queries import SENT_LEGS, among, among_ids
from tenants.work import WriteWork

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a leg may be silent before it is asked about, and unknown before staff are told."""

    ask_after: timedelta = timedelta(minutes=1)
    tell_after: timedelta = timedelta(minutes=10)


async def take_silent_legs(work: WriteWork, silence: Silence) -> list[UUID]:
    """Legs on their way that nothing was heard of, marked as touched now; at most 100.

    Effects: an OUTCOME_UNKNOWN discrepancy for those sent long ago that no PSP confirmed.
    """
    columns = withdrawal_leg.c
    rows = await work.rows(
        select(withdrawal_leg)
        .where(
            columns.brand_id == work.scope.brand_id,
            among(columns.status, SENT_LEGS),
            columns.updated_at < work.now() - silence.ask_after,
        )
        .order_by(columns.updated_at, columns.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    if not rows:
        return []
    await work.rows(
        update(withdrawal_leg)
        .where(columns.brand_id == work.scope.brand_id, among_ids(columns.id, [r.id for r in rows]))
        .values(updated_at=work.now())
    )
    for row in rows:
        if row.status != LegStatus.SENT and await _is_long(work, row.payment_id, silence):
            await open_discrepancy(
                work,
                DiscrepancyKind.OUTCOME_UNKNOWN,
                subject=f"leg:{row.id.hex}",
                payment_id=row.payment_id,
                connection_id=row.connection_id,
                expected=Money(int(row.amount_minor), row.currency),
            )
    return [row.id for row in rows]


async def _is_long(work: WriteWork, payment_id: UUID, silence: Silence) -> bool:
    sent = await work.maybe(
        select(payment_step.c.at)
        .where(
            payment_step.c.brand_id == work.scope.brand_id,
            payment_step.c.payment_id == payment_id,
            payment_step.c.status == PaymentStatus.SENDING.value,
        )
        .order_by(payment_step.c.n.desc())
        .limit(1)
    )
    return sent is not None and sent.at < work.now() - silence.tell_after
