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

    all_rows, Held.rows = Held.rows, rows  # type: ignore[method-assign]
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield texts
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
        Held.rows = all_rows  # type: ignore[method-assign]
