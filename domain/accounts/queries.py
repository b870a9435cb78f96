"""SELECTs that commands, jobs and the stream reader need. Row locks are always of one brand."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, String, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.sql.elements import ColumnElement

from domain.accounts.rules import (
    OPENED_BY_CLIENTS,
    GroupTerms,
    SymbolTerms,
    decide_client_may_act,
)
from domain.accounts.tables import (
    account_state,
    deal,
    equity_point,
    platform_cursor,
    platform_grant,
    platform_group,
    platform_request,
    platform_server,
    platform_symbol,
    position,
    trade_order,
    trading_account,
)
from domain.accounts.trading import AssetClass
from domain.accounts.values import AccountKind, AccountStatus, DealEntry, OrderStatus, RequestKind
from domain.clients.standing import find_standing
from domain.kernel.errors import NotFound
from tenants.bulk import Statements
from tenants.tables import jurisdiction, legal_entity
from tenants.work import ReadWork, WriteWork

AnyWork = ReadWork | WriteWork


async def find_grant(work: AnyWork) -> Any:
    """The brand's first granted server with its login range; None without a grant."""
    rows = await work.rows(
        select(
            platform_grant.c.server_id,
            platform_grant.c.login_from,
            platform_grant.c.login_to,
            platform_grant.c.groups,
        )
        .where(platform_grant.c.brand_id == work.scope.brand_id)
        .order_by(platform_grant.c.server_id)
        .limit(1)
    )
    return rows[0] if rows else None


async def list_group_terms(
    work: WriteWork, server_id: UUID, names: Sequence[str]
) -> list[GroupTerms]:
    """Groups of a server among those granted."""
    columns = platform_group.c
    rows = await work.rows(
        select(platform_group)
        .where(columns.server_id == server_id, any_of(columns.name, list(names)))
        .order_by(columns.name)
    )
    return [
        GroupTerms(
            row.name, AccountKind(row.account_kind), row.currency, row.leverage_max, row.swap_free
        )
        for row in rows
    ]


async def get_leverage_cap(work: WriteWork, legal_entity_id: UUID, kind: AccountKind) -> int:
    """The most leverage the entity's jurisdiction allows to this kind of account."""
    row = await work.one(
        select(jurisdiction.c.policy)
        .join(
            legal_entity,
            (legal_entity.c.jurisdiction == jurisdiction.c.code)
            & (legal_entity.c.jurisdiction_version == jurisdiction.c.version),
        )
        .where(legal_entity.c.id == legal_entity_id)
    )
    caps: dict[str, int] = row.policy["leverage_max"]
    return int(caps["major_fx"]) if kind is AccountKind.LIVE else int(caps["simulated"])


async def count_accounts(work: WriteWork, client_id: UUID) -> int:
    """How many of the accounts that clients open by themselves are not closed or failed."""
    row = await work.one(
        select(func.count().label("n")).where(
            trading_account.c.brand_id == work.scope.brand_id,
            trading_account.c.client_id == client_id,
            any_of(trading_account.c.status, ["OPENING", "ACTIVE"]),
            any_of(trading_account.c.kind, sorted(OPENED_BY_CLIENTS)),
        )
    )
    return int(row.n)


async def lock_account(work: WriteWork, account_id: UUID) -> Any:
    """The account's row, locked against other changes; None when unknown or out of scope."""
    return await work.maybe(
        select(trading_account)
        .where(
            trading_account.c.brand_id == work.scope.brand_id,
            trading_account.c.id == account_id,
        )
        .with_for_update(key_share=True)
    )


async def get_account(
    work: WriteWork, account_id: UUID, *, named: str = "accountId", begins: bool = False
) -> Any:
    """The account of a command, locked. `begins`: the command begins something new for its client.

    Refusals: NOT_FOUND for unknown and out of reach alike; with `begins` CLIENT_RESTRICTED and
    EMAIL_NOT_VERIFIED.
    """
    account = await lock_account(work, account_id)
    standing = account and await find_standing(work, account.client_id)
    if not standing:
        raise NotFound(path=("input", named))
    if begins:
        decide_client_may_act(standing.status)
    return account


