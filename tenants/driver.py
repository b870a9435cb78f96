"""Statements on the driver's protocol itself.

The driver's own calls wrap loggers, time-outs over several steps and retries around each statement,
which takes a third of its time on our side. Only the time-out of a command is set here, and the
protocol keeps that by itself. So a statement that the server has prepared is run straight away, and
all others go the driver's way. Nobody else may use the connection meanwhile. What is raised is what
the driver raises; what a migration made outdated stays so on its connection, where the driver would
prepare it anew: the caller throws the connection away, or its results never change their type.
"""

from collections.abc import Sequence
from typing import Any

from asyncpg import Record


async def value_of(driver: Any, statement: str, values: Sequence[Any]) -> Any:
    """The first value of a statement's first row; None without one."""
    prepared = _known(driver, statement, Record)
    if prepared is None:
        return await driver.fetchval(statement, *values)
    rows = await _run(driver, prepared, values, most=1)
    return rows[0][0] if rows else None


async def rows_of(
    driver: Any, statement: str, values: Sequence[Any], record_class: type[Record]
) -> Sequence[Any]:
    """A statement's rows."""
    prepared = _known(driver, statement, record_class)
    if prepared is None:
        found: Sequence[Any] = await driver.fetch(statement, *values, record_class=record_class)
        return found
    return await _run(driver, prepared, values)


async def rows_of_prepared(driver: Any, prepared: Any, values: Sequence[Any]) -> Sequence[Any]:
    """The rows of what `driver.prepare` gave."""
    return await _run(driver, prepared._state, values)


def _known(driver: Any, statement: str, record_class: type[Record]) -> Any:
    """What the driver keeps of a statement: nothing at first, once it was forgotten, or behind a
    proxy. Where somebody listens, the driver tells them itself."""
    if driver._query_loggers:
        return None
    return driver._stmt_cache.get((statement, record_class, False))


async def _run(driver: Any, state: Any, values: Sequence[Any], *, most: int = 0) -> Sequence[Any]:
    found: Sequence[Any] = await driver._protocol.bind_execute(state, values, "", most, False, None)
    return found
