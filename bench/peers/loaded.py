"""The session of one request of a plain server, and its loaders: one statement for each level."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from strawberry.dataloader import DataLoader

from bench.peers.mapped import Account, Client, Ib, Note, Payment, State

Listed = tuple[UUID, int]
"""Whose rows, and how many of them."""


class Work:
    """One session, whose statements wait for each other; the brand is set on its transaction."""

    def __init__(self, session: AsyncSession, brand: UUID) -> None:
        self.brand = brand
        self._session = session
        self._turn = asyncio.Lock()
        self._has_begun = False
        self.accounts: DataLoader[Listed, list[Account]] = DataLoader(self._accounts)
        self.payments: DataLoader[Listed, list[Payment]] = DataLoader(self._payments)
        self.children: DataLoader[Listed, list[Ib]] = DataLoader(self._children)
        self.states: DataLoader[UUID, State | None] = DataLoader(self._states)
        self.clients: DataLoader[UUID, Client] = DataLoader(self._clients)

    async def rows(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Any]:
        """The rows of a statement, after those of the statement before."""
        async with self._turn:
            await self._begin()
            return (await self._session.execute(statement)).all()

    async def note(self, client_id: UUID, body: str) -> Note:
        """Write a note on a client."""
        made = Note(brand_id=self.brand, id=uuid4(), client_id=client_id, body=body,
                    created_at=datetime.now(UTC))  # fmt: skip
        async with self._turn:
            await self._begin()
            self._session.add(made)
            await self._session.flush()
        return made

    async def _begin(self) -> None:
        if not self._has_begun:
            asked = text("select set_config('app.brand_id', :brand, true)")
            await self._session.execute(asked, {"brand": str(self.brand)})
            self._has_begun = True

    async def _accounts(self, keys: list[Listed]) -> list[list[Account]]:
        return await self._below(Account, "client_id", keys)

    async def _payments(self, keys: list[Listed]) -> list[list[Payment]]:
        return await self._below(Payment, "client_id", keys)

    async def _children(self, keys: list[Listed]) -> list[list[Ib]]:
        return await self._below(Ib, "parent_id", keys)

    async def _below(self, kind: Any, on: str, keys: list[Listed]) -> list[list[Any]]:
        """The first rows below each key, newest first: numbered within each key."""
        up = getattr(kind, on)
        place = func.row_number().over(
            partition_by=up, order_by=(kind.created_at.desc(), kind.id.desc())
        )
        numbered = (
            select(kind, place.label("place"))
            .where(kind.brand_id == self.brand, up.in_([key for key, _ in keys]))
            .subquery()
        )
        shown = aliased(kind, numbered)
        statement = select(shown).where(numbered.c.place <= max(first for _, first in keys))
        found: dict[UUID, list[Any]] = defaultdict(list)
        for (row,) in await self.rows(statement.order_by(numbered.c.place)):
            found[getattr(row, on)].append(row)
        return [found[key] for key, _ in keys]

    async def _states(self, keys: list[UUID]) -> list[State | None]:
        asked = select(State).where(State.brand_id == self.brand, State.account_id.in_(keys))
        found = {row.account_id: row for (row,) in await self.rows(asked)}
        return [found.get(key) for key in keys]

    async def _clients(self, keys: list[UUID]) -> list[Client]:
        asked = select(Client).where(Client.brand_id == self.brand, Client.id.in_(keys))
        found = {row.id: row for (row,) in await self.rows(asked)}
        return [found[key] for key in keys]
