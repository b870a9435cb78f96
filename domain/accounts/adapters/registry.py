"""Which adapter speaks to which kind of platform."""

from collections.abc import Callable

from domain.accounts.adapters.bridge import BridgePlatform
from domain.accounts.ports import Platform
from domain.accounts.values import PlatformKind

# The simulator is one more server behind the bridge wire.
_ADAPTERS: dict[PlatformKind, Callable[[str, str | None], Platform]] = {
    PlatformKind.SIMULATOR: lambda endpoint, token: BridgePlatform(endpoint, token=token),
}


def open_platform(kind: PlatformKind, endpoint: str, *, token: str | None = None) -> Platform:
    """The adapter of a platform server; connects at its first call. Close it when done."""
    return _ADAPTERS[kind](endpoint, token)
