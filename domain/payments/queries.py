"""SELECTs that commands of all payments need."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from domain.clients.standing import find_standing
from domain.kernel.errors import NotFound
from domain.payments.rules import Policy
from domain.payments.tables import payment, payment_policy
from domain.payments.values import PaymentKind
from tenants.work import WriteWork


async def lock_payment(work: WriteWork, payment_id: UUID) -> dict[str, Any] | None:
    """A payment's row, locked; None when there is none. For the system."""
    row = await work.maybe(
        select(payment)
        .where(payment.c.brand_id == work.scope.brand_id, payment.c.id == payment_id)
        .with_for_update()
    )
    return None if row is None else dict(row._mapping)


async def get_payment(
    work: WriteWork, payment_id: UUID, kind: PaymentKind, *, path: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A payment of a kind that whoever acts may reach, locked for change.

    Refusals: NOT_FOUND, alike for unknown, foreign and hidden ones and for other kinds.
    """
    row = await lock_payment(work, payment_id)
    if row is None or row["kind"] != kind or await find_standing(work, row["client_id"]) is None:
        raise NotFound(path=path)
    return row


async def find_policy(work: WriteWork) -> Policy:
    """What the brand decided about its cashier, or the defaults."""
    row = await work.maybe(
        select(payment_policy).where(payment_policy.c.brand_id == work.scope.brand_id)
    )
    if row is None:
        return Policy()
    values = dict(row._mapping)
    del values["brand_id"]
    return Policy(**values)
