"""Record what a platform's stream reports: deals once each, positions as they are now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import any_, delete, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from domain.accounts.commands.record_outcome import settle_order
from domain.accounts.events import AccountEventKind, account_event
from domain.accounts.queries import find_placed, uuid_or_none
from domain.accounts.tables import deal, position, trade_order
from domain.accounts.trading import Deal, Position
from domain.accounts.values import AccountKind, DealEntry, OrderStatus
from domain.kernel.ids import new_uuid
from domain.kernel.money import round_to_minor
from tenants.bulk import insert_new, upsert_rows
from tenants.work import WriteWork

_POSITION_KEYS = ("brand_id", "account_id", "ext_id")
_POSITION_CHANGES = (
    "lots", "price", "stop_loss", "take_profit", "swap_minor", "floating_minor", "as_of",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as the stream reader knows it."""

    id: UUID
    login: int
    client_id: UUID
    ib_path: str
    currency: str
    kind: AccountKind


async def record_deals(
    work: WriteWork,
    server_id: UUID,
    accounts: Mapping[int, AccountRow],
    deals: Sequence[Deal],
    positions: Mapping[int, Sequence[Position]],
) -> int:
    """Insert the deals that are new and replace the positions of the logins given; how many were.

    A deal is known by (brand, server, ext_id), so that a replay of the stream changes nothing.
    Effects: an event per new deal; a pending order that a deal filled is FILLED.
    """
    rows = [_deal_row(work, server_id, accounts[one.login], one) for one in deals]
    new = await insert_new(work, deal, rows, returning="ext_id")
    await replace_positions(work, [(accounts[login], held) for login, held in positions.items()])
    known = [each for each in zip(deals, rows, strict=True) if each[0].deal_id in new]
    for one, row in known:
        _announce(work, accounts[one.login], one, row)
    await _fill_orders(work, [(accounts[one.login], one) for one, _ in known])
    return len(new)


async def _fill_orders(work: WriteWork, several: Sequence[tuple[AccountRow, Deal]]) -> None:
    """The orders of ours that deals have filled are FILLED."""
    opened = [
        (account, one, one.order_id)
        for account, one in several
        if one.order_id is not None and one.entry is DealEntry.IN
    ]
    if not opened:
        return
    asked = [(account.id, ticket, one.op_id) for account, one, ticket in opened]
    placed = await _list_placed(work, asked) if len(asked) > 1 else None
    for account, one, ticket in opened:
        ours = {(account.id, ticket), (account.id, uuid_or_none(one.op_id))}
        if placed is not None and not placed & ours:
            continue
        order = await find_placed(work, account.id, ext_id=ticket, ours=one.op_id)
        if order is not None:
            filled = {
                "status": OrderStatus.FILLED,
                "ext_id": ticket,
                "filled_price": one.price,
            }
            await settle_order(work, order, filled, {})


async def _list_placed(
    work: WriteWork, asked: Sequence[tuple[UUID, str, str | None]]
) -> set[tuple[UUID, UUID | str | None]]:
    """By what orders of ours are known, of those that the platform names: account and our id,
    account and its ticket. For many deals, hardly one of which an order of ours was behind."""
    columns = trade_order.c
    ours = [one for _, _, told in asked if (one := uuid_or_none(told)) is not None]
    rows = await work.rows(
        select(columns.account_id, columns.id, columns.ext_id).where(
            columns.brand_id == work.scope.brand_id,
            columns.account_id == _one_of({one for one, _, _ in asked}, columns.account_id),
            or_(
                columns.ext_id == _one_of({one for _, one, _ in asked}, columns.ext_id),
                columns.id == _one_of(set(ours), columns.id),
            ),
        )
    )
    return {(row.account_id, key) for row in rows for key in (row.id, row.ext_id)}


def _one_of(values: set[Any], column: Any) -> Any:
    """One bound array instead of an expanding list."""
    return any_(literal(sorted(values), ARRAY(column.type)))


