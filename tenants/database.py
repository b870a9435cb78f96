"""The engine and the shapes of tables. One engine per process and role, in AUTOCOMMIT.

Only `tenants/work.py` opens transactions, with raw `begin; set local …` sent as one call:
SQLAlchemy's own transaction control cannot do that in one trip, and on a normal engine a raw
`begin` would go back to the pool still open, with the brand set. The pool's reset hook is the
second guard: it rolls back, or throws the connection away.
"""

import socket
from collections.abc import Sequence
from typing import Any, Literal

import asyncpg
from sqlalchemy import CheckConstraint, Column, DateTime, Index, MetaData, Table, Text, event
from sqlalchemy.dialects.postgresql import UUID as PgUUID
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.schema import SchemaItem
from sqlalchemy.util import await_only

from tenants.pool import LendingPool

NAMING = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
metadata = MetaData(naming_convention=NAMING)

Visible = Literal["brand", "client", "own", "ib", "staff", "log"]
"""Which sessions of the brand may see a table's rows under row-level security.

`brand` all sessions · `client` a client its own rows, an ib its subtree · `own` a client its own
rows, no ib · `ib` an ib its subtree, no client · `staff` neither · `log` like staff to read,
anybody's work may add.
"""


def brand_table(
    name: str,
    *items: SchemaItem,
    visible_to: Visible,
    client_column: str = "client_id",
    ib_column: str = "ib_path",
    app: str = "select, insert, update",
    worker: str = "select, insert, update, delete",
) -> Table:
    """A table of one brand's rows: `brand_id` leads, forced row-level security, grants by role."""
    info = {
        "place": "brand",
        "visible_to": visible_to,
        "client_column": client_column,
        "ib_column": ib_column,
        "grants": {"app": app, "worker": worker},
    }
    return Table(name, metadata, brand_column(), *items, info=info)


def shared_table(
    name: str,
    *items: SchemaItem,
    place: Literal["reference", "local"],
    app: str = "select",
    worker: str = "select",
) -> Table:
    """A table without a brand: `reference` (copied to every node) or `local` (one node only)."""
    info = {"place": place, "grants": {"app": app, "worker": worker}}
    return Table(name, metadata, *items, info=info)


def brand_column() -> Column[Any]:
    """The column that leads every key of a brand table."""
    return Column("brand_id", PgUUID(as_uuid=True), primary_key=True)


def id_column(name: str = "id") -> Column[Any]:
    """The second part of a primary key: a UUIDv7 made by the work."""
    return Column(name, PgUUID(as_uuid=True), primary_key=True)


def uuid_column(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, PgUUID(as_uuid=True), nullable=nullable)


def text_column(name: str, *, nullable: bool = False, default: str | None = None) -> Column[Any]:
    return Column(name, Text, nullable=nullable, server_default=default)


def time_column(name: str, *, nullable: bool = False) -> Column[Any]:
    """An instant, `timestamptz`. The work supplies it: a default of now() would not repeat."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def one_of(column: str, values: type[Any]) -> CheckConstraint:
    """States are text with a CHECK: enum equality is no index condition under row security.

    `info` tells the words to those who write answers, see `domain.reads.spelling`.
    """
    words = tuple(str(value) for value in values)
    allowed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(
        f"{column} in ({allowed})", name=column, info={"one_of": (column, words)}
    )


def brand_index(
    *columns: Any, unique: bool = False, name: str | None = None, include: Sequence[str] = ()
) -> Index:
    """An index led by the brand; `include` are columns that it holds besides."""
    return Index(name, "brand_id", *columns, unique=unique, postgresql_include=list(include))


COMMAND_S = 15.0
"""How long what was sent may stay unanswered: longer than the server's own 10 s a statement."""

_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}


class _KeptAlive(asyncpg.Connection):
    """A connection that notices within a minute that its peer is gone, also while it is idle."""

    __slots__ = ()

    def __init__(self, protocol: Any, transport: Any, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family in (socket.AF_INET, socket.AF_INET6):
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEPALIVE.items():
                if hasattr(socket, name):
                    peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def make_engine(url: str, *, pool_size: int = 8, pooled_by_proxy: bool = False) -> AsyncEngine:
    """The process's engine for one role. `url` is `postgresql+asyncpg://…`.

    `pooled_by_proxy` switches off server-side statements, which PgBouncer before 1.21 breaks.
    A server that does not answer within `COMMAND_S` is given up: a half-open connection would hold
    a work and its slot for as long as the operating system believes in it.
    """
    connect_args: dict[str, Any] = {
        "timeout": 10,
        "command_timeout": COMMAND_S,
        "connection_class": _KeptAlive,
        # A compiled plan is long, and worth keeping all the more.
        "max_cacheable_statement_size": 0,
        "server_settings": {
            "application_name": "backdesk",
            # A page is a few rows by an index. The default of 4 is that of a turning disk: all rows
            # of a list that is held for short would be fetched by a bitmap and sorted.
            "random_page_cost": "1.1",
        },
    }
    if pooled_by_proxy:
        connect_args["statement_cache_size"] = 0
        del connect_args["server_settings"]["random_page_cost"]  # which a proxy may refuse
    engine = create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",
        poolclass=LendingPool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=False,
        # An error's text names the statement and never the values, which may be anybody's.
        hide_parameters=True,
        connect_args=connect_args,
    )
    event.listen(engine.sync_engine, "reset", _roll_back_on_return)
    return engine


def _roll_back_on_return(dbapi_connection: Any, _record: Any, _state: Any) -> None:
    """Nothing open goes back to the pool: roll back, or let the failure discard the connection."""
    driver = dbapi_connection.driver_connection
    if driver.is_in_transaction():
        await_only(driver.execute("rollback"))
