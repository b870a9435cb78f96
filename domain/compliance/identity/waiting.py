"""Wait, outside every transaction, until a case that was committed has its vendor's page."""

import asyncio
from uuid import UUID

from domain.compliance.identity.queries import find_case
from domain.compliance.identity.values import CaseStatus
from tenants.context import Scope
from tenants.work import Database

PATIENCE_S = 2.0
_FIRST_LOOK_S, _LOOK_AGAIN_S_MAX = 0.01, 0.1


async def started(database: Database, scope: Scope, case_id: UUID) -> CaseStatus:
    """The case's status once its vendor has answered, or DRAFT when patience ends.

    Looks every 10 to 100 ms, each time in a snapshot of its own; holds nothing in between.
    """
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + PATIENCE_S, _FIRST_LOOK_S
    while True:
        async with database.read(scope) as work:
            row = await find_case(work, case_id)
        status = CaseStatus(row.status)
        if status is not CaseStatus.DRAFT or loop.time() + pause >= deadline:
            return status
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LOOK_AGAIN_S_MAX)
