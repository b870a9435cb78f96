"""What works send to the database, by SQLAlchemy or past it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from tenants import work
from tenants.fixed import Fixed


@contextmanager
def sent_by(engine: AsyncEngine) -> Iterator[list[str]]:
    """The texts of what an engine's works send meanwhile, without their begins and ends."""
    texts: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        texts.append(statement)

    async def fetch(connection: Any, fixed: Fixed, *rest: Any) -> Any:
        if connection.engine is engine:
            texts.append(fixed.text)
        return await past_sqlalchemy(connection, fixed, *rest)

    past_sqlalchemy, work.fetch = work.fetch, fetch
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield texts
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
        work.fetch = past_sqlalchemy
