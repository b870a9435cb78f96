"""When API tokens were last used, written in batches: a read must not cost a write."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, literal, update

from domain.kernel.errors import Unavailable
from tenants.context import system_scope
from tenants.rounds import every
from tenants.tables import token
from tenants.work import Database, WriteWork

ROUND_S = 20.0


class TokenUse:
    """Tokens seen by this process since the last round. One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen: dict[UUID, set[UUID]] = {}

    def note(self, brand_id: UUID, token_id: UUID) -> None:
        """Remember that a token was just used."""
        self._seen.setdefault(brand_id, set()).add(token_id)

    async def flush(self) -> int:
        """Write what was seen, one work per brand; how many tokens. Lost when the database is."""
        seen, self._seen = self._seen, {}
        written = 0
        for brand_id, ids in seen.items():
            try:
                await self._write(brand_id, sorted(ids))
            except Unavailable:
                continue
            written += len(ids)
        return written

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Flush every 20 s while the block runs, and at its end."""
        async with every(ROUND_S, self.flush, name="token_use"):
            yield
        await self.flush()

    async def _write(self, brand_id: UUID, ids: list[UUID]) -> None:
        async def used(work: WriteWork) -> None:
            await work.rows(
                update(token)
                .where(token.c.brand_id == brand_id, token.c.id == any_(literal(ids, ARRAY(Uuid))))
                .values(used_at=work.database_now())
            )

        await self._database.write(system_scope(brand_id), used)
