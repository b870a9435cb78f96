"""What an actor can do with a client now, and why not: pure, and the same as commands decide."""

from dataclasses import dataclass

from domain.clients.values import ClientStatus

# Action → the permission it takes.
_TAKES = {
    "update": "clients:write",
    "assign": "clients:assign",
    "note": "notes:write",
}
_ON_CLOSED = frozenset({"note"})


@dataclass(frozen=True, slots=True)
class Possible:
    """An action with the code of what stands against it."""

    name: str
    reason_code: str | None = None

    @property
    def allowed(self) -> bool:
        return self.reason_code is None


def actions_of(status: ClientStatus, permissions: frozenset[str]) -> tuple[Possible, ...]:
    """Every action on a client of that status, for somebody with these permissions."""
    return tuple(
        Possible(name, _against(name, needed, status, permissions))
        for name, needed in _TAKES.items()
    )


def _against(
    name: str, needed: str, status: ClientStatus, permissions: frozenset[str]
) -> str | None:
    if needed not in permissions:
        return "FORBIDDEN"
    if status is ClientStatus.CLOSED and name not in _ON_CLOSED:
        return "CLIENT_CLOSED"
    return None
