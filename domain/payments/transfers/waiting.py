"""Wait, outside every transaction, for the end of a transfer that was committed."""

import asyncio
from uuid import UUID

from domain.payments.transfers.queries import find_transfer
from domain.payments.values import PaymentStatus
from tenants.context import Scope
from tenants.work import Database

PATIENCE_S = 2.0
_FIRST_LOOK_S, _LOOK_AGAIN_S_MAX = 0.02, 0.1
_ENDED = (PaymentStatus.DONE, PaymentStatus.FAILED)


async def ended(database: Database, scope: Scope, payment_id: UUID) -> None:
    """Return once the transfer has ended, or when patience has: the transfer itself says which."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + PATIENCE_S, _FIRST_LOOK_S
    while True:
        async with database.read(scope) as work:
            row = await find_transfer(work, payment_id)
        if row is None or row.status in _ENDED or loop.time() + pause >= deadline:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LOOK_AGAIN_S_MAX)
