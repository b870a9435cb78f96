"""What works send to the database, by SQLAlchemy or past it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from tenants.fixed import Fixed
from tenants.held import Held


@contextmanager
def sent_by(engine: AsyncEngine) -> Iterator[list[str]]:
    """The texts of what an engine's works send meanwhile, without their begins and ends."""
    texts: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        texts.append(statement)

    async def rows(held: Held, statement: Any, *rest: Any) -> Any:
        if held.engine is engine and isinstance(statement, Fixed):
            texts.append(statement.text)
        return await all_rows(held, statement, *rest)

    async def last(held: Held, statement: Fixed, *rest: Any) -> Any:
        if held.engine is engine:
            texts.append(statement.text)
        return await all_last(held, statement, *rest)

    async def first(held: Held, opening: Any, statement: Fixed) -> Any:
        if held.engine is engine:
            texts.append(statement.text)
        return await all_first(held, opening, statement)

    async def later(held: Held, statement: Fixed, *rest: Any) -> None:
        if held.engine is engine:
            texts.append(statement.text)
        await all_later(held, statement, *rest)

    all_first, Held.begin_with = Held.begin_with, first  # type: ignore[method-assign]
    all_rows, Held.rows = Held.rows, rows  # type: ignore[method-assign]
    all_later, Held.later = Held.later, later  # type: ignore[method-assign]
    all_last, Held.commit_with = Held.commit_with, last  # type: ignore[method-assign]
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield texts
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
        Held.rows = all_rows  # type: ignore[method-assign]
        Held.later = all_later  # type: ignore[method-assign]
        Held.begin_with = all_first  # type: ignore[method-assign]
        Held.commit_with = all_last  # type: ignore[method-assign]