async def find_account(work: AnyWork, account_id: UUID) -> Any:
    """The account's row; None when unknown or out of scope."""
    rows = await work.rows(
        select(trading_account).where(
            trading_account.c.brand_id == work.scope.brand_id,
            trading_account.c.id == account_id,
        )
    )
    return rows[0] if rows else None


async def find_logins(work: AnyWork, account_ids: Iterable[UUID]) -> dict[UUID, int]:
    """The logins of those of some accounts that the brand has."""
    columns = trading_account.c
    wanted = literal(sorted(set(account_ids)), ARRAY(columns.id.type))
    rows = await work.rows(
        select(columns.id, columns.login).where(
            columns.brand_id == work.scope.brand_id, columns.id == func.any(wanted)
        )
    )
    return {row.id: row.login for row in rows}


async def find_account_by_login(work: AnyWork, server_id: UUID, login: int) -> UUID | None:
    """The id of the brand's account with that login; None when there is none in scope."""
    columns = trading_account.c
    rows = await work.rows(
        select(columns.id).where(
            columns.brand_id == work.scope.brand_id,
            columns.server_id == server_id,
            columns.login == login,
        )
    )
    return rows[0].id if rows else None


async def list_accounts_by_login(
    work: Statements, brand_id: UUID, server_id: UUID, logins: Sequence[int]
) -> Sequence[Any]:
    """Accounts of a brand on a server among some logins."""
    columns = trading_account.c
    return await work.rows(
        select(
            columns.id,
            columns.login,
            columns.client_id,
            columns.ib_path,
            columns.currency,
            columns.kind,
        )
        .where(
            columns.brand_id == brand_id,
            columns.server_id == server_id,
            columns.login == func.any(literal(list(logins), ARRAY(columns.login.type))),
        )
        .order_by(columns.id)
    )


async def find_symbol(work: AnyWork, server_id: UUID, name: str) -> SymbolTerms | None:
    """An instrument of a server; None when it has no such name."""
    columns = platform_symbol.c
    rows = await work.rows(
        select(platform_symbol).where(columns.server_id == server_id, columns.name == name)
    )
    if not rows:
        return None
    row = rows[0]
    return SymbolTerms(row.name, row.digits, row.lots_min, row.lots_max, row.lots_step)


async def find_position(work: WriteWork, position_id: UUID) -> Any:
    """An open position by its id; None when unknown, closed or out of scope."""
    return await work.maybe(
        select(position).where(
            position.c.brand_id == work.scope.brand_id, position.c.id == position_id
        )
    )


async def find_order(work: AnyWork, order_id: UUID) -> Any:
    """An order by its id; None when unknown or out of scope."""
    rows = await work.rows(
        select(trade_order).where(
            trade_order.c.brand_id == work.scope.brand_id, trade_order.c.id == order_id
        )
    )
    return rows[0] if rows else None


async def find_placed(work: WriteWork, account_id: UUID, *, ext_id: str, ours: str | None) -> Any:
    """Our order behind one of the platform's: by our id that it carries, else by its ticket.

    By our own id first, since a stream may speak of an order before its ticket is recorded.
    """
    columns = trade_order.c
    known = uuid_or_none(ours)
    rows = await work.rows(
        select(trade_order)
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.account_id == account_id,
            or_(columns.id == known, columns.ext_id == ext_id),
        )
        .order_by((columns.id == known).desc().nulls_last())
        .limit(1)
    )
    return rows[0] if rows else None


async def has_exposure(work: WriteWork, account_id: UUID) -> bool:
    """Whether an account is known to have a position, or an order that may become one."""
    of_brand = work.scope.brand_id
    held = select(position.c.id).where(
        position.c.brand_id == of_brand, position.c.account_id == account_id
    )
    waiting = select(trade_order.c.id).where(
        trade_order.c.brand_id == of_brand,
        trade_order.c.account_id == account_id,
        any_of(trade_order.c.status, ["SENDING", "UNKNOWN", "PLACED"]),
    )
    row = await work.one(select(or_(held.exists(), waiting.exists()).label("is_exposed")))
    return bool(row.is_exposed)