async def replace_positions(
    work: WriteWork, several: Sequence[tuple[AccountRow, Sequence[Position]]]
) -> None:
    """Make the open positions of each of some accounts exactly these."""
    if not several:
        return
    kept = [(account.id, one.position_id) for account, held in several for one in held]
    columns = position.c
    still = (
        func.unnest(
            literal([key for key, _ in kept], ARRAY(columns.account_id.type)),
            literal([key for _, key in kept], ARRAY(columns.ext_id.type)),
        )
        .table_valued("account_id", "ext_id", name="still")
        .render_derived()
    )
    await work.rows(
        delete(position).where(
            columns.brand_id == work.scope.brand_id,
            columns.account_id
            == any_(literal([one.id for one, _ in several], ARRAY(columns.account_id.type))),
            ~select(still.c.account_id)
            .where(still.c.account_id == columns.account_id, still.c.ext_id == columns.ext_id)
            .exists(),
        )
    )
    rows = [_position_row(work, account, one) for account, held in several for one in held]
    await upsert_rows(work, position, rows, keys=_POSITION_KEYS, changed=_POSITION_CHANGES)


def _announce(work: WriteWork, account: AccountRow, one: Deal, row: dict[str, Any]) -> None:
    payload = {
        "deal_id": str(row["id"]),
        "ticket": one.deal_id,
        "symbol": one.symbol,
        "side": one.side,
        "entry": one.entry,
        "lots": str(one.lots),
        "price": None if one.price is None else str(one.price),
        "profit_minor": str(row["profit_minor"]),
        "swap_minor": str(row["swap_minor"]),
        "commission_minor": str(row["commission_minor"]),
        "position": one.position_id,
        "balance_after_minor": str(round_to_minor(one.balance_after, account.currency)),
        "currency": account.currency,
        "account_kind": account.kind,
        "at": one.at.isoformat(),
    }
    work.emit(account_event(_event_kind(one), account, payload))


def _event_kind(one: Deal) -> AccountEventKind:
    if one.entry in (DealEntry.BALANCE, DealEntry.CREDIT):
        return AccountEventKind.BALANCE_CHANGED
    if one.entry is DealEntry.IN:
        return AccountEventKind.DEAL_OPENED
    if one.entry is DealEntry.CANCEL:
        return AccountEventKind.DEAL_CANCELLED
    return AccountEventKind.DEAL_CLOSED


def _deal_row(work: WriteWork, server_id: UUID, account: AccountRow, one: Deal) -> dict[str, Any]:
    closes = one.entry in (DealEntry.OUT, DealEntry.OUT_BY, DealEntry.INOUT)
    return {
        "brand_id": work.scope.brand_id,
        "id": new_uuid(int(one.at.timestamp() * 1000)),
        "account_id": account.id,
        "client_id": account.client_id,
        "ib_path": account.ib_path,
        "server_id": server_id,
        "ext_id": one.deal_id,
        "order_ext_id": one.order_id,
        "position_ext_id": one.position_id,
        "symbol": one.symbol,
        "side": one.side,
        "entry": one.entry,
        "lots": one.lots,
        "closed_lots": one.lots if closes else 0,
        "price": one.price or 0,
        "currency": account.currency,
        "profit_minor": round_to_minor(one.profit + one.amount, account.currency),
        "swap_minor": round_to_minor(one.swap, account.currency),
        "commission_minor": round_to_minor(one.commission, account.currency),
        "comment": one.comment,
        "at": one.at,
        "reverses_ext_id": one.reverses_id,
    }


def _position_row(work: WriteWork, account: AccountRow, one: Position) -> dict[str, Any]:
    return {
        "brand_id": work.scope.brand_id,
        "id": work.new_id(),
        "account_id": account.id,
        "client_id": account.client_id,
        "ib_path": account.ib_path,
        "ext_id": one.position_id,
        "symbol": one.symbol,
        "side": one.side,
        "lots": one.lots,
        "open_price": one.open_price,
        "price": one.current_price,
        "stop_loss": one.sl,
        "take_profit": one.tp,
        "currency": account.currency,
        "swap_minor": round_to_minor(one.swap, account.currency),
        "floating_minor": round_to_minor(one.profit, account.currency),
        "opened_at": one.opened_at,
        "as_of": work.now(),
    }
