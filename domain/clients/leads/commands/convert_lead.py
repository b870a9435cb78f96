"""A lead registered: from now on it is a client."""

from uuid import UUID

from sqlalchemy import update

from domain.clients.leads.events import LeadEventKind, Subject, lead_event
from domain.clients.leads.queries import lock_of_client, lock_same
from domain.clients.leads.rules import same_person
from domain.clients.leads.tables import lead
from domain.clients.leads.values import LeadStage
from domain.clients.queries import lock_client
from tenants.work import WriteWork


async def convert_lead(work: WriteWork, client_id: UUID) -> UUID | None:
    """Tie the lead with the client's address, else its number, to the client; None without one.

    It counts from whatever stage, LOST and DNC too: who registers has asked to be served. A lead
    that is another client's stays that, and a client has one lead.
    Effects: event `converted`.
    """
    if await lock_of_client(work, client_id) is not None:
        return None
    row = await lock_client(work, client_id)
    known = [one for one in await lock_same(work, row.email, row.phone) if one.client_id is None]
    whose = same_person([(one.id, one.email, one.phone) for one in known], row.email, row.phone)
    if whose is None:
        return None
    found = next(one for one in known if one.id == whose)
    await work.rows(
        update(lead)
        .where(lead.c.brand_id == work.scope.brand_id, lead.c.id == found.id)
        .values(
            client_id=client_id,
            stage=LeadStage.REGISTERED,
            lost_reason=None,
            stage_since=work.now(),
            version=found.version + 1,
        )
    )
    subject = Subject(found.id, found.owner_id)
    work.emit(
        lead_event(
            LeadEventKind.CONVERTED,
            subject,
            stage=LeadStage.REGISTERED,
            client_id=str(client_id),
        )
    )
    return UUID(str(found.id))
