"""What an actor can do with an account now, and why not: pure, and the same as commands decide."""

from dataclasses import dataclass

from domain.accounts.values import AccountAccess, AccountStatus
from domain.clients.actions import Possible
from domain.clients.values import ClientStatus

# Action → the permission it takes.
_TAKES = {
    "changeLeverage": "accounts:leverage",
    "changeAccess": "accounts:access",
    "changePasswords": "accounts:password",
    "placeOrder": "orders:place",
    "closePosition": "orders:close",
}
_OPEN_TO = {
    "placeOrder": frozenset({AccountAccess.FULL}),
    "closePosition": frozenset({AccountAccess.FULL, AccountAccess.CLOSE_ONLY}),
}


_BEGINS = frozenset({"changeLeverage", "placeOrder"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What actions on an account depend on."""

    status: AccountStatus
    access: AccountAccess
    client: ClientStatus


def actions_of(standing: Standing, permissions: frozenset[str]) -> tuple[Possible, ...]:
    """Every action on an account in that state, for somebody with these permissions."""
    return tuple(
        Possible(name, _against(name, standing) if needed in permissions else "FORBIDDEN")
        for name, needed in _TAKES.items()
    )


def _against(name: str, standing: Standing) -> str | None:
    if name in _BEGINS and standing.client is ClientStatus.REGISTERED:
        return "EMAIL_NOT_VERIFIED"
    if name in _BEGINS and standing.client is not ClientStatus.ACTIVE:
        return "CLIENT_RESTRICTED"
    access = standing.access
    if standing.status is not AccountStatus.ACTIVE:
        return "ACCOUNT_NOT_ACTIVE"
    if name in _OPEN_TO and access not in _OPEN_TO[name]:
        return "TRADING_DISABLED"
    return None
