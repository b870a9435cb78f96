"""Wait, outside every transaction, until a deposit that was committed is started at its PSP."""

import asyncio
from uuid import UUID

from domain.payments.deposits.queries import find_deposit
from domain.payments.values import PaymentStatus
from tenants.context import Scope
from tenants.work import Database

PATIENCE_S = 2.0
_FIRST_LOOK_S, _LOOK_AGAIN_S_MAX = 0.01, 0.1


async def started(database: Database, scope: Scope, payment_id: UUID) -> PaymentStatus:
    """The deposit's status once its PSP has answered, or CREATED when patience ends.

    Looks every 10 to 100 ms, each time in a snapshot of its own; holds nothing in between.
    """
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + PATIENCE_S, _FIRST_LOOK_S
    while True:
        async with database.read(scope) as work:
            row = await find_deposit(work, payment_id)
        status = PaymentStatus(row.status)
        if status is not PaymentStatus.CREATED or loop.time() + pause >= deadline:
            return status
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LOOK_AGAIN_S_MAX)
