"""The platforms this process is connected to, one adapter per server, opened at first use."""

from pathlib import Path
from typing import Any
from uuid import UUID

from domain.accounts.adapters.registry import open_platform
from domain.accounts.ports import Platform, PlatformUnavailable
from domain.accounts.values import PlatformKind

_UNIX = "unix:"


class Platforms:
    """Adapters by server id. `unix:` endpoints are names in the home's run directory."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._open: dict[UUID, Platform] = {}

    def connect(self, server: Any) -> Platform:
        """The adapter of a server row, opened once."""
        known = self._open.get(server.id)
        if known is None:
            endpoint = str(server.endpoint)
            if endpoint.startswith(_UNIX):
                endpoint = f"unix://{self._run_dir / endpoint.removeprefix(_UNIX)}"
            known = self._open[server.id] = open_platform(PlatformKind(server.kind), endpoint)
        return known

    def __call__(self, server_id: UUID) -> Platform:
        """The adapter of a server; one not met yet may be asked for again in a moment."""
        known = self._open.get(server_id)
        if known is None:
            raise PlatformUnavailable("This platform server is not connected yet.")
        return known

    async def close(self) -> None:
        """Close every connection."""
        open_now, self._open = self._open, {}
        for platform in open_now.values():
            await platform.aclose()
