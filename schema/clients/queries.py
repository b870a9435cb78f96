"""Root fields that list clients."""

import strawberry

from schema.clients.inputs import ClientFilter, ClientOrder
from schema.clients.types import Client
from schema.shared.bind import connection
from schema.shared.page import Connection


@strawberry.type
class ClientQueries:
    clients: Connection[Client] = connection(
        "client",
        "The brand's clients that you may see, newest first: all of them, those you own, your "
        "subtree's, or yourself.",
        needs="clients:list",
        filter=ClientFilter,
        order=ClientOrder,
    )
