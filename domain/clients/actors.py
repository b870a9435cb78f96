"""Clients as actors: who of them may come in."""

from sqlalchemy import or_

from domain.clients.tables import client
from domain.clients.values import ClientStatus
from tenants.actors import ActorSource
from tenants.context import ActorKind

# A client comes in once its address is verified; a restricted one may look and do nothing new.
CLIENTS = ActorSource(
    ActorKind.CLIENT,
    client,
    client.c.name,
    or_(client.c.status == ClientStatus.ACTIVE, client.c.status == ClientStatus.RESTRICTED),
)
