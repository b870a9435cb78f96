"""What the API shows of trading accounts: accounts, their state, positions, orders and deals.

Who may see a client may see its accounts; a client and an ib are held to their own rows here and
by row-level security.
"""

from sqlalchemy import Text, cast, exists
from sqlalchemy import select as select_columns

from domain.accounts.tables import (
    account_state,
    deal,
    platform_grant,
    platform_server,
    platform_symbol,
    position,
    trade_order,
    trading_account,
)
from domain.clients.tables import client
from domain.reads import BRAND, Entity, Many, One, RowScope, Through, columns, extend, own_rows

SERVER = Entity(
    name="server",
    table=platform_server,
    fields=columns(platform_server, "name", "kind", "time_zone"),
    # A server belongs to the operator; a brand sees those it is granted.
    scopes=(
        RowScope(
            exists().where(
                platform_grant.c.server_id == platform_server.c.id,
                platform_grant.c.brand_id == BRAND,
            )
        ),
    ),
)

SYMBOL = Entity(
    name="symbol",
    table=platform_symbol,
    fields=columns(
        platform_symbol,
        "server_id",
        "name",
        "description",
        "asset_class",
        "base_currency",
        "quote_currency",
        "digits",
        "contract_size",
        "lots_min",
        "lots_max",
        "lots_step",
    ),
    filters={"server_id": platform_symbol.c.server_id},
    orders={"NAME": platform_symbol.c.name},
)

# What may be begun on an account depends on its client, too.
_CLIENT_STATUS = (
    select_columns(client.c.status)
    .where(
        client.c.brand_id == trading_account.c.brand_id, client.c.id == trading_account.c.client_id
    )
    .scalar_subquery()
)

ACCOUNT = Entity(
    name="account",
    table=trading_account,
    fields={
        **columns(
            trading_account,
            "client_id",
            "server_id",
            "version",
            "kind",
            "status",
            "access",
            "currency",
            "leverage",
            "group_name",
            "swap_free",
            "created_at",
        ),
        "login": cast(trading_account.c.login, Text),
        "login_number": trading_account.c.login,
        "client_status": _CLIENT_STATUS,
    },
    relations={
        "client": One("client", own="client_id"),
        "server": One("server", own="server_id"),
        "state": One("account_state", own="id"),
        "positions": Many("position", theirs="account_id"),
        "orders": Many("order", theirs="account_id"),
        "deals": Many("deal", theirs="account_id"),
    },
    filters={
        "kind": trading_account.c.kind,
        "status": trading_account.c.status,
        "currency": trading_account.c.currency,
        "login": trading_account.c.login,
        "client_id": trading_account.c.client_id,
        "created_at": trading_account.c.created_at,
    },
    orders={"CREATED_AT": trading_account.c.created_at, "LOGIN": trading_account.c.login},
    default_order="-CREATED_AT",
    scopes=(*own_rows(trading_account), Through("client")),
)

ACCOUNT_STATE = Entity(
    name="account_state",
    table=account_state,
    key="account_id",
    fields=columns(
        account_state,
        "currency",
        "balance_minor",
        "equity_minor",
        "credit_minor",
        "margin_minor",
        "free_margin_minor",
        "floating_minor",
        "as_of",
        "source",
    ),
    scopes=own_rows(account_state),
)

POSITION = Entity(
    name="position",
    table=position,
    fields=columns(
        position,
        "ext_id",
        "symbol",
        "side",
        "lots",
        "open_price",
        "price",
        "stop_loss",
        "take_profit",
        "currency",
        "swap_minor",
        "floating_minor",
        "opened_at",
        "as_of",
        "account_id",
    ),
    relations={"account": One("account", own="account_id")},
    orders={"OPENED_AT": position.c.opened_at},
    default_order="OPENED_AT",
    scopes=(*own_rows(position), Through("account")),
)

ORDER = Entity(
    name="order",
    table=trade_order,
    fields=columns(
        trade_order,
        "symbol",
        "side",
        "type",
        "lots",
        "price",
        "stop_loss",
        "take_profit",
        "status",
        "ext_id",
        "reason_code",
        "filled_price",
        "created_at",
        "updated_at",
        "account_id",
    ),
    relations={"account": One("account", own="account_id")},
    filters={"status": trade_order.c.status},
    orders={"CREATED_AT": trade_order.c.created_at},
    default_order="-CREATED_AT",
    scopes=(*own_rows(trade_order), Through("account")),
)

DEAL = Entity(
    name="deal",
    table=deal,
    fields=columns(
        deal,
        "ext_id",
        "symbol",
        "side",
        "entry",
        "lots",
        "closed_lots",
        "price",
        "currency",
        "profit_minor",
        "swap_minor",
        "commission_minor",
        "at",
        "account_id",
    ),
    relations={"account": One("account", own="account_id")},
    filters={"symbol": deal.c.symbol, "entry": deal.c.entry, "at": deal.c.at},
    orders={"AT": deal.c.at},
    default_order="-AT",
    scopes=(*own_rows(deal), Through("account")),
)

READS = (
    SERVER,
    SYMBOL,
    ACCOUNT,
    ACCOUNT_STATE,
    POSITION,
    ORDER,
    DEAL,
    extend("client", "accounts", Many("account", theirs="client_id")),
)
