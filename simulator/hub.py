"""Who listens to the stream, and what is sent to them. Bounded: a slow reader is cut off."""

import asyncio
from dataclasses import dataclass, field

import orjson

from simulator.faults import FaultKind, Faults
from simulator.shapes import Json

_QUEUE_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Sent:
    """One encoded message; `deal_id` is zero unless it is a deal."""

    text: str
    deal_id: int = 0


@dataclass(eq=False, slots=True)
class Listener:
    """One socket's queue. None in it means: close, with `reason`."""

    queue: asyncio.Queue[Sent | None] = field(
        default_factory=lambda: asyncio.Queue(maxsize=_QUEUE_MAX)
    )
    reason: str = ""

    def offer(self, sent: Sent) -> None:
        if self.queue.full():
            self.end("slow reader")
        elif not self.reason:
            self.queue.put_nowait(sent)

    def end(self, reason: str) -> None:
        """Empties the queue and ends the socket."""
        self.reason = reason
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Hub:
    """Encodes each message once and offers it to every listener."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._listeners: set[Listener] = set()
        self._late: list[Sent] = []

    @property
    def has_listeners(self) -> bool:
        return bool(self._listeners)

    def join(self) -> Listener:
        listener = Listener()
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)

    def publish(self, message: Json, *, deal_id: int = 0) -> None:
        sent = Sent(orjson.dumps(message).decode(), deal_id)
        if deal_id and self._faults.take(FaultKind.LATE_DEALS):
            self._late.append(sent)
            return
        copies = 2 if deal_id and self._faults.take(FaultKind.DUPLICATE_DEALS) else 1
        late, self._late = (self._late, []) if deal_id else ([], self._late)
        for each in [*[sent] * copies, *late]:
            for listener in self._listeners:
                listener.offer(each)

    def cut(self, reason: str) -> None:
        """Ends every stream; whoever listens comes back with its cursor."""
        for listener in self._listeners:
            listener.end(reason)
