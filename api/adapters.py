"""Adapters of what stands outside, one per connection, opened at first use."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar
from uuid import UUID

SANDBOX = "sandbox:"
"""The endpoint of the sandbox beside this server, wherever it listens."""


class Connected(Protocol):
    """A connection as its row has it, its key sealed."""

    @property
    def id(self) -> UUID: ...
    @property
    def kind(self) -> object: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def api_key_cipher(self) -> bytes: ...


class Closable(Protocol):
    async def aclose(self) -> None: ...


C = TypeVar("C", bound=Connected)
A = TypeVar("A", bound=Closable)


class Adapters(Generic[C, A]):
    """Adapters by connection. A connection whose key or address changed gets a new one.

    `made` opens the adapter of a connection at an address.
    """

    def __init__(self, made: Callable[[C, str], A], *, sandbox_url: str) -> None:
        self._made = made
        self._sandbox_url = sandbox_url
        self._open: dict[UUID, tuple[C, A]] = {}
        self._outdated: list[A] = []

    def __call__(self, connection: C) -> A:
        """The adapter of a connection. Raises SecretUnreadable under another master key."""
        known = self._open.get(connection.id)
        if known is not None and _gist(known[0]) == _gist(connection):
            return known[1]
        if known is not None:
            # Calls through it may still be under way.
            self._outdated.append(known[1])
        is_sandbox = connection.endpoint == SANDBOX
        made = self._made(connection, self._sandbox_url if is_sandbox else connection.endpoint)
        self._open[connection.id] = (connection, made)
        return made

    async def close(self) -> None:
        """Close every adapter."""
        open_now = [*self._outdated, *(one for _, one in self._open.values())]
        self._open, self._outdated = {}, []
        for one in open_now:
            await one.aclose()


def _gist(one: Connected) -> tuple[object, str, bytes]:
    return (one.kind, one.endpoint, one.api_key_cipher)
