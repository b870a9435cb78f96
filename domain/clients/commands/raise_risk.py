"""Look more closely at a client's money when more is known of it."""

from uuid import UUID

from sqlalchemy import update

from domain.clients.events import risk_set
from domain.clients.queries import get_client
from domain.clients.tables import client
from domain.clients.values import ClientRisk, ClientStatus
from tenants.log import Change
from tenants.work import WriteWork

_ORDER = tuple(ClientRisk)


async def raise_risk(work: WriteWork, client_id: UUID, risk: ClientRisk, reason: str) -> bool:
    """Raise a client's risk to at least this; False when it is there already, or closed.

    Never lowers it: what staff have set stands. Effects: event `risk_set`, audit.
    """
    row = await get_client(work, client_id)
    before = ClientRisk(row.risk)
    if row.status == ClientStatus.CLOSED or _ORDER.index(risk) <= _ORDER.index(before):
        return False
    await work.rows(
        update(client)
        .where(client.c.brand_id == work.scope.brand_id, client.c.id == client_id)
        .values(version=row.version + 1, risk=risk.value)
    )
    work.emit(risk_set(client_id))
    work.audit(
        Change(
            "client.raise_risk",
            object_kind="client",
            object_id=client_id,
            before={"risk": before},
            after={"risk": risk},
            reason=reason,
        )
    )
    return True
