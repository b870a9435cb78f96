"""The stream of the bridge wire: deals after a cursor, then everything live, on one WebSocket.

Each message is one JSON object with a `type`. Deals come in the order of their cursors and none is
left out; the rest is live only. Account states and quotes are conflated: the newest, at most four
times a second. After five silent seconds comes a heartbeat.
"""

import asyncio
from contextlib import suppress

import orjson
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from simulator import shapes
from simulator.engine import Engine
from simulator.hub import Hub, Listener
from simulator.shapes import Json
from simulator.store import Store, StoreDown

HEARTBEAT_SECONDS = 5.0
_PAGE = 500
_TRY_AGAIN, _RESTART, _BAD_CURSOR = 1013, 1012, 1008


async def stream(socket: WebSocket) -> None:
    """Serves one listener until it leaves, falls behind, or the database fails."""
    await socket.accept()
    after = socket.query_params.get("after", "")
    if not (after == "" or (after.isascii() and after.isdigit() and len(after) <= 18)):
        await socket.close(_BAD_CURSOR, "bad cursor")
        return
    hub: Hub = socket.app.state.hub
    listener = hub.join()
    reading = asyncio.create_task(_until_gone(socket, listener))
    try:
        await _serve(socket, listener, int(after or 0))
    except StoreDown:
        await _close(socket, _TRY_AGAIN, "database away")
    except WebSocketDisconnect:
        pass
    finally:
        hub.leave(listener)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


async def _until_gone(socket: WebSocket, listener: Listener) -> None:
    """Nothing is asked on this socket; reading it notices that the other side has gone."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        continue
    listener.end("gone")


async def _serve(socket: WebSocket, listener: Listener, after: int) -> None:
    engine: Engine = socket.app.state.engine
    store: Store = socket.app.state.store
    # Deals up to the mark come from the store; the listener has joined, so later ones are queued.
    mark = engine.book.last_deal
    hello = {"cursor": str(after), "live_from": str(mark), "at": shapes.plain(engine.look().now)}
    await _send(socket, shapes.message("hello", hello))
    while after < mark and (deals := await store.deals_after(after, limit=_PAGE)):
        for deal in deals:
            after = deal.deal_id
            if after <= mark:
                await _send(socket, shapes.message("deal", shapes.deal(deal)))
    for message in engine.snapshot():
        await _send(socket, message)
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                sent = await listener.queue.get()
        except TimeoutError:
            beat = {"at": shapes.plain(engine.look().now)}
            await _send(socket, shapes.message("heartbeat", beat))
            continue
        if sent is None:
            if listener.reason != "gone":
                await _close(socket, _RESTART, listener.reason)
            return
        if not 0 < sent.deal_id <= mark:
            await socket.send_text(sent.text)


async def _send(socket: WebSocket, message: Json) -> None:
    await socket.send_text(orjson.dumps(message).decode())


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    # The other side may have gone first.
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code, reason)


ROUTES = [WebSocketRoute("/v1/stream", stream)]
