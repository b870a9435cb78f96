"""Take over leads that another system kept, many at once, each at the stage it had there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.clients.leads.commands.index_leads import index_leads
from domain.clients.leads.events import LeadEventKind, Subject, lead_event
from domain.clients.leads.rules import reference_of
from domain.clients.leads.tables import lead, lead_ownership, lead_touch
from domain.clients.leads.values import LeadStage, LostReason, OwnedBy
from tenants.bulk import insert_new, insert_rows
from tenants.log import Change
from tenants.numbers import next_numbers
from tenants.work import WriteWork

_COUNTER = "lead"
_LEFT = ("name", "email", "phone", "country", "language", "source", "campaign")


@dataclass(frozen=True, slots=True)
class LeadRecord:
    """A lead as the other system has it: `client_id` for one that is a client by now, `at` when it
    came."""

    name: str
    email: str
    phone: str | None
    country: str
    language: str
    source: str
    campaign: str | None
    stage: LeadStage
    lost_reason: LostReason | None = None
    owner_id: UUID | None = None
    client_id: UUID | None = None
    at: datetime | None = None


async def import_leads(work: WriteWork, records: Sequence[LeadRecord]) -> int:
    """Add the leads whose address, number and client are new; how many those are.

    Each has one touch, and the owner it had: nobody's turn is used up.
    Effects: event `captured` each, one line of audit.
    """
    if not records:
        return 0
    numbers = await next_numbers(work, _COUNTER, len(records))
    rows = [
        _row(work, one, reference_of(number)) for one, number in zip(records, numbers, strict=True)
    ]
    added = await insert_new(work, lead, rows)
    new = [row for row in rows if row["id"] in added]
    texts = [(row["id"], row["name"], row["email"], row["phone"]) for row in new]
    await index_leads(work, texts)
    await insert_rows(work, lead_touch, [_touch(work, row) for row in new])
    owned = [_ownership(work, row) for row in new if row["owner_id"] is not None]
    await insert_rows(work, lead_ownership, owned)
    for row in new:
        subject = Subject(row["id"], row["owner_id"])
        work.emit(lead_event(LeadEventKind.CAPTURED, subject, stage=row["stage"]))
    work.audit(Change("lead.import", object_kind="lead", after={"leads": len(new)}))
    return len(new)


def _row(work: WriteWork, one: LeadRecord, reference: str) -> dict[str, Any]:
    came = one.at or work.now()
    return {
        "brand_id": work.scope.brand_id,
        "id": work.new_id(),
        "reference": reference,
        "version": 1,
        "stage": one.stage,
        "lost_reason": one.lost_reason,
        **{name: getattr(one, name) for name in _LEFT},
        "last_source": one.source,
        "last_campaign": one.campaign,
        "owner_id": one.owner_id,
        "client_id": one.client_id,
        "created_at": came,
        "touched_at": came,
        "stage_since": came,
    }


def _touch(work: WriteWork, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "brand_id": work.scope.brand_id,
        "id": work.new_id(),
        "lead_id": row["id"],
        **{name: row[name] for name in _LEFT},
        "created_at": row["created_at"],
    }


def _ownership(work: WriteWork, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "brand_id": work.scope.brand_id,
        "id": work.new_id(),
        "lead_id": row["id"],
        "owner_id": row["owner_id"],
        "given_by": OwnedBy.STAFF,
        "created_at": row["created_at"],
    }
