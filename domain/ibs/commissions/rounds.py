"""Rounds of the worker: holds that pass, exchange rates, what waited for one, months that end."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from domain.accounts.carry_out import Platforms
from domain.accounts.ports import PlatformUnavailable
from domain.accounts.queries import find_grant, list_currency_pairs
from domain.ibs.commissions.commands.judge_deal import judge_deals
from domain.ibs.commissions.commands.make_statements import make_statements
from domain.ibs.commissions.commands.mature_accruals import mature_accruals
from domain.ibs.commissions.commands.record_rate import record_rate
from domain.ibs.commissions.queries import list_pairs, list_waiting
from domain.ibs.values import Judgement
from domain.kernel.errors import Refused
from domain.payments.transfers.prices import ask_price
from domain.payments.transfers.rules import CROSS, choose_route
from domain.payments.transfers.values import Pair
from tenants.context import system_scope
from tenants.work import Database, WriteWork

Round = Callable[[Database, UUID], Awaitable[int]]
_CHUNK = 500
_STATEMENTS = 100
_log = structlog.get_logger(__name__)


async def mature(database: Database, brand_id: UUID) -> int:
    """Make payable what has been held long enough; how many accruals."""
    return await _whole(database, brand_id, partial(mature_accruals, limit=_CHUNK), _CHUNK)


async def close_months(database: Database, brand_id: UUID) -> int:
    """Make the statements of months that have ended; how many."""
    command = partial(make_statements, limit=_STATEMENTS)
    return await _whole(database, brand_id, command, _STATEMENTS)


async def _whole(database: Database, brand_id: UUID, command: Any, chunk: int) -> int:
    """Repeat a command, each time in a work of its own, until it finds less than it could do."""
    total = 0
    while True:
        done: int = (await database.write(system_scope(brand_id), command)).value
        total += done
        if done < chunk:
            return total


async def judge_waiting(database: Database, brand_id: UUID) -> int:
    """Judge again what waited for an exchange rate; how many deals were settled."""
    scope = system_scope(brand_id)

    async def command(work: WriteWork) -> int:
        judged = await judge_deals(work, await list_waiting(work, limit=_CHUNK))
        return sum(one is not Judgement.WAITING_FOR_RATE for one in judged.values())

    return (await database.write(scope, command)).value


async def record_rates(database: Database, platforms: Platforms, brand_id: UUID) -> int:
    """Ask the brand's platform what plans' currencies are worth in those that ibs are paid in, and
    write it down; how many pairs. One without a price is asked for again in the next round."""
    scope = system_scope(brand_id)
    async with database.read(scope) as work:
        wanted, grant = await list_pairs(work), await find_grant(work)
        if not wanted or grant is None:
            return 0
        among = sorted({CROSS, *(one.base for one in wanted), *(one.quote for one in wanted)})
        found = await list_currency_pairs(work, grant.server_id, among)
    pairs = [Pair(one.name, one.base_currency, one.quote_currency) for one in found]
    recorded = 0
    for one in wanted:
        recorded += await _record(database, platforms, (brand_id, grant.server_id), one, pairs)
    return recorded


async def _record(
    database: Database,
    platforms: Platforms,
    at: tuple[UUID, UUID],
    wanted: Any,
    pairs: Sequence[Pair],
) -> bool:
    brand_id, server_id = at
    try:
        route = choose_route(pairs, wanted.base, wanted.quote)
        price = await ask_price(platforms(server_id), route)
    except (Refused, PlatformUnavailable) as error:
        _log.warning(
            "rate_waits", brand=brand_id.hex, pair=f"{wanted.base}/{wanted.quote}",
            reason=error.code,
        )  # fmt: skip
        return False
    command = partial(record_rate, base=wanted.base, quote=wanted.quote, price=price)
    await database.write(system_scope(brand_id), command)
    return True
