"""The whole of taking a lead: judged, counted, stored."""

from uuid import UUID

from domain.clients.leads.commands.receive_lead import receive_lead
from domain.clients.leads.commands.settle_touch import settle_touch
from domain.clients.leads.rights import WRITES_LEADS
from domain.clients.leads.rules import read_form
from domain.clients.leads.values import LeadForm, Touch
from domain.clients.ports import FindIntroducer
from tenants.context import Scope
from tenants.throttle import count_attempt, counted_by
from tenants.work import Database, WriteWork


async def capture(
    database: Database, scope: Scope, form: LeadForm, *, find_introducer: FindIntroducer
) -> UUID | None:
    """Take what somebody left; the lead's id for those with `leads:write`, None for all others.

    From the public each address and number is counted as registrations are, and nothing is looked
    up: who is known answers and costs as who is not. Staff and programs with `leads:write` are not
    counted and get the lead at once.
    Refusals: FORBIDDEN without a brand, CONTACT_REQUIRED, INVALID, THROTTLED.
    """
    touch = read_form(form)
    if WRITES_LEADS in scope.permissions:

        async def enter(work: WriteWork) -> UUID:
            touch_id = await receive_lead(work, touch)
            return await settle_touch(work, touch_id, find_introducer=find_introducer)

        return (await database.write(scope, enter)).value
    asking = scope.as_nobody()

    async def receive(work: WriteWork) -> None:
        await count_attempt(work, counted_by("lead", _contact(touch), asking.ip))
        await receive_lead(work, touch)

    await database.write(asking, receive)
    return None


def _contact(touch: Touch) -> str:
    return touch.email or touch.phone or ""
