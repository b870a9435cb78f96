"""What happens by itself as time passes: payouts arrive, links expire, disputes are lost."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress

from domain.kernel.clock import Clock
from sandbox.psp import disputes, payments, payouts, refunds
from sandbox.psp.desk import Desk
from sandbox.psp.values import Refusal
from sandbox.store import Store

_SLEEP_SECONDS = 0.2
_BATCH = 100
# What was promised in seconds is due by the machine's clock; what was promised in hours and days
# by the PSP's own ($1), which tests may move.
_DUE = """
(select 'payout' as kind, id from sandbox.psp_payout where due_at <= clock_timestamp() limit $2)
union all
(select 'refund', id from sandbox.psp_refund where due_at <= clock_timestamp() limit $2)
union all
(select 'payment', id from sandbox.psp_payment where due_at <= clock_timestamp() limit $2)
union all
(select 'expiry', id from sandbox.psp_payment where due_at is null and expires_at < $1
 and status in ('CREATED', 'PENDING', 'AUTHORISED') limit $2)
union all
(select 'dispute', id from sandbox.psp_dispute where evidence_due_at < $1 and status = 'OPEN'
 limit $2)
"""
_STEPS = {
    "payout": payouts.settle_due,
    "refund": refunds.settle_due,
    "payment": payments.settle_due,
    "expiry": payments.expire,
    "dispute": disputes.lose_overdue,
}


class Settler:
    """`round` does what is due, each in its own transaction, and waits a moment for more."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        desk: Callable[[], AbstractAsyncContextManager[Desk]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._desk = desk
        self._news = asyncio.Event()

    def wake(self) -> None:
        self._news.set()

    async def round(self) -> None:
        self._news.clear()
        async with self._store.begin() as connection:
            due = await connection.fetch(_DUE, self._clock.now(), _BATCH)
        for kind, key in due:
            with suppress(Refusal):  # somebody was quicker
                async with self._desk() as desk:
                    await _STEPS[kind](desk, key)
        if not due:
            with suppress(TimeoutError):
                async with asyncio.timeout(_SLEEP_SECONDS):
                    await self._news.wait()
