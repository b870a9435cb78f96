"""Take the legs that are due to be looked after: not taken up, or not heard of."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, DateTime, bindparam, or_, select, text
from sqlalchemy.dialects.postgresql import UUID as PgUUID

from domain.kernel.money import Money
from domain.payments.reconciliation.commands.open_discrepancy import open_discrepancy
from domain.payments.tables import payment, withdrawal_leg
from domain.payments.values import DiscrepancyKind, LegStatus, PaymentStatus
from domain.payments.withdrawals.queries import SENT_LEGS, among
from domain.payments.withdrawals.rules import TOLD_AFTER, ask_pause
from tenants.work import WriteWork

_AT_ONCE = 100
_LOOK_AGAIN = text(
    "update withdrawal_leg l set ask_at = s.at from unnest(:ids, :times) as s(id, at)"
    " where l.brand_id = :brand_id and l.id = s.id"
).bindparams(
    bindparam("ids", type_=ARRAY(PgUUID(as_uuid=True))),
    bindparam("times", type_=ARRAY(DateTime(timezone=True))),
)


async def take_silent_legs(work: WriteWork) -> list[Any]:
    """Legs that are due by the work's clock, longest due first, at most 100; rows with `id`,
    `payment_id` and `status`.

    HELD ones are those of withdrawals that were approved and not taken up. Each is due again
    after a pause that grows with its age, so that those nobody answers for hold no others up.
    Effects: an OUTCOME_UNKNOWN discrepancy for those sent long ago that no PSP confirmed.
    """
    rows = await _due(work)
    await _look_again(work, rows)
    for row in rows:
        is_open = row.status in (LegStatus.SENDING, LegStatus.UNKNOWN)
        if is_open and work.now() - row.sending_at > TOLD_AFTER:
            await tell_unknown(work, row)
    return list(rows)


async def tell_unknown(work: WriteWork, leg: Any) -> None:
    """Staff must know of a leg about which its PSP says nothing."""
    await open_discrepancy(
        work,
        DiscrepancyKind.OUTCOME_UNKNOWN,
        subject=f"leg:{leg.id.hex}",
        payment_id=leg.payment_id,
        connection_id=leg.connection_id,
        expected=Money(int(leg.amount_minor), leg.currency),
    )


async def _look_again(work: WriteWork, legs: Sequence[Any]) -> None:
    at = work.now()
    times = [at + ask_pause(at - (leg.sending_at or leg.updated_at)) for leg in legs]
    ids = [leg.id for leg in legs]
    await work.rows(_LOOK_AGAIN, {"brand_id": work.scope.brand_id, "ids": ids, "times": times})


async def _due(work: WriteWork) -> Sequence[Any]:
    legs = withdrawal_leg.c
    approved = (
        select(payment.c.id)
        .where(
            payment.c.brand_id == legs.brand_id,
            payment.c.id == legs.payment_id,
            payment.c.status == PaymentStatus.APPROVED.value,
        )
        .exists()
    )
    is_waiting = (legs.status == LegStatus.HELD.value) & approved
    return await work.rows(
        select(withdrawal_leg)
        .where(
            legs.brand_id == work.scope.brand_id,
            legs.ask_at <= work.now(),
            or_(among(legs.status, SENT_LEGS), is_waiting),
        )
        .order_by(legs.ask_at, legs.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True, of=withdrawal_leg)
    )
