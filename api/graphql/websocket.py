"""GraphQL over WebSocket: graphql-transport-ws only, one socket for many operations.

Strawberry's handler with these repairs: a bad document fails alone, malformed messages close with
4400, ping payloads are echoed, text frames only, every operation has its own context and is
authenticated again, a client that stops reading is dropped. Close codes: docs/graphql/sockets.md.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import orjson
import structlog
from graphql import GraphQLError
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import (
    NonJsonMessageReceived,
    NonTextMessageReceived,
    WebSocketDisconnected,
)
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    PingMessage,
    SubscribeMessage,
)

from api.graphql.callers import opened, request_id_of, with_state
from api.graphql.context import ContextFactory
from api.graphql.errors import EdgeRefusal
from api.graphql.limits import EdgeLimits
from api.graphql.live import Live, connection_key
from api.graphql.operation import ANY, Answer, Operations, refusal_answer, refused_answer
from api.graphql.parameters import Malformed, check
from domain.kernel.ids import new_uuid
from schema.shared.documents import DocumentRefused, ExecutableSchema

log = structlog.get_logger("backdesk.graphql")

NOT_ACCEPTABLE = 4406
BAD_MESSAGE = 4400
FORBIDDEN = 4403
TOO_MANY = 4429
TRY_LATER = 1013
TOO_BIG = 1009
_CREDENTIALS = ("authorization", "backdesk-key", "backdesk-brand")


@dataclass(frozen=True, slots=True)
class Sockets:
    """What every socket of the process shares."""

    schema: ExecutableSchema
    operations: Operations
    context_factory: ContextFactory
    limits: EdgeLimits
    live: Live
    allows: Callable[[HTTPConnection], Awaitable[bool]]

    async def serve(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """One socket from handshake to end. A foreign origin's handshake is answered 403."""
        socket = WebSocket(scope, receive, send)
        if not await self.allows(socket):
            await socket.close()
            return
        if GRAPHQL_TRANSPORT_WS_PROTOCOL not in scope["subprotocols"]:
            await socket.accept()
            await socket.close(NOT_ACCEPTABLE, "Subprotocol not acceptable")
            return
        await socket.accept(subprotocol=GRAPHQL_TRANSPORT_WS_PROTOCOL)
        adapter = SocketAdapter(socket, self.limits)
        handler = SocketHandler(self, adapter)
        handling = asyncio.ensure_future(handler.handle())
        stalling = asyncio.ensure_future(adapter.stalled.wait())
        try:
            await asyncio.wait({handling, stalling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (stalling, handling):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


class SocketAdapter(ASGIWebSocketAdapter):
    """Text frames in and out. `stalled` is set when the client takes no frame in time."""

    def __init__(self, socket: WebSocket, limits: EdgeLimits) -> None:
        self.ws = socket
        self.stalled = asyncio.Event()
        self._limits = limits

    async def iter_json(
        self, *, ignore_parsing_errors: bool = False
    ) -> AsyncGenerator[object, None]:
        """The client's messages, decoded, until it leaves."""
        while self.ws.application_state is not WebSocketState.DISCONNECTED:
            try:
                message = await self.ws.receive()
            except (WebSocketDisconnect, RuntimeError):
                return
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                raise NonTextMessageReceived
            if len(text) > self._limits.max_body:
                await self.close(TOO_BIG, "Message too big")
                return
            try:
                yield orjson.loads(text)
            except orjson.JSONDecodeError as error:
                raise NonJsonMessageReceived from error

    async def send_json(self, message: Mapping[str, object]) -> None:
        """One text frame, taken by the client within the write time-out."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        text = orjson.dumps(message).decode()
        try:
            async with asyncio.timeout(self._limits.write_seconds):
                await self.ws.send_text(text)
        except TimeoutError:
            self.stalled.set()
            raise WebSocketDisconnected from None
        except WebSocketDisconnect as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Closes once; a second close, or one after the client left, is nothing.

        A client that does not take the closing frame in time is dropped.
        """
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            return
        try:
            async with asyncio.timeout(self._limits.write_seconds):
                await self.ws.close(code, reason)
        except WebSocketDisconnect:
            return
        except TimeoutError:
            self.stalled.set()


class SocketHandler(BaseGraphQLTransportWSHandler[Any, None]):
    """One socket's protocol."""

    def __init__(self, sockets: Sockets, adapter: SocketAdapter) -> None:
        super().__init__(
            view=cast(Any, sockets),  # only its `on_ws_connect` is ever used, and not by us
            websocket=adapter,
            context=None,
            root_value=None,
            schema=sockets.schema,
            connection_init_wait_timeout=timedelta(seconds=sockets.limits.init_seconds),
        )
        self._sockets = sockets
        self._adapter = adapter
        self._credentials: Headers = Headers({})
        self._membership = ExitStack()

    async def shutdown(self) -> None:
        """Cancels the socket's operations and waits until each gave back what it held."""
        self._membership.close()
        await super().shutdown()

    async def handle_message(self, message: Message) -> None:
        """Dispatches a message; one of the wrong shape closes the socket with 4400."""
        fault = _fault_of(message)
        if fault:
            await self.handle_invalid_message(fault)
            return
        await super().handle_message(message)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Authenticates the socket and acknowledges it, or closes it with the code of why not."""
        if self.connection_timed_out:
            return
        if self.connection_init_received:
            await self.websocket.close(TOO_MANY, "Too many initialisation requests")
            return
        self.connection_init_received = True
        if self.connection_init_timeout_task:
            self.connection_init_timeout_task.cancel()
        payload = message.get("payload") or {}
        self._credentials = Headers(
            {name: str(value) for name, value in payload.items() if name.lower() in _CREDENTIALS}
        )
        try:
            async with self._context() as context:
                key = connection_key(context)
                joined = self._sockets.live.joined(key, self._adapter.close)
                self._membership.enter_context(joined)
        except EdgeRefusal as refusal:
            await self.websocket.close(_close_code(refusal), _reason(refusal))
            return
        await self.send_message({"type": "connection_ack"})
        self.connection_acknowledged = True

    async def handle_ping(self, message: PingMessage) -> None:
        """Answers with the ping's own payload."""
        payload = message.get("payload")
        pong: dict[str, Any] = {"type": "pong"}
        if payload is not None:
            pong["payload"] = payload
        await self.send_message(cast(Message, pong))

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Starts an operation; one too many fails alone."""
        most = self._sockets.limits.subscriptions_per_socket
        known = message["id"] in self.operations
        if self.connection_acknowledged and not known and len(self.operations) >= most:
            refusal = EdgeRefusal("THROTTLED", 429, f"More than {most} operations on one socket.")
            answer = refusal_answer(refusal, new_uuid().hex)
            await self.send_message(_error(message["id"], answer))
            return
        # Strawberry keeps no documentId: the payload stands for the text until it is read.
        payload = cast(Any, {"query": message["payload"]})
        await super().handle_subscribe(cast(Any, {**message, "payload": payload}))

    async def cleanup_operation(self, operation_id: str) -> None:
        """Cancels an operation the client has ended; it says nothing more, whatever it meets."""
        if operation_id in self.operations:
            self.operations[operation_id].completed = True
        await super().cleanup_operation(operation_id)

    async def run_operation(self, operation: Operation[Any, None]) -> None:
        """One operation under a context of its own; whatever fails, the others go on."""
        request_id = new_uuid().hex
        try:
            await self._run(operation, request_id)
        except WebSocketDisconnected:
            return
        except EdgeRefusal as refusal:
            if refusal.code == "UNAUTHENTICATED":
                await self.websocket.close(FORBIDDEN, _reason(refusal))
                return
            await self._fail(operation, refusal_answer(refusal, request_id))
        except DocumentRefused as refused:
            await self._fail(operation, refused_answer(refused.errors, request_id))
        except Malformed as malformed:
            error = GraphQLError(malformed.message, extensions={"code": "BAD_USER_INPUT"})
            await self._fail(operation, refused_answer([error], request_id))
        except Exception as bug:
            error = GraphQLError(str(bug), original_error=bug)
            await self._fail(operation, refused_answer([error], request_id))

    async def _run(self, operation: Operation[Any, None], request_id: str) -> None:
        parameters = check(operation.query)
        operations = self._sockets.operations
        async with self._context(request_id) as context:
            admission = await operations.admit(parameters, context, ANY)
            async with aclosing(operations.stream(admission, context)) as answers:
                async for answer in answers:
                    if answer.refused:
                        await operation.send_operation_message(_error(operation.id, answer))
                        return
                    await operation.send_operation_message(_next(operation.id, answer))
        await operation.send_operation_message({"id": operation.id, "type": "complete"})

    def _context(self, request_id: str | None = None) -> Any:
        socket = self._adapter.ws
        connection = with_state(socket.scope, request_id=request_id or request_id_of(socket))
        sockets = self._sockets
        return opened(
            sockets.context_factory, connection, self._credentials, sockets.operations.throttle
        )

    async def _fail(self, operation: Operation[Any, None], answer: Answer) -> None:
        with suppress(WebSocketDisconnected):
            await operation.send_operation_message(_error(operation.id, answer))

    async def handle_task_exception(self, error: Exception) -> None:
        """Logs a fault of the socket itself; operations answer for their own."""
        log.error("graphql_socket_error", exception=type(error).__name__, exc_info=error)


def _fault_of(message: object) -> str | None:
    """Why a message can't be one of the protocol; None when its shape is right."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "A message must be an object with a type"
    kind, payload = message["type"], message.get("payload")
    if kind in {"connection_init", "ping", "pong"}:
        if not isinstance(payload, dict | None):
            return "A payload must be an object"
        if kind == "connection_init" and not _has_text_credentials(payload or {}):
            return "Credentials must be strings"
        return None
    if kind in {"subscribe", "complete"}:
        if not isinstance(message.get("id"), str) or not message["id"]:
            return "An id must be a non-empty string"
        if kind == "subscribe" and not _is_operation(payload):
            return "Malformed subscribe payload"
        return None
    return "Unknown message type"


def _has_text_credentials(payload: dict[str, Any]) -> bool:
    return all(
        isinstance(value, str) and value.isascii()
        for name, value in payload.items()
        if name.lower() in _CREDENTIALS and value is not None
    )


def _is_operation(payload: object) -> bool:
    return (
        isinstance(payload, dict)
        and isinstance(payload.get("query"), str | None)
        and isinstance(payload.get("documentId"), str | None)
        and (payload.get("query") is not None or payload.get("documentId") is not None)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
        and isinstance(payload.get("extensions"), dict | None)
    )


def _next(operation_id: str, answer: Answer) -> Message:
    return cast(Message, {"id": operation_id, "type": "next", "payload": answer.payload})


def _error(operation_id: str, answer: Answer) -> Message:
    return cast(Message, {"id": operation_id, "type": "error", "payload": answer.payload["errors"]})


def _close_code(refusal: EdgeRefusal) -> int:
    return {"THROTTLED": TOO_MANY, "UNAVAILABLE": TRY_LATER}.get(refusal.code, FORBIDDEN)


def _reason(refusal: EdgeRefusal) -> str:
    """Close reasons hold at most 123 bytes."""
    return f"{refusal.code}: {refusal.message}".encode()[:123].decode(errors="ignore")
