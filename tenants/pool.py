"""The pool of an engine, which also lends its connections without SQLAlchemy's own around them.

A compiled answer is one statement and a transaction by itself. What SQLAlchemy makes around a
connection for every checkout (a fairy, two greenlets, a task where all are lent) takes as long as
asking the server. So such statements take the pool's record and put it back, in turn with all
others: there is one pool, and its counts hold.
"""

import asyncio
import weakref
from collections import deque
from contextlib import suppress
from typing import Any

from sqlalchemy.pool import AsyncAdaptedQueuePool, PoolProxiedConnection
from sqlalchemy.pool.base import _ConnectionFairy, _ConnectionRecord
from sqlalchemy.util import greenlet_spawn
from sqlalchemy.util.queue import Empty

WAIT_S = 10.0
USED = "used"
"""In a record's `info`: it was in use before, so that it may have died while it lay in the pool."""


class LendingPool(AsyncAdaptedQueuePool):
    """As its parent. `lend` and `give_back` are for whoever leaves nothing open on a connection."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._borrowers: deque[asyncio.Future[Any]] = deque()
        self._others = 0
        self._lent_last = False

    async def lend(self) -> _ConnectionRecord:
        """A connection that is open, as far as anybody knows.

        Raises TimeoutError when none comes back in time, and whatever connecting raises.
        """
        record = await self._taken()
        if record._is_hard_or_soft_invalidated():
            try:
                await greenlet_spawn(record.get_connection)
            except BaseException:
                await asyncio.shield(self.throw_away(record))
                raise
        return record

    def give_back(self, record: _ConnectionRecord) -> None:
        """Nothing is open on it: it is another's from now on."""
        self._do_return_conn(record)

    def around(self, record: _ConnectionRecord) -> PoolProxiedConnection:
        """SQLAlchemy's own handle of what is lent: from now on that gives it back."""
        driver = record.dbapi_connection
        assert driver is not None, "it is open"
        handle = _ConnectionFairy(self, driver, record, None)
        record.fairy_ref = weakref.ref(handle, lambda _ref: None)
        handle._counter += 1
        return handle

    async def throw_away(self, record: _ConnectionRecord) -> None:
        """For one that may be mid-protocol; whoever is lent this place next connects anew."""
        try:
            await greenlet_spawn(record.invalidate)
        finally:
            self._do_return_conn(record)

    async def _taken(self) -> _ConnectionRecord:
        if not self._borrowers and not self._others:
            # Nobody waits, so that nobody is overtaken.
            with suppress(Empty):
                return self._record(self._pool.get_nowait())
        if self._overflow < self._max_overflow:
            # Not behind those who connect: they hold theirs for as long as a work takes.
            return self._record(await greenlet_spawn(self._grown))
        async with asyncio.timeout(WAIT_S):
            record = await self._waited_for()
        return self._record(record) if record is not None else await self._taken()

    async def _waited_for(self) -> Any:
        """What is handed over; None when there is a place to connect at, and nothing to hand."""
        turn: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._borrowers.append(turn)
        try:
            return await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._pass_on(turn.result())
            raise

    def _pass_on(self, record: Any) -> None:
        if record is None:
            self._hand(None)
        else:
            self._do_return_conn(record)

    def _grown(self) -> Any:
        try:
            return super()._do_get()
        except BaseException:
            # Its place is free again, and whoever waits was counting on it.
            self._hand(None)
            raise

    def _do_get(self) -> Any:
        self._others += 1
        try:
            return super()._do_get()
        finally:
            self._others -= 1
            self._hand_over()

    def _do_return_conn(self, record: Any) -> None:
        """To whoever waits: to borrowers and others by turns where both do."""
        record.info[USED] = True  # which is forgotten when it connects anew
        if not (self._others and self._lent_last) and self._hand(record):
            return
        self._lent_last = False
        super()._do_return_conn(record)

    def _hand_over(self) -> None:
        """What lies in the pool though borrowers wait: somebody gave up waiting for it."""
        while self._borrowers and not self._others and not self._pool.empty():
            record = self._pool.get_nowait()
            if not self._hand(record):
                super()._do_return_conn(record)

    def _hand(self, record: Any) -> bool:
        while self._borrowers:
            turn = self._borrowers.popleft()
            if not turn.done():
                turn.set_result(record)
                self._lent_last = True
                return True
        return False

    @staticmethod
    def _record(record: Any) -> _ConnectionRecord:
        assert isinstance(record, _ConnectionRecord), "the pool holds its own records"
        return record
