"""Wait, outside every transaction, for a platform's answer to a request that was committed."""

import asyncio
from uuid import UUID

from domain.accounts.queries import find_request
from domain.accounts.values import RequestStatus
from tenants.context import Scope
from tenants.work import Database

PATIENCE_S = 2.0
_FIRST_LOOK_S, _LOOK_AGAIN_S_MAX = 0.01, 0.1


async def settled(database: Database, scope: Scope, request_id: UUID) -> RequestStatus:
    """The request's status once it is DONE or REFUSED, or as it is when patience ends.

    Looks every 10 to 100 ms, each time in a snapshot of its own; holds nothing in between.
    """
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + PATIENCE_S, _FIRST_LOOK_S
    while True:
        async with database.read(scope) as work:
            request = await find_request(work, request_id)
        status = RequestStatus(request.status)
        ended = status in (RequestStatus.DONE, RequestStatus.REFUSED)
        if ended or loop.time() + pause >= deadline:
            return status
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LOOK_AGAIN_S_MAX)
