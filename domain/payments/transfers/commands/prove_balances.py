"""Write down whether the ledger has what a platform has, account by account and day by day."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from domain.events import queries as log
from domain.events.values import Feed
from domain.kernel.money import Money
from domain.payments.ledger.accounts import ledger_accounts
from domain.payments.ledger.queries import balances
from domain.payments.ledger.values import AccountKey
from domain.payments.reconciliation.commands.open_discrepancy import open_discrepancy
from domain.payments.reconciliation.tables import balance_proof
from domain.payments.transfers.queries import find_consumed, find_proofs
from domain.payments.transfers.rules import is_lasting
from domain.payments.values import DiscrepancyKind
from tenants.work import WriteWork

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Told:
    """What a platform said an account has. `is_moving`: a deal of it was not recorded yet."""

    account_id: UUID
    client_id: UUID
    balance: Money
    is_moving: bool = False


async def prove_balances(
    work: WriteWork, told: Sequence[Told], *, consumer: str, feed: Feed
) -> int:
    """Compare with the ledger and keep a row each for this day; how many differ for good.

    Equal is proof at once. A difference is looked at again in the next round, since the platform
    may be ahead of what `consumer` has booked; one that lasts over three quiet looks, or sixty
    of any kind, is a discrepancy. Effects: DISCREPANCY_FOUND for those.
    """
    day = work.now().date()
    keys = {
        one.account_id: AccountKey.trading(one.account_id, one.balance.currency, one.client_id)
        for one in told
    }
    found = await ledger_accounts(work, keys.values())
    booked = await balances(work, list(found.values()))
    before = await find_proofs(work, day, list(keys))
    moving = await _moving(work, consumer, feed)
    rows, lasting = [], []
    for one in told:
        ledger = booked[found[keys[one.account_id]]]
        is_quiet = not one.is_moving and (moving is None or one.account_id not in moving)
        row = _row(work, one, ledger, before.get(one.account_id))
        rows.append(row)
        if ledger != one.balance and is_lasting(
            row["attempts"], is_quiet=is_quiet and moving is not None
        ):
            lasting.append((one, ledger))
    await _keep(work, rows)
    for one, ledger in lasting:
        await open_discrepancy(
            work,
            DiscrepancyKind.PLATFORM_DIFFERS,
            subject=f"account:{one.account_id.hex}",
            account_id=one.account_id,
            expected=ledger,
            actual=one.balance,
            facts={"day": day.isoformat()},
        )
    return len(lasting)


async def _moving(work: WriteWork, consumer: str, feed: Feed) -> Collection[UUID | None] | None:
    """Accounts whose recorded deals wait to be booked; None when they are too many to tell."""
    waiting = await log.page(work, await find_consumed(work, consumer), limit=_PAGE, feed=feed)
    return None if len(waiting) == _PAGE else {one.object_id for one in waiting}


def _row(work: WriteWork, one: Told, ledger: Money, before: Any) -> dict[str, Any]:
    return {
        "brand_id": work.scope.brand_id,
        "day": work.now().date(),
        "account_id": one.account_id,
        "currency": ledger.currency,
        "ledger_minor": ledger.amount_minor,
        "platform_minor": one.balance.amount_minor,
        "attempts": 1 if before is None else before.attempts + 1,
        "proved_at": work.now(),
    }


async def _keep(work: WriteWork, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    upsert = insert(balance_proof).values(list(rows))
    names = ("currency", "ledger_minor", "platform_minor", "attempts", "proved_at")
    await work.rows(
        upsert.on_conflict_do_update(
            index_elements=["brand_id", "day", "account_id"],
            set_={name: upsert.excluded[name] for name in names},
        )
    )
