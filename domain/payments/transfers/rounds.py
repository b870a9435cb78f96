"""Rounds of the worker: proving balances, making negative ones good, telling open outcomes.

Platforms are asked outside every work; what they say is written down after.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import structlog

from domain.accounts.carry_out import Platforms
from domain.accounts.ports import Platform, PlatformRefused, PlatformUnavailable
from domain.accounts.queries import find_cursor, list_live_accounts, list_protected_debts
from domain.accounts.trading import AccountState
from domain.events.values import Feed
from domain.kernel.errors import Conflict
from domain.kernel.money import Money, round_to_minor
from domain.payments.reconciliation.commands.open_discrepancy import open_discrepancy
from domain.payments.transfers.commands.protect_balance import Debt, protect_balance
from domain.payments.transfers.commands.prove_balances import Told, prove_balances
from domain.payments.transfers.consumers import DEALS
from domain.payments.transfers.queries import find_proofs, list_doubtful
from domain.payments.values import DiscrepancyKind
from tenants.context import NO_BRAND, system_scope
from tenants.work import Database, WriteWork

DOUBTFUL_AFTER: Final = timedelta(minutes=30)
_CHUNK = 200
_FEED = Feed(DEALS.name, DEALS.topics, kinds=DEALS.kinds)
_log = structlog.get_logger(__name__)


async def prove_day(database: Database, platforms: Platforms, brand_id: UUID) -> int:
    """Prove the LIVE accounts of a brand that are not proven today; how many differ for good.

    A platform that does not answer is asked again in the next round.
    """
    scope, differing, after = system_scope(brand_id), 0, None
    while True:
        listing = partial(_unproven, after=after)
        after, accounts = (await database.write(scope, listing)).value
        for server_id, group in _by_server(accounts):
            try:
                told = await _told(database, platforms(server_id), server_id, group)
            except PlatformUnavailable:
                _log.warning("proof_waits", brand=brand_id.hex, server=server_id.hex)
                continue
            command = partial(prove_balances, told=told, consumer=DEALS.name, feed=_FEED)
            differing += (await database.write(scope, command)).value
        if after is None:
            return differing


async def _unproven(work: WriteWork, *, after: UUID | None) -> tuple[UUID | None, list[Any]]:
    """The next accounts without a proof of this day, and where to go on; None at the end."""
    accounts = await list_live_accounts(work, after=after, limit=_CHUNK)
    known = await find_proofs(work, work.now().date(), [one.id for one in accounts])
    more = accounts[-1].id if len(accounts) == _CHUNK else None
    return more, [one for one in accounts if not _is_proven(known.get(one.id))]


def _is_proven(row: Any) -> bool:
    return row is not None and row.ledger_minor == row.platform_minor


def _by_server(accounts: Sequence[Any]) -> list[tuple[UUID, list[Any]]]:
    ordered = sorted(accounts, key=lambda one: (one.server_id, one.login))
    return [(key, list(group)) for key, group in groupby(ordered, key=lambda one: one.server_id)]


async def _told(
    database: Database, platform: Platform, server_id: UUID, accounts: Sequence[Any]
) -> list[Told]:
    """What a platform says of its accounts; then which of them had deals that we had not recorded.

    In this order: a deal behind the cursor may be in the balance and not yet in the ledger.
    """
    async with database.read(system_scope(NO_BRAND)) as work:
        cursor = await find_cursor(work, server_id)
    states = await platform.account_states([one.login for one in accounts])
    known = {one.login: one for one in states}
    deals, _ = await platform.deals_since(cursor)
    moving = {one.login for one in deals}
    return [
        Told(
            one.id,
            one.client_id,
            Money(_balance(known.get(one.login), one.currency), one.currency),
            is_moving=one.login in moving,
        )
        for one in accounts
    ]


def _balance(state: AccountState | None, currency: str) -> int:
    """Minor units of a balance; nothing for a login that the platform does not know."""
    return 0 if state is None else round_to_minor(state.balance, currency)


async def protect_balances(database: Database, platforms: Platforms, brand_id: UUID) -> int:
    """Make good what clients would owe after losses, where their jurisdiction protects them; how
    many accounts."""
    scope, made = system_scope(brand_id), 0
    accounts, asked_at = (await database.write(scope, _in_debt)).value
    for one in accounts:
        try:
            debt = await _debt(platforms(one.server_id), one, asked_at)
        except (PlatformUnavailable, PlatformRefused) as error:
            _log.warning("protection_waits", brand=brand_id.hex, reason=error.code)
            continue
        if debt is not None:
            try:
                command = partial(protect_balance, debt=debt)
                made += (await database.write(scope, command)).value
            except Conflict as error:  # another request is at the account: the next round
                _log.info("protection_waits", brand=brand_id.hex, reason=error.code)
    return made


async def _in_debt(work: WriteWork) -> tuple[Sequence[Any], datetime]:
    """The accounts to look at, and when that was."""
    return await list_protected_debts(work, limit=_CHUNK), work.now()


async def _debt(platform: Platform, account: Any, asked_at: datetime) -> Debt | None:
    """What an account is below zero by, while nothing is open on it; None when it is not."""
    states = await platform.account_states([account.login])
    if not states or states[0].balance >= 0:
        return None
    if await platform.positions(account.login) or await platform.orders(account.login):
        return None
    owed = Money(-round_to_minor(states[0].balance, account.currency), account.currency)
    return Debt(account.id, owed, asked_at)


async def tell_doubtful(database: Database, brand_id: UUID) -> int:
    """Show staff the transfers whose outcome nobody has been able to say for long; how many."""

    async def command(work: WriteWork) -> int:
        before = work.now() - DOUBTFUL_AFTER
        rows = await list_doubtful(work, before=before, limit=_CHUNK)
        for row in rows:
            await open_discrepancy(
                work,
                DiscrepancyKind.OUTCOME_UNKNOWN,
                subject=f"transfer:{row.id.hex}",
                payment_id=row.id,
                expected=Money(int(row.amount_minor), row.currency),
                facts={"status": row.status, "request_id": str(row.platform_request_id)},
            )
        return len(rows)

    return (await database.write(system_scope(brand_id), command)).value