async def find_request(work: AnyWork, request_id: UUID) -> Any:
    """A request to a platform; None when unknown or out of scope."""
    rows = await work.rows(
        select(platform_request).where(
            platform_request.c.brand_id == work.scope.brand_id,
            platform_request.c.id == request_id,
        )
    )
    return rows[0] if rows else None


async def find_server(work: AnyWork, server_id: UUID) -> Any:
    """A platform server's row; None when there is none."""
    rows = await work.rows(select(platform_server).where(platform_server.c.id == server_id))
    return rows[0] if rows else None


async def list_servers(work: Statements) -> Sequence[Any]:
    """Every platform server of the operator."""
    return await work.rows(select(platform_server).order_by(platform_server.c.name))


async def list_grants(work: Statements, server_id: UUID) -> Sequence[Any]:
    """Which brand owns which range of logins on a server."""
    columns = platform_grant.c
    return await work.rows(
        select(columns.brand_id, columns.login_from, columns.login_to)
        .where(columns.server_id == server_id)
        .order_by(columns.login_from)
    )


async def list_placed_orders(work: AnyWork, server_id: UUID) -> Sequence[Any]:
    """Orders of the brand that wait on a server, with the login they wait under."""
    return await work.rows(
        select(trade_order.c.id, trade_order.c.ext_id, trading_account.c.login)
        .join(
            trading_account,
            (trading_account.c.brand_id == trade_order.c.brand_id)
            & (trading_account.c.id == trade_order.c.account_id),
        )
        .where(
            trade_order.c.brand_id == work.scope.brand_id,
            trade_order.c.status == OrderStatus.PLACED,
            trading_account.c.server_id == server_id,
        )
        .order_by(trade_order.c.id)
    )


async def find_filling_price(work: AnyWork, account_id: UUID, ext_id: str) -> Decimal | None:
    """The price of the deal that an order became; None when it became none."""
    rows = await work.rows(
        select(deal.c.price)
        .where(
            deal.c.brand_id == work.scope.brand_id,
            deal.c.account_id == account_id,
            deal.c.order_ext_id == ext_id,
        )
        .limit(1)
    )
    return rows[0].price if rows else None


async def find_cursor(work: Statements, server_id: UUID) -> str:
    """How far a server's deals are recorded; '' is the beginning."""
    rows = await work.rows(
        select(platform_cursor.c.cursor).where(platform_cursor.c.server_id == server_id)
    )
    return str(rows[0].cursor) if rows else ""


async def list_equity_points(
    work: AnyWork, account_id: UUID, start: datetime, end: datetime, points: int
) -> Sequence[Any]:
    """At most `points` samples of balance and equity, the last of each equal stretch of time."""
    columns = equity_point.c
    bucket = func.width_bucket(
        func.extract("epoch", columns.at),
        func.extract("epoch", literal(start)),
        func.extract("epoch", literal(end)),
        literal(points, Integer),
    )
    return await work.rows(
        select(columns.at, columns.balance_minor, columns.equity_minor)
        .ext(distinct_on(bucket))
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.account_id == account_id,
            columns.at >= start,
            columns.at < end,
        )
        .order_by(bucket, columns.at.desc())
        .limit(points + 1)
    )


async def find_state(work: AnyWork, account_id: UUID) -> Any:
    """The last known money of an account; None until its platform has spoken."""
    rows = await work.rows(
        select(account_state).where(
            account_state.c.brand_id == work.scope.brand_id,
            account_state.c.account_id == account_id,
        )
    )
    return rows[0] if rows else None


async def list_live_deals(work: AnyWork, deal_ids: Sequence[UUID]) -> Sequence[Any]:
    """Those of some deals that moved client money, oldest first: of LIVE accounts, no credit."""
    return await work.rows(
        select(deal)
        .join(
            trading_account,
            (trading_account.c.brand_id == deal.c.brand_id)
            & (trading_account.c.id == deal.c.account_id),
        )
        .where(
            deal.c.brand_id == work.scope.brand_id,
            deal.c.id == func.any(literal(list(deal_ids), ARRAY(deal.c.id.type))),
            deal.c.entry != DealEntry.CREDIT,
            trading_account.c.kind == AccountKind.LIVE,
        )
        .order_by(deal.c.at, deal.c.id)
    )


