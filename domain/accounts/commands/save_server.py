"""Rows about a platform server that belong to no brand: cursor, symbols, quarantine."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.dialects.postgresql import insert

from domain.accounts.tables import platform_cursor, platform_symbol, quarantine
from domain.accounts.trading import Deal, Symbol
from tenants.context import NO_BRAND, system_scope
from tenants.work import Database, WriteWork

_SHARED = system_scope(NO_BRAND)


async def save_cursor(database: Database, server_id: UUID, cursor: str) -> None:
    """Remember that every deal up to the cursor is recorded."""

    async def command(work: WriteWork) -> None:
        upsert = insert(platform_cursor).values(
            server_id=server_id, cursor=cursor, updated_at=work.now()
        )
        changed = {name: upsert.excluded[name] for name in ("cursor", "updated_at")}
        await work.rows(upsert.on_conflict_do_update(index_elements=["server_id"], set_=changed))

    await database.write(_SHARED, command)


async def quarantine_deals(
    database: Database, server_id: UUID, deals: Sequence[Deal], *, reason: str
) -> None:
    """Keep deals that no brand owns, or that cannot be read, for the operator, once each."""

    async def command(work: WriteWork) -> None:
        rows = [
            {
                "server_id": server_id,
                "kind": "deal",
                "ext_id": one.deal_id,
                "reason": reason,
                "payload": {name: str(value) for name, value in asdict(one).items()},
                "seen_at": work.now(),
            }
            for one in deals
        ]
        await work.rows(insert(quarantine).values(rows).on_conflict_do_nothing())

    await database.write(_SHARED, command)


async def save_symbols(database: Database, server_id: UUID, symbols: Sequence[Symbol]) -> None:
    """Keep the server's instruments as it describes them now."""

    async def command(work: WriteWork) -> None:
        rows = [_symbol_row(server_id, one) for one in symbols]
        upsert = insert(platform_symbol).values(rows)
        names = [name for name in rows[0] if name not in ("server_id", "name")]
        await work.rows(
            upsert.on_conflict_do_update(
                index_elements=["server_id", "name"],
                set_={name: upsert.excluded[name] for name in names},
            )
        )

    if symbols:
        await database.write(_SHARED, command)


def _symbol_row(server_id: UUID, one: Symbol) -> dict[str, Any]:
    return {
        "server_id": server_id,
        "name": one.name,
        "id": uuid5(server_id, one.name),
        "description": one.description,
        "asset_class": one.asset_class,
        "base_currency": one.base_currency,
        "quote_currency": one.quote_currency,
        "digits": one.digits,
        "contract_size": one.contract_size,
        "lots_min": one.lots_min,
        "lots_max": one.lots_max,
        "lots_step": one.lots_step,
    }
