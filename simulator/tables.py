"""The simulator's own tables, in its own schema; made by migration 0002, used by `store`."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    schema="simulator",
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    },
)


def _table(name: str, *parts: Any) -> Table:
    return Table(name, metadata, *parts, info={"place": "local"})


def _text(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Numeric, nullable=nullable)


def _time(name: str) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=False)


def _key(name: str) -> Column[Any]:
    return Column(name, BigInteger, primary_key=True, autoincrement=False)


def _login() -> Column[Any]:
    return Column("login", BigInteger, ForeignKey("simulator.account.login"), nullable=False)


account_group = _table(
    "account_group",
    Column("name", Text, primary_key=True),
    _text("currency"),
    Column("leverage_max", Integer, nullable=False),
    _number("commission_per_lot"),
    _number("margin_call_level"),
    _number("stop_out_level"),
    Column("swap_free", Boolean, nullable=False),
)
account = _table(
    "account",
    _key("login"),
    Column("group", Text, ForeignKey("simulator.account_group.name"), nullable=False),
    Column("leverage", Integer, nullable=False),
    _text("currency"),
    _text("client_ref"),
    _text("access"),
    _number("balance"),
    _number("credit"),
    _time("created_at"),
    Column("is_margin_called", Boolean, nullable=False),
    _text("main_hash"),
    _text("investor_hash"),
    CheckConstraint("credit >= 0", name="credit"),
)
position = _table(
    "position",
    _key("position_id"),
    _login(),
    _text("symbol"),
    _text("side"),
    _number("lots"),
    _number("open_price"),
    _number("margin_rate"),
    _number("sl", nullable=True),
    _number("tp", nullable=True),
    _number("swap"),
    _number("carry"),
    _time("opened_at"),
    CheckConstraint("lots > 0", name="lots"),
)
pending_order = _table(
    "pending_order",
    _key("order_id"),
    _login(),
    _text("client_order_id"),
    _text("symbol"),
    _text("type"),
    _text("side"),
    _number("lots"),
    _number("price"),
    _number("sl", nullable=True),
    _number("tp", nullable=True),
    _time("placed_at"),
    CheckConstraint("lots > 0", name="lots"),
)
deal = _table(
    "deal",
    _key("deal_id"),
    _login(),
    _time("at"),
    _text("entry"),
    _text("reason"),
    _text("symbol", nullable=True),
    _text("side", nullable=True),
    _number("lots"),
    _number("price", nullable=True),
    Column("position_id", BigInteger),
    Column("order_id", BigInteger),
    _number("profit"),
    _number("swap"),
    _number("commission"),
    _number("amount"),
    _number("balance_after"),
    _text("op_id", nullable=True),
    _text("kind", nullable=True),
    _text("comment"),
    Column("reverses_id", BigInteger),
    Index(None, "login", "deal_id"),
)
# What was answered to an operation id, refusals too, so that a repeat gets the same answer.
operation = _table(
    "operation",
    Column("op_id", Text, primary_key=True),
    _text("fingerprint"),
    Column("status", Integer, nullable=False),
    Column("answer", JSONB, nullable=False),
    _time("at"),
)
# Where the market stood, and how fast it went from then on: the newest row rules.
replay = _table(
    "replay",
    Column("replay_id", BigInteger, primary_key=True, autoincrement=False),
    _time("at"),
    Column("offset_ms", BigInteger, nullable=False),
    _number("speed"),
)
# One row: the next ticket, and the last day whose swap has been charged.
desk = _table(
    "desk",
    Column("desk_id", Integer, primary_key=True, autoincrement=False),
    Column("next_ticket", BigInteger, nullable=False),
    Column("rolled_day", Date, nullable=False),
    CheckConstraint("desk_id = 1", name="single"),
)
