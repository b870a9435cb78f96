"""SELECTs that commands of all payments need."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from domain.clients.standing import find_standing
from domain.kernel.errors import NotFound
from domain.payments.rules import Policy
from domain.payments.tables import payment, payment_policy, psp, psp_connection
from domain.payments.values import ConnectionStatus, PaymentKind, PspKind
from tenants.work import ReadWork, WriteWork


@dataclass(frozen=True, slots=True)
class Connection:
    """A brand's merchant account at a PSP, with its secrets as they are sealed."""

    brand_id: UUID
    id: UUID
    name: str
    status: ConnectionStatus
    kind: PspKind
    endpoint: str
    api_key_cipher: bytes
    notice_secrets_cipher: bytes


async def find_connection(work: ReadWork | WriteWork, connection_id: UUID) -> Connection | None:
    """A connection of the brand; None when there is none."""
    rows = await work.rows(
        select(
            psp_connection.c.brand_id,
            psp_connection.c.id,
            psp_connection.c.name,
            psp_connection.c.status,
            psp.c.kind,
            psp.c.endpoint,
            psp_connection.c.api_key_cipher,
            psp_connection.c.notice_secrets_cipher,
        )
        .select_from(psp_connection.join(psp, psp.c.id == psp_connection.c.psp_id))
        .where(
            psp_connection.c.brand_id == work.scope.brand_id, psp_connection.c.id == connection_id
        )
    )
    if not rows:
        return None
    values = dict(rows[0]._mapping)
    status, kind = ConnectionStatus(values.pop("status")), PspKind(values.pop("kind"))
    return Connection(status=status, kind=kind, **values)


async def get_connection(work: ReadWork | WriteWork, connection_id: UUID) -> Connection:
    """A connection that a row of ours names."""
    found = await find_connection(work, connection_id)
    assert found is not None, "a connection is never deleted"
    return found


async def lock_payment(work: WriteWork, payment_id: UUID) -> dict[str, Any] | None:
    """A payment's row, locked; None when there is none. For the system."""
    row = await work.maybe(
        select(payment)
        .where(payment.c.brand_id == work.scope.brand_id, payment.c.id == payment_id)
        .with_for_update()
    )
    return None if row is None else dict(row._mapping)


async def find_client_id(work: ReadWork | WriteWork, payment_id: UUID) -> UUID | None:
    """Whose payment it is, without a lock; None when unknown or out of scope."""
    rows = await work.rows(
        select(payment.c.client_id).where(
            payment.c.brand_id == work.scope.brand_id, payment.c.id == payment_id
        )
    )
    return rows[0].client_id if rows else None


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


async def find_policy(work: ReadWork | WriteWork) -> Policy:
    """What the brand decided about its cashier, or the defaults."""
    rows = await work.rows(
        select(payment_policy).where(payment_policy.c.brand_id == work.scope.brand_id)
    )
    if not rows:
        return Policy()
    values = dict(rows[0]._mapping)
    del values["brand_id"]
    return Policy(**values)
