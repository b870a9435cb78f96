"""What an actor can do with an account now, and why not: pure, and the same as commands decide."""

from domain.accounts.values import AccountAccess, AccountStatus
from domain.clients.actions import Possible

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


def actions_of(
    status: AccountStatus, access: AccountAccess, permissions: frozenset[str]
) -> tuple[Possible, ...]:
    """Every action on an account in that state, for somebody with these permissions."""
    return tuple(
        Possible(
            name,
            _against(name, status, access) if needed in permissions else "FORBIDDEN",
        )
        for name, needed in _TAKES.items()
    )


def _against(name: str, status: AccountStatus, access: AccountAccess) -> str | None:
    if status is not AccountStatus.ACTIVE:
        return "ACCOUNT_NOT_ACTIVE"
    if name in _OPEN_TO and access not in _OPEN_TO[name]:
        return "TRADING_DISABLED"
    return None
