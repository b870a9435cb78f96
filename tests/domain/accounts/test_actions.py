"""Which buttons an account shows: the reason is the code that the command would refuse with."""

import pytest

from domain.accounts.actions import Standing, actions_of
from domain.accounts.values import AccountAccess, AccountStatus
from domain.clients.values import ClientStatus

ALL = frozenset(
    {"accounts:leverage", "accounts:access", "accounts:password", "orders:place", "orders:close"}
)


def reasons(
    status: AccountStatus = AccountStatus.ACTIVE,
    access: AccountAccess = AccountAccess.FULL,
    client: ClientStatus = ClientStatus.ACTIVE,
    permissions: frozenset[str] = ALL,
) -> dict[str, str | None]:
    return {
        one.name: one.reason_code
        for one in actions_of(Standing(status, access, client), permissions)
    }


def test_everything_is_allowed_on_an_open_account_of_an_active_client() -> None:
    assert set(reasons().values()) == {None}


def test_without_rights_everything_is_forbidden() -> None:
    assert set(reasons(permissions=frozenset()).values()) == {"FORBIDDEN"}


@pytest.mark.parametrize(
    ("client", "code"),
    [
        (ClientStatus.RESTRICTED, "CLIENT_RESTRICTED"),
        (ClientStatus.CLOSED, "CLIENT_RESTRICTED"),
        (ClientStatus.REGISTERED, "EMAIL_NOT_VERIFIED"),
    ],
)
def test_a_client_that_may_begin_nothing_may_still_close(client: ClientStatus, code: str) -> None:
    found = reasons(client=client)
    assert (found["placeOrder"], found["changeLeverage"]) == (code, code)
    assert found["closePosition"] is None


def test_access_decides_about_opening_and_closing() -> None:
    close_only = reasons(access=AccountAccess.CLOSE_ONLY)
    assert (close_only["placeOrder"], close_only["closePosition"]) == ("TRADING_DISABLED", None)
    stopped = reasons(access=AccountAccess.NO_TRADING)
    assert stopped["placeOrder"] == stopped["closePosition"] == "TRADING_DISABLED"


def test_an_account_that_is_not_open_does_nothing() -> None:
    assert set(reasons(status=AccountStatus.OPENING).values()) == {"ACCOUNT_NOT_ACTIVE"}
