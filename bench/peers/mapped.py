"""The tables as SQLAlchemy's ORM maps them for a plain server: the columns it shows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Row(DeclarativeBase):
    """A row of a brand."""

    type_annotation_map = {datetime: DateTime(timezone=True)}


class Client(Row):
    """A client."""

    __tablename__ = "client"
    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    ib_id: Mapped[UUID | None]
    name: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str | None]
    country: Mapped[str]
    status: Mapped[str]
    created_at: Mapped[datetime]


class Account(Row):
    """A trading account."""

    __tablename__ = "trading_account"
    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID]
    login: Mapped[int]
    currency: Mapped[str]
    leverage: Mapped[int]
    status: Mapped[str]
    created_at: Mapped[datetime]


class State(Row):
    """The balance of an account."""

    __tablename__ = "account_state"
    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    balance_minor: Mapped[int]
    equity_minor: Mapped[int]
    currency: Mapped[str]


class Payment(Row):
    """A deposit or a withdrawal."""

    __tablename__ = "payment"
    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID]
    reference: Mapped[str]
    status: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    created_at: Mapped[datetime]


class Ib(Row):
    """An introducing broker."""

    __tablename__ = "ib"
    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    parent_id: Mapped[UUID | None]
    name: Mapped[str]
    level: Mapped[int]
    client_count: Mapped[int]
    created_at: Mapped[datetime]


class Note(Row):
    """A note of staff on a client."""

    __tablename__ = "client_note"
    brand_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID]
    body: Mapped[str]
    created_at: Mapped[datetime]
