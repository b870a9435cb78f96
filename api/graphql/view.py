"""The GraphQL endpoint: HTTP here, WebSocket and event streams beside it.

Every malformed request is a 4xx with a coded error, never a 500. Nothing of an operation outlives
its request: contexts are closed in every path. Batching, multipart, @defer and @stream are off.
"""

import asyncio
from collections.abc import Mapping

import structlog
from graphql import GraphQLError, OperationType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from api.graphql.asked import AskedRequest
from api.graphql.callers import opened, request_id_of
from api.graphql.context import ContextFactory, EdgeContext, OriginCheck
from api.graphql.cors import Cors, is_preflight
from api.graphql.errors import EdgeRefusal
from api.graphql.graphiql import assets, page
from api.graphql.limits import EdgeLimits, Throttle
from api.graphql.live import Live, connection_key
from api.graphql.negotiation import Media, accepts_page, negotiate
from api.graphql.operation import (
    ANY,
    QUERIES,
    SINGLE,
    Admission,
    Answer,
    KindNotAllowed,
    Operations,
    refusal_answer,
    refused_answer,
)
from api.graphql.parameters import Malformed, Parameters, read_get, read_post
from api.graphql.sse import HEADERS as EVENT_HEADERS
from api.graphql.sse import send_events
from api.graphql.trusted import Trusted
from api.graphql.websocket import Sockets
from schema.shared.documents import DocumentRefused, ExecutableSchema
from schema.shared.plans import Plans

log = structlog.get_logger("backdesk.graphql")

PATH = "/graphql"
_HEADERS_OF_STATUS: Mapping[int, Mapping[str, str]] = {
    405: {"Allow": "GET, POST"},
    408: {"Connection": "close"},
    413: {"Connection": "close"},
}
"""A connection whose body was not read to its end can't be used again."""


class GraphQLView:
    """An ASGI application for one path.

    `context_factory` says who asks, `allow_origin` which pages may (localhost always may in
    `development`, which also shows GraphiQL). Without `plans` the executor answers everything,
    without `trusted` no document is. `live.revoke(token_id)` ends a token's connections.
    """

    def __init__(
        self,
        schema: ExecutableSchema,
        *,
        context_factory: ContextFactory,
        allow_origin: OriginCheck,
        limits: EdgeLimits | None = None,
        plans: Plans | None = None,
        trusted: Trusted | None = None,
        development: bool = False,
    ) -> None:
        self._limits = limits or EdgeLimits()
        self._factory = context_factory
        self._development = development
        self._cors = Cors(allow_origin, development=development)
        sizes = {**self._limits.buckets, "address": self._limits.strangers}
        throttle = Throttle(sizes, self._limits.max_buckets)
        self._operations = Operations(schema, self._limits, throttle, plans, trusted)
        self.live = Live(self._limits.sockets_per_token)
        self._sockets = Sockets(
            schema=schema,
            operations=self._operations,
            context_factory=context_factory,
            limits=self._limits,
            live=self.live,
            allows=self._cors.allows,
        )

    def routes(self) -> list[BaseRoute]:
        """The routes to put into an application: HTTP, WebSocket, GraphiQL's files."""
        found: list[BaseRoute] = [Route(PATH, self), WebSocketRoute(PATH, self)]
        if self._development:
            found.append(Mount(f"{PATH}/graphiql", assets()))
        return found

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """One request or socket."""
        if scope["type"] == "websocket":
            await self._sockets.serve(scope, receive, send)
            return
        request = AskedRequest(scope, receive)
        if is_preflight(request.headers, request.method):
            await (await self._preflight(request))(scope, receive, send)
            return
        request_id = request.state.request_id = request_id_of(request)
        if self._development and _wants_page(request):
            await page()(scope, receive, send)
            return
        await _Exchange(self, request, request_id).run(send)

    async def _preflight(self, request: Request) -> Response:
        try:
            return await self._cors.preflight(request)
        except Exception as fault:
            log.error("graphql_origin_unknown", exception=type(fault).__name__, exc_info=fault)
            return Response(status_code=503)


