"""Set how closely a client's money is looked at."""

from uuid import UUID

from sqlalchemy import update

from domain.clients.errors import ClientClosed, VersionMoved
from domain.clients.events import risk_set
from domain.clients.queries import get_client
from domain.clients.tables import client
from domain.clients.values import ClientRisk, ClientStatus
from domain.kernel.errors import Invalid
from tenants.log import Change
from tenants.work import WriteWork

REASON_MAX = 500


async def set_risk(
    work: WriteWork, client_id: UUID, risk: ClientRisk, reason: str, *, expected_version: int
) -> UUID:
    """Set the risk of a client, with a reason of 1 to 500 characters; the client's id.

    Withdrawals that wait keep the approvals they were given, and wait for more when it rises.
    Refusals: NOT_FOUND, CLIENT_CLOSED, VERSION_CONFLICT, INVALID. Effects: event `risk_set`,
    audit; neither when nothing changes.
    """
    row = await get_client(work, client_id)
    if row.status == ClientStatus.CLOSED:
        raise ClientClosed()
    if row.version != expected_version:
        raise VersionMoved()
    told = reason.strip()
    if not 1 <= len(told) <= REASON_MAX:
        message = f"Say why in 1 to {REASON_MAX} characters."
        raise Invalid("INVALID", message, path=("input", "reason"))
    if risk != row.risk:
        await work.rows(
            update(client)
            .where(client.c.brand_id == work.scope.brand_id, client.c.id == row.id)
            .values(version=row.version + 1, risk=risk.value)
        )
        work.emit(risk_set(client_id))
        work.audit(
            Change(
                "client.set_risk",
                object_kind="client",
                object_id=client_id,
                before={"risk": row.risk},
                after={"risk": risk.value},
                reason=told,
            )
        )
    return client_id
