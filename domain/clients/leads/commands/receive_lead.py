"""Take what somebody left, without looking whether we know them."""

from dataclasses import asdict
from uuid import UUID

from sqlalchemy import insert

from domain.clients.leads.events import received
from domain.clients.leads.tables import lead_touch
from domain.clients.leads.values import Touch
from domain.clients.queries import unknown_countries
from domain.clients.rules import NO_COUNTRY
from tenants.refusals import InvalidField
from tenants.work import WriteWork


async def receive_lead(work: WriteWork, touch: Touch) -> UUID:
    """Store the touch; its id. Known and unknown people take the same statements.

    Which lead it is, and whose, is settled by a consumer (`settle_touch`).
    Refusals: INVALID for a country that does not exist. Effects: event `received`.
    """
    if touch.country is not None and await unknown_countries(work, [touch.country]):
        raise InvalidField("country", NO_COUNTRY)
    touch_id = work.new_id()
    fields = {name: value for name, value in asdict(touch).items() if name != "origin"}
    await work.rows(
        insert(lead_touch).values(
            brand_id=work.scope.brand_id,
            id=touch_id,
            created_at=work.now(),
            **fields,
            **asdict(touch.origin),
        )
    )
    work.emit(received(touch_id))
    return touch_id