class _Exchange:
    """One HTTP request and its answer."""

    def __init__(self, view: GraphQLView, request: Request, request_id: str) -> None:
        self._view = view
        self._request = request
        self._id = request_id
        self._media = negotiate(request.headers.get("accept"))
        self._cors: Mapping[str, str] = {}
        self._started = False

    async def run(self, send: Send) -> None:
        """Answers the request, whatever it holds."""
        try:
            self._cors = await self._view._cors.headers(self._request)
            parameters = await self._read()
            throttle = self._view._operations.throttle
            async with opened(self._view._factory, self._request, None, throttle) as context:
                self._id = context.request_id
                await self._operate(parameters, context, send)
        except Malformed as malformed:
            error = GraphQLError(malformed.message, extensions={"code": "BAD_USER_INPUT"})
            answer = refused_answer([error], self._id, status=malformed.status)
            await self._send(answer, send, _HEADERS_OF_STATUS.get(malformed.status))
        except EdgeRefusal as refusal:
            await self._send(refusal_answer(refusal, self._id), send)
        except Exception as bug:
            if self._started:
                raise
            error = GraphQLError(str(bug), original_error=bug)
            await self._send(refused_answer([error], self._id, status=500), send)

    async def _read(self) -> Parameters:
        request = self._request
        if request.method not in {"GET", "POST"}:
            raise Malformed("Use GET or POST.", status=405)
        if self._media is None:
            message = "Accept application/graphql-response+json, application/json or an event"
            raise Malformed(f"{message} stream.", status=406)
        if self._media is Media.EVENTS:
            request.state.last_event_id = request.headers.get("last-event-id")
        if request.method == "GET":
            return read_get(request)
        limits = self._view._limits
        return await read_post(request, max_body=limits.max_body, seconds=limits.body_seconds)

    async def _operate(self, parameters: Parameters, context: EdgeContext, send: Send) -> None:
        operations = self._view._operations
        streaming = self._media is Media.EVENTS
        try:
            allowed = self._allowed(streaming=streaming)
            admission = await operations.admit(parameters, context, allowed)
        except DocumentRefused as refused:
            await self._send(refused_answer(refused.errors, self._id), send)
            return
        except KindNotAllowed as refused:
            await self._send_not_allowed(refused.kind, send)
            return
        if streaming:
            await self._stream(admission, context, send)
            return
        await self._send(await operations.execute(admission, context), send)

    def _allowed(self, *, streaming: bool) -> frozenset[OperationType]:
        if self._request.method == "POST":
            return ANY if streaming else SINGLE
        return (QUERIES | {OperationType.SUBSCRIPTION}) if streaming else QUERIES

    async def _send_not_allowed(self, kind: OperationType, send: Send) -> None:
        if kind is OperationType.SUBSCRIPTION:
            message = "Subscriptions travel as an event stream or over a WebSocket."
            status, headers = 400, {}
        else:
            message = "Mutations travel by POST."
            status, headers = 405, {"Allow": "POST"}
        error = GraphQLError(message, extensions={"code": "BAD_USER_INPUT"})
        await self._send(refused_answer([error], self._id, status=status), send, headers)

    async def _stream(self, admission: Admission, context: EdgeContext, send: Send) -> None:
        view = self._view
        ended = asyncio.Event()

        async def close(_code: int, _reason: str) -> None:
            ended.set()

        with view.live.joined(connection_key(context), close):
            self._started = True
            await send_events(
                view._operations.stream(admission, context),
                self._request.receive,
                send,
                headers={
                    **_common(Media.EVENTS),
                    "X-Request-Id": self._id,
                    **self._cors,
                    **EVENT_HEADERS,
                },
                limits=view._limits,
                ended=ended,
            )

    async def _send(
        self, answer: Answer, send: Send, headers: Mapping[str, str] | None = None
    ) -> None:
        answer, body = self._view._operations.encode(answer, self._id)
        media = Media.RESPONSE if self._media is Media.RESPONSE else Media.JSON
        real = answer.strict or self._media is not Media.JSON
        varying = {"X-Request-Id": self._id, "Content-Length": str(len(body))}
        shown = {**varying, **self._cors, **answer.headers, **(headers or {})}
        raw = [*_FIXED[media], *_encoded(shown)]
        status = answer.status if real else 200
        self._started = True
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})


def _common(media: Media) -> dict[str, str]:
    """Headers that all answers of a form have, and nothing else names."""
    return {
        "Content-Type": media.value,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept, Origin",
    }


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


_FIXED = {media: _encoded(_common(media)) for media in (Media.JSON, Media.RESPONSE)}


def _wants_page(request: Request) -> bool:
    return (
        request.method == "GET"
        and not {"query", "documentId"} & request.query_params.keys()
        and accepts_page(request.headers.get("accept"))
    )
