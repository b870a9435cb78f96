"""The PSPs this process speaks to: one adapter per connection, opened at first use."""

from uuid import UUID

from domain.payments.adapters.registry import open_psp
from domain.payments.ports import Psp
from domain.payments.queries import Connection
from domain.payments.secrets import open_api_key
from tenants.secrets import Vault

SANDBOX = "sandbox:"
"""The endpoint of the sandbox beside this server, wherever it listens."""


class Psps:
    """Adapters by connection. A connection whose key or address changed gets a new one."""

    def __init__(self, vault: Vault, *, sandbox_url: str) -> None:
        self._vault = vault
        self._sandbox_url = sandbox_url
        self._open: dict[UUID, tuple[Connection, Psp]] = {}
        self._outdated: list[Psp] = []

    def __call__(self, connection: Connection) -> Psp:
        """The adapter of a connection. Raises SecretUnreadable under another master key."""
        known = self._open.get(connection.id)
        if known is not None and _is_same(known[0], connection):
            return known[1]
        if known is not None:
            # Calls through it may still be under way.
            self._outdated.append(known[1])
        is_sandbox = connection.endpoint == SANDBOX
        endpoint = self._sandbox_url if is_sandbox else connection.endpoint
        key = open_api_key(self._vault, connection)
        made = open_psp(connection.kind, endpoint, api_key=key)
        self._open[connection.id] = (connection, made)
        return made

    async def close(self) -> None:
        """Close every adapter."""
        open_now = [*self._outdated, *(psp for _, psp in self._open.values())]
        self._open, self._outdated = {}, []
        for psp in open_now:
            await psp.aclose()


def _is_same(one: Connection, other: Connection) -> bool:
    return (one.kind, one.endpoint, one.api_key_cipher) == (
        other.kind,
        other.endpoint,
        other.api_key_cipher,
    )
