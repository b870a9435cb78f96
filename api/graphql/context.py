"""What the edge needs to know about a caller, and how it learns it.

The factory is called once per operation (HTTP request, SSE stream, WebSocket operation) and once
more for a socket's `connection_init`. `connection.state.request_id` holds the request's id, and
`connection.state.last_event_id` the cursor an event stream resumes from. `parameters` are the
`connection_init` payload of a socket, readable by any case (`authorization`, `Backdesk-Key`,
`Backdesk-Brand`), and None over HTTP. The factory raises `EdgeRefusal` for whom it turns away.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

from starlette.requests import HTTPConnection

from schema.shared.woven import Weave
from tenants.context import Scope


class EdgeContext(Protocol):
    """The context value of one operation, as resolvers see it and the edge uses it."""

    last_event_id: str | None
    weave: Weave | None

    @property
    def request_id(self) -> str:
        """Named in every error, header and log line of the operation."""

    @property
    def scope(self) -> Scope:
        """Who acts, for which brand, with which rights."""

    @property
    def throttle_keys(self) -> Sequence[str]:
        """`<kind>:<brand>:<id>`, the caller's own bucket first; see `api.graphql.limits`."""

    @property
    def is_holding(self) -> bool:
        """Whether there is something to give back, such as a connection."""

    async def close(self) -> None:
        """Gives back what the operation held, for good.

        Called before an answer is sent and again at the end, whatever happened.
        """


class ContextFactory(Protocol):
    """Authenticates a caller and makes the context of one operation."""

    def __call__(
        self, connection: HTTPConnection, parameters: Mapping[str, str] | None, /
    ) -> Awaitable[EdgeContext]: ...


class OriginCheck(Protocol):
    """Whether pages of an origin (`https://portal.example`) may call this API from a browser."""

    def __call__(self, origin: str, connection: HTTPConnection, /) -> Awaitable[bool]: ...
