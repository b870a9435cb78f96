"""Tests talk to this machine only: any other address is refused before a packet leaves."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LOCAL_NAMES = frozenset({"", "localhost", "localhost.localdomain"})


class OutsideCall(RuntimeError):
    """A test tried to reach another machine. Use a fake from `tests/fakes` instead."""


@contextmanager
def only() -> Iterator[None]:
    """Refuse connections and name look-ups that are not local, for the whole process."""
    connect, connect_ex, resolve = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _check(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _check(self.family, address)
        return connect_ex(self, address)

    def guarded_resolve(host: Any, *rest: Any, **named: Any) -> Any:
        if not is_local(host):
            raise OutsideCall(f"look-up of {host!r}")
        return resolve(host, *rest, **named)

    socket.socket.connect = guarded_connect  # type: ignore[method-assign] # the guard
    socket.socket.connect_ex = guarded_connect_ex  # type: ignore[method-assign] # the guard
    socket.getaddrinfo = guarded_resolve
    try:
        yield
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign] # as it was
        socket.socket.connect_ex = connect_ex  # type: ignore[method-assign] # as it was
        socket.getaddrinfo = resolve


def is_local(host: Any) -> bool:
    """Whether a host name or address is this machine."""
    text = host.decode() if isinstance(host, bytes) else str(host or "")
    if text.lower() in LOCAL_NAMES or text.lower().endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _check(family: int, address: Any) -> None:
    if family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
        raise OutsideCall(f"connection to {address[0]!r}")
