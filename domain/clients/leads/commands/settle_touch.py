"""Find out whose a touch is: a lead's that we know, or a new one's."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, update
from sqlalchemy.dialects.postgresql import insert

from domain.clients.leads.commands.convert_lead import convert_lead
from domain.clients.leads.commands.give_lead import give_to_next
from domain.clients.leads.commands.index_leads import index_leads
from domain.clients.leads.events import LeadEventKind, Subject, lead_event
from domain.clients.leads.queries import get_touch, lock_same
from domain.clients.leads.rules import keeps_ib, reference_of, same_person, stage_on_touch
from domain.clients.leads.tables import lead, lead_touch
from domain.clients.leads.values import LeadStage
from domain.clients.ports import FindIntroducer
from domain.clients.queries import find_by_email
from domain.clients.values import Introducer
from tenants.numbers import next_number
from tenants.work import WriteWork

_COUNTER = "lead"
_FOUND_BY = {"name", "email", "phone"}
_FILLED = ("name", "email", "phone", "country", "language")


async def settle_touch(work: WriteWork, touch_id: UUID, *, find_introducer: FindIntroducer) -> UUID:
    """The lead that the touch belongs to, made if there is none; the same one when repeated.

    A new lead goes to the next agent with room. A known one keeps its owner, fills what was not
    known of it, and is a chance again if it was lost. The ib of a touch counts unless another's
    link came in the last 30 days; a code that nobody has is kept with the touch and counts for
    nothing: the lead is worth more than the code.
    Effects: event `captured` or `returned`, and those of `give_to_next`.
    """
    touch = await get_touch(work, touch_id)
    if touch.lead_id is not None:
        return UUID(str(touch.lead_id))
    ib = await find_introducer(work, touch.ib_code) if touch.ib_code else None
    lead_id = await _return(work, touch, ib) or await _make(work, touch, ib)
    if lead_id is None:  # a twin has made it meanwhile, so that it is there to return to
        lead_id = await _return(work, touch, ib)
        assert lead_id is not None, "what was in the way is a lead with that address or number"
    await work.rows(
        update(lead_touch)
        .where(lead_touch.c.brand_id == work.scope.brand_id, lead_touch.c.id == touch_id)
        .values(lead_id=lead_id)
    )
    return lead_id


async def _make(work: WriteWork, touch: Row[Any], ib: Introducer | None) -> UUID | None:
    """A new lead with its owner; None when the address or number has one by now.

    Somebody who is a client already is no lead to call.
    """
    lead_id, now = work.new_id(), work.now()
    row = {
        "brand_id": work.scope.brand_id,
        "id": lead_id,
        "reference": reference_of(await next_number(work, _COUNTER)),
        "version": 1,
        "stage": LeadStage.NEW,
        **{name: getattr(touch, name) for name in _FILLED},
        **{name: getattr(touch, name) for name in ("source", "campaign")},
        **_latest(touch),
        **_introduced(touch, ib),
        "created_at": touch.created_at,
        "stage_since": now,
    }
    taken = insert(lead).values(row).on_conflict_do_nothing().returning(lead.c.id)
    if not await work.rows(taken):
        return None
    await index_leads(work, [(lead_id, touch.name, touch.email, touch.phone)])
    work.emit(lead_event(LeadEventKind.CAPTURED, Subject(lead_id, None)))
    client = await find_by_email(work, touch.email) if touch.email else None
    if client is not None and await convert_lead(work, client.id):
        return lead_id
    await give_to_next(work, lead_id, language=touch.language, country=touch.country)
    return lead_id


async def _return(work: WriteWork, touch: Row[Any], ib: Introducer | None) -> UUID | None:
    """The known lead, with what the touch adds to it; None when nobody known left it."""
    known = await lock_same(work, touch.email, touch.phone)
    whose = same_person([(one.id, one.email, one.phone) for one in known], touch.email, touch.phone)
    if whose is None:
        return None
    row = next(one for one in known if one.id == whose)
    stage = stage_on_touch(LeadStage(row.stage), has_owner=row.owner_id is not None)
    filled = _filled(row, touch, known)
    values = {**filled, **_latest(touch)}
    if not keeps_ib(row.ib_since, work.now()):
        values |= _introduced(touch, ib) if ib else {}
    if stage != row.stage:
        values |= {"stage": stage, "lost_reason": None, "stage_since": work.now()}
    await work.rows(
        update(lead)
        .where(lead.c.brand_id == work.scope.brand_id, lead.c.id == row.id)
        .values(version=row.version + 1, **values)
    )
    if filled.keys() & _FOUND_BY:
        now = {**row._mapping, **filled}
        await index_leads(work, [(row.id, now["name"], now["email"], now["phone"])])
    work.emit(lead_event(LeadEventKind.RETURNED, Subject(row.id, row.owner_id), stage=stage))
    if stage is LeadStage.NEW and row.owner_id is None:
        await give_to_next(work, row.id, language=touch.language, country=touch.country)
    return UUID(str(row.id))


def _filled(row: Row[Any], touch: Row[Any], known: Sequence[Row[Any]]) -> dict[str, Any]:
    """What the lead lacked and the touch has; an address or number of another lead stays there."""
    others = [one for one in known if one.id != row.id]
    taken = {one.email for one in others} | {one.phone for one in others}
    return {
        name: getattr(touch, name)
        for name in _FILLED
        if getattr(row, name) is None and getattr(touch, name) not in taken
    }


def _latest(touch: Row[Any]) -> dict[str, Any]:
    return {
        "last_source": touch.source,
        "last_campaign": touch.campaign,
        "touched_at": touch.created_at,
    }


def _introduced(touch: Row[Any], ib: Introducer | None) -> dict[str, Any]:
    if ib is None:
        return {}
    return {"ib_id": ib.id, "ib_code": touch.ib_code, "ib_since": touch.created_at}
