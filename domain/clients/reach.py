"""Which clients' events a member of staff may follow: all of the brand, or those one owns."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, func, literal, select

from domain.clients.events import TOPIC, ClientEventKind
from domain.clients.rights import reaches_all
from domain.clients.tables import client
from tenants.context import Scope
from tenants.work import ReadWork


class OwnClients:
    """The reach of staff without `clients:all`, for the feeds (`domain.events.values.Reach`)."""

    moves = frozenset({(TOPIC, str(ClientEventKind.OWNER_CHANGED))})

    def is_limited(self, scope: Scope) -> bool:
        return not reaches_all(scope)

    async def reached(self, work: ReadWork, client_ids: Collection[UUID]) -> frozenset[UUID]:
        asked = literal(list(client_ids), ARRAY(client.c.id.type))
        rows = await work.rows(
            select(client.c.id).where(
                client.c.brand_id == work.scope.brand_id,
                client.c.id == func.any(asked),
                client.c.owner_id == work.scope.actor.id,
            )
        )
        return frozenset(row.id for row in rows)
