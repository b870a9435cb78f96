"""Sends notices out of the outbox: signed over the raw bytes, at least once, in any order."""

import asyncio
import hashlib
import hmac
from contextlib import suppress

import httpx

from sandbox.kyc import outbox
from sandbox.kyc.faults import Faults
from sandbox.kyc.outbox import Notice
from sandbox.store import Store

DIGEST, ALGORITHM = "X-Payload-Digest", "X-Payload-Digest-Alg"
ATTEMPT_SECONDS = 5.0
_AT_ONCE = 32
_LONGEST_SLEEP_SECONDS = 1.0
_FORGED = "secret-of-somebody-else"


class Sender:
    """`round` sends what is due and waits for more; `wake` ends the wait."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store = store
        self._faults = faults
        self._news = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._client = httpx.AsyncClient(timeout=ATTEMPT_SECONDS, trust_env=False)

    def wake(self) -> None:
        self._news.set()

    async def round(self) -> None:
        self._news.clear()
        free = _AT_ONCE - len(self._under_way)
        async with self._store.begin() as connection:
            taken = await outbox.take(connection, limit=free) if free else []
            due = await outbox.next_due(connection)
        for notice in taken:
            task = asyncio.create_task(self._deliver(notice))
            self._under_way.add(task)
            task.add_done_callback(self._done)
        if not taken or not free:
            pause = _LONGEST_SLEEP_SECONDS if due is None else max(due, 0.005)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(pause, _LONGEST_SLEEP_SECONDS)):
                    await self._news.wait()

    async def close(self) -> None:
        """Ends every attempt under way."""
        tasks = list(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._news.set()
        if not task.cancelled():
            task.exception()  # the lease brings it back; the loop says that the database is away

    async def _deliver(self, notice: Notice) -> None:
        if self._faults.forges():
            await self._post(notice, _FORGED)
        is_taken = await self._post(notice, notice.secret)
        if is_taken:
            for _ in range(self._faults.knobs.duplicate_notices):
                await self._post(notice, notice.secret)
        async with self._store.begin() as connection:
            await outbox.settle(connection, notice, is_taken=is_taken)

    async def _post(self, notice: Notice, secret: str) -> bool:
        """One attempt; whether it was taken."""
        body = notice.body.encode()
        headers = {
            "content-type": "application/json",
            DIGEST: hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
            ALGORITHM: "HMAC_SHA256_HEX",
        }
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                answer = await self._client.post(notice.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            return False
        return answer.is_success
