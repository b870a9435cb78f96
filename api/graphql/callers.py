"""Opens and closes the context of each operation, whatever becomes of the operation."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from starlette.requests import HTTPConnection
from starlette.types import Scope as AsgiScope

from api.graphql.context import ContextFactory, EdgeContext
from api.graphql.errors import EdgeRefusal
from api.graphql.limits import Throttle
from domain.kernel.ids import new_hex
from tenants.throttle import network_of

STRANGER_COST = 10
"""What a credential that turns out wrong costs the address it came from: a read each."""
_STRANGERS = frozenset({"UNAUTHENTICATED", "FORBIDDEN"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def request_id_of(connection: HTTPConnection) -> str:
    """The caller's own X-Request-Id when it is well-formed, else a new one."""
    given = connection.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_hex()


def with_state(scope: AsgiScope, **state: str | None) -> HTTPConnection:
    """The connection of one operation: the same scope with a state of its own."""
    return HTTPConnection({**scope, "state": {**scope.get("state", {}), **state}})


@asynccontextmanager
async def opened(
    factory: ContextFactory,
    connection: HTTPConnection,
    parameters: Mapping[str, str] | None,
    throttle: Throttle,
) -> AsyncGenerator[EdgeContext, None]:
    """The context of one operation; closed in the end, also when the operation is cancelled."""
    context = await _identified(factory, connection, parameters, throttle)
    try:
        last_event_id = getattr(connection.state, "last_event_id", None)
        if last_event_id is not None:
            context.last_event_id = last_event_id
        yield context
    finally:
        await closed(context)


async def closed(context: EdgeContext) -> None:
    """Close a context, also while its operation is cancelled. One that holds nothing waits for
    nothing, so that there is nothing to shield."""
    if context.is_holding:
        await asyncio.shield(context.close())
    else:
        await context.close()


async def _identified(
    factory: ContextFactory,
    connection: HTTPConnection,
    parameters: Mapping[str, str] | None,
    throttle: Throttle,
) -> EdgeContext:
    """Who asks. Charged to the address before anything is looked up, given back to who may in."""
    address = connection.client.host if connection.client else ""
    keys = (f"address:all:{network_of(address)}",)
    throttle.take(keys, STRANGER_COST)
    try:
        context = await factory(connection, parameters)
    except EdgeRefusal as refusal:
        if refusal.code not in _STRANGERS:
            throttle.refund(keys, STRANGER_COST)
        raise
    except BaseException:
        throttle.refund(keys, STRANGER_COST)
        raise
    throttle.refund(keys, STRANGER_COST)
    return context
