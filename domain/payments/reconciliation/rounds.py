"""Rounds of reconciliation: fetch settlements, and look for what waits too long."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import structlog

from domain.kernel.money import Money
from domain.payments.ledger.values import LedgerAccountKind
from domain.payments.notices import Psps
from domain.payments.ports import Psp, PspUnavailable
from domain.payments.queries import find_policy, get_connection
from domain.payments.reconciliation.commands.import_settlement import Imported, import_settlement
from domain.payments.reconciliation.commands.open_discrepancies import Found, open_discrepancies
from domain.payments.reconciliation.commands.settle_discrepancies import settle_discrepancies
from domain.payments.reconciliation.errors import SettlementMalformed
from domain.payments.reconciliation.queries import (
    Aged,
    ageing,
    last_settled,
    list_connections,
    list_open_subjects,
)
from domain.payments.reconciliation.rules import is_aged
from domain.payments.reconciliation.settlement_file import read_settlement
from domain.payments.reconciliation.values import LineType
from domain.payments.values import DiscrepancyKind
from tenants.context import system_scope
from tenants.work import Database, WriteWork

_FIRST_DAYS = timedelta(days=7)
_log = structlog.get_logger(__name__)


async def pull_settlements(database: Database, psps: Psps, brand_id: UUID) -> int:
    """Import each connection's settlement up to yesterday (UTC); how many files were new.

    Begins with the last day that was imported, since its file may have grown. A PSP that does not
    answer, or writes what can't be read, is logged and asked again in the next round.
    """
    async with database.read(system_scope(brand_id)) as work:
        connections = await list_connections(work)
    imported = 0
    for connection_id in connections:
        try:
            imported += await _pull(database, psps, brand_id, connection_id)
        except (PspUnavailable, SettlementMalformed) as error:
            _log.error(
                "settlement_not_imported", brand=brand_id.hex, connection=connection_id.hex,
                error=str(error),
            )  # fmt: skip
    return imported


async def _pull(database: Database, psps: Psps, brand_id: UUID, connection_id: UUID) -> int:
    async with database.read(system_scope(brand_id)) as work:
        connection = await get_connection(work, connection_id)
        last = await last_settled(work, connection_id)
    yesterday = (await _now(database, brand_id)).date() - timedelta(days=1)
    start = min(yesterday, last or yesterday - _FIRST_DAYS)
    psp = psps(connection)
    content = await psp.settlements(start, yesterday)
    done = await bring(database, psp, brand_id, connection_id, _file(start, yesterday, content))
    return 0 if done is None or done.replayed else 1


def _file(start: date, end: date, content: str) -> tuple[str, str]:
    return f"{start.isoformat()}..{end.isoformat()}.csv", content


async def bring(
    database: Database, psp: Psp, brand_id: UUID, connection_id: UUID, file: tuple[str, str]
) -> Imported | None:
    """Import a file, a name and its text, after asking the PSP which payments the refunds that it
    made by itself belong to. None for a file without lines."""
    name, content = file
    lines = read_settlement(content)
    if not lines:
        return None
    own = [line.psp_id for line in lines if line.type is LineType.REFUND]
    refunds = await _payments_of(psp, own)

    async def command(work: WriteWork) -> Imported:
        return await import_settlement(
            work, connection_id, name=name, content=content, refunds=refunds
        )

    return (await database.write(system_scope(brand_id), command)).value


async def _payments_of(psp: Psp, refund_ids: Sequence[str]) -> dict[str, str]:
    """The PSP's payment of each refund whose reference is none of ours."""
    found = {}
    for refund_id in refund_ids:
        refund = await psp.find_refund(refund_id)
        if refund is not None and refund.reference == refund.id:
            found[refund_id] = refund.payment_id
    return found


async def _now(database: Database, brand_id: UUID) -> datetime:
    async def command(work: WriteWork) -> datetime:
        return work.now().astimezone(UTC)

    return (await database.write(system_scope(brand_id), command)).value


async def check_ageing(database: Database, brand_id: UUID) -> int:
    """Open CLEARING_AGED for each clearing account with a balance that nothing has explained for
    longer than the policy allows, and resolve those that are well again; how many were opened."""

    async def command(work: WriteWork) -> int:
        hours = (await find_policy(work)).clearing_hours
        # Postings carry the database's clock, which no sandbox moves.
        now = work.database_now()
        aged = [one for one in await ageing(work, now) if is_aged(one.since, now, hours)]
        opened = await open_discrepancies(work, [_found(one) for one in aged])
        await settle_discrepancies(
            work,
            {DiscrepancyKind.CLEARING_AGED: await _well(work, {_subject(one) for one in aged})},
            resolution="The account is cleared in time again.",
        )
        return opened

    return (await database.write(system_scope(brand_id), command)).value


async def _well(work: WriteWork, aged: set[str]) -> list[str]:
    known = await list_open_subjects(work, DiscrepancyKind.CLEARING_AGED)
    return sorted(set(known) - aged)


def _subject(one: Aged) -> str:
    return f"clearing:{one.account_id.hex}"


def _found(one: Aged) -> Found:
    """`since` stays out of the figures: an account that only grows older is not told again."""
    owner = UUID(hex=one.reference)
    is_psp = one.kind is LedgerAccountKind.PSP_CLEARING
    return Found(
        DiscrepancyKind.CLEARING_AGED,
        _subject(one),
        connection_id=owner if is_psp else None,
        expected=Money(0, one.currency),
        actual=Money(one.balance_minor, one.currency),
        facts={
            "ledger_account_id": str(one.account_id),
            "account": one.kind,
            "reference": one.reference,
            "since": None if one.since is None else one.since.isoformat(),
        },
    )
