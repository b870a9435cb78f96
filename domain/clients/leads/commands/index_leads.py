"""Keep what leads are found by in step with their rows."""

from collections.abc import Sequence
from uuid import UUID

from domain.clients.leads.tables import lead_search
from domain.clients.search import folded
from tenants.bulk import upsert_rows
from tenants.work import WriteWork

_TEXTS = ("name", "email", "phone")
Found = tuple[UUID, str | None, str | None, str | None]
"""A lead with its name, e-mail address and phone number as they are now."""


async def index_leads(work: WriteWork, leads: Sequence[Found]) -> None:
    """Store what each lead is found by from now on."""
    rows = [
        {"brand_id": work.scope.brand_id, "lead_id": lead_id, **folded(name, email, phone)}
        for lead_id, name, email, phone in leads
    ]
    await upsert_rows(work, lead_search, rows, keys=("brand_id", "lead_id"), changed=_TEXTS)
