"""Keep the last known money of accounts, and a thinned history of it for charts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from domain.accounts.commands.record_deals import AccountRow
from domain.accounts.tables import account_state, equity_point
from domain.accounts.trading import AccountState
from domain.kernel.money import round_to_minor
from tenants.bulk import insert_new, upsert_rows
from tenants.work import WriteWork

POINT_EVERY = timedelta(seconds=10)
_KEYS = ("brand_id", "account_id")
_MONEY = ("balance", "equity", "credit", "margin", "free_margin", "floating")


async def record_states(
    work: WriteWork, accounts: Mapping[int, AccountRow], states: Sequence[AccountState]
) -> None:
    """Keep each state unless a newer one is kept, and one equity point per account and 10 s."""
    if not states:
        return
    rows = [_state_row(work, accounts[one.login], one) for one in states]
    changed = tuple(name for name in rows[0] if name not in _KEYS)
    await upsert_rows(work, account_state, rows, keys=_KEYS, changed=changed, newest="as_of")
    points = [
        {
            "brand_id": row["brand_id"],
            "account_id": row["account_id"],
            "at": floor_to(row["as_of"], POINT_EVERY),
            "client_id": row["client_id"],
            "ib_path": row["ib_path"],
            "balance_minor": row["balance_minor"],
            "equity_minor": row["equity_minor"],
        }
        for row in rows
    ]
    await insert_new(work, equity_point, points, returning="account_id")


def floor_to(at: datetime, step: timedelta) -> datetime:
    """The start of the step that `at` lies in, counted from the hour."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    return hour + (at - hour) // step * step


def _state_row(work: WriteWork, account: AccountRow, one: AccountState) -> dict[str, Any]:
    money = {
        f"{name}_minor": round_to_minor(getattr(one, name), account.currency) for name in _MONEY
    }
    return {
        "brand_id": work.scope.brand_id,
        "account_id": account.id,
        "client_id": account.client_id,
        "ib_path": account.ib_path,
        "currency": account.currency,
        "as_of": one.as_of,
        "source": one.source,
        **money,
    }