async def list_live_accounts(
    work: AnyWork, *, after: UUID | None = None, limit: int
) -> Sequence[Any]:
    """LIVE accounts that are open on their platform, by id, behind `after`."""
    columns = trading_account.c
    statement = select(
        columns.id, columns.client_id, columns.server_id, columns.login, columns.currency
    ).where(
        columns.brand_id == work.scope.brand_id,
        columns.kind == AccountKind.LIVE,
        columns.status == AccountStatus.ACTIVE,
    )
    if after is not None:
        statement = statement.where(columns.id > after)
    return await work.rows(statement.order_by(columns.id).limit(limit))


async def list_protected_debts(work: AnyWork, *, limit: int) -> Sequence[Any]:
    """LIVE accounts last seen below zero with nothing open, where the policy of their legal
    entity's jurisdiction protects clients from owing (`negative_balance_protection`)."""
    columns = trading_account.c
    of_account = (position.c.brand_id == columns.brand_id) & (position.c.account_id == columns.id)
    waits = (trade_order.c.brand_id == columns.brand_id) & (trade_order.c.account_id == columns.id)
    protects = jurisdiction.c.policy["negative_balance_protection"].as_boolean()
    return await work.rows(
        select(columns.id, columns.server_id, columns.login, columns.currency)
        .join(
            account_state,
            (account_state.c.brand_id == columns.brand_id)
            & (account_state.c.account_id == columns.id),
        )
        .join(legal_entity, legal_entity.c.id == columns.legal_entity_id)
        .join(
            jurisdiction,
            (jurisdiction.c.code == legal_entity.c.jurisdiction)
            & (jurisdiction.c.version == legal_entity.c.jurisdiction_version),
        )
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.kind == AccountKind.LIVE,
            columns.status == AccountStatus.ACTIVE,
            account_state.c.balance_minor < 0,
            protects,
            ~select(position.c.id).where(of_account).exists(),
            ~select(trade_order.c.id)
            .where(waits, any_of(trade_order.c.status, ["SENDING", "UNKNOWN", "PLACED"]))
            .exists(),
        )
        .order_by(columns.id)
        .limit(limit)
    )


async def is_money_moving(work: AnyWork, account_id: UUID, *, since: datetime) -> bool:
    """Whether money was being moved on an account at or after an instant, by our request."""
    columns = platform_request.c
    open_now = any_of(columns.status, ["SENDING", "UNKNOWN"])
    rows = await work.rows(
        select(columns.id)
        .where(
            columns.brand_id == work.scope.brand_id,
            columns.account_id == account_id,
            columns.kind == RequestKind.BALANCE,
            or_(open_now, columns.updated_at >= since),
        )
        .limit(1)
    )
    return bool(rows)


async def find_last_deal(work: AnyWork, account_id: UUID) -> Any:
    """The newest recorded deal of an account, of one instant the highest ticket; or None."""
    rows = await work.rows(
        select(deal)
        .where(deal.c.brand_id == work.scope.brand_id, deal.c.account_id == account_id)
        .order_by(deal.c.at.desc(), func.length(deal.c.ext_id).desc(), deal.c.ext_id.desc())
        .limit(1)
    )
    return rows[0] if rows else None


async def list_currency_pairs(
    work: AnyWork, server_id: UUID, currencies: Sequence[str]
) -> Sequence[Any]:
    """Symbols of a server whose base and quote are both among these currencies."""
    columns = platform_symbol.c
    return await work.rows(
        select(columns.name, columns.base_currency, columns.quote_currency)
        .where(
            columns.server_id == server_id,
            columns.asset_class == AssetClass.FX,
            any_of(columns.base_currency, currencies),
            any_of(columns.quote_currency, currencies),
        )
        .order_by(columns.name)
    )


def uuid_or_none(text: str | None) -> UUID | None:
    """The id that a platform gave back, when it is one of ours."""
    try:
        return None if text is None else UUID(text)
    except ValueError:
        return None


def any_of(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """`column = any(:array)`: one bound array instead of an expanding IN list."""
    return column == func.any(cast(literal(list(values), ARRAY(String)), ARRAY(column.type)))
