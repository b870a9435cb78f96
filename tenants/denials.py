"""The audit of denied attempts: the first at once, repeats within the minute as one row at its end.

A caller that hammers a door it may not open writes two rows a minute, not a row per knock. Counts
live in this process; `running` writes those whose minute is over, `close` the rest.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from domain.kernel.errors import DomainError
from tenants.context import ActorKind, Scope
from tenants.log import Change
from tenants.refusals import Unauthenticated
from tenants.rounds import every
from tenants.tokens import NO_BRAND
from tenants.values import Outcome
from tenants.work import Database, WriteWork

WINDOW_S = 60.0
_COUNTED_MAX = 50_000
_FLUSH_S = 1.0

log = structlog.get_logger("backdesk.denials")

Key = tuple[UUID, ActorKind, UUID | None, str]


@dataclass(slots=True)
class _Window:
    scope: Scope
    began_at: float
    repeats: int = 0


class Denials:
    """Denied attempts of this process, by (brand, actor, operation). One per process."""

    def __init__(
        self, database: Database, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._windows: dict[Key, _Window] = {}

    async def denied(self, scope: Scope, operation: str) -> None:
        """Put an attempt on record. Attempts that name no brand belong to nobody's trail."""
        if scope.brand_id == NO_BRAND:
            return
        key: Key = (scope.brand_id, scope.actor.kind, scope.actor.id, operation)
        window = self._windows.get(key)
        if window is not None and self._monotonic() - window.began_at < WINDOW_S:
            window.repeats += 1
            return
        if len(self._windows) >= _COUNTED_MAX and key not in self._windows:
            await self.flush(everything=True)
        self._windows[key] = _Window(scope, self._monotonic())
        if window is not None and window.repeats:
            await self._write(window, operation, window.repeats)
        await self._write(self._windows[key], operation, 1)

    async def flush(self, *, everything: bool = False) -> int:
        """Write the repeats whose minute is over; how many rows that were."""
        now = self._monotonic()
        over = [
            (key, window)
            for key, window in self._windows.items()
            if everything or now - window.began_at >= WINDOW_S
        ]
        for key, _window in over:
            del self._windows[key]
        written = [(key, window) for key, window in over if window.repeats]
        for key, window in written:
            await self._write(window, key[3], window.repeats)
        return len(written)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write what is over each second while the block runs, and the rest at its end."""
        async with every(_FLUSH_S, self.flush, name="denials"):
            yield
        await self.close()

    async def close(self) -> None:
        """Write everything that is still counted."""
        await self.flush(everything=True)

    async def _write(self, window: _Window, operation: str, repeats: int) -> None:
        """One row in its own small work; a brand without database loses it to the log."""
        change = Change(operation, outcome=Outcome.DENIED, repeats=repeats)

        async def record(work: WriteWork) -> None:
            work.audit(change)

        scope = replace(window.scope, policy_version=0)
        try:
            try:
                await self._database.write(scope, record)
            except Unauthenticated:
                # The token was revoked meanwhile; the attempt stands all the same.
                await self._database.write(replace(scope, token_id=None), record)
        except DomainError as error:
            log.warning(
                "denial_not_recorded",
                brand=scope.brand_id.hex,
                operation=operation,
                repeats=repeats,
                code=error.code,
            )
