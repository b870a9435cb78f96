"""What the tables of all sandbox vendors share: their schema, names of constraints, columns."""

from typing import Any

from sqlalchemy import Column, DateTime, Integer, MetaData, Numeric, Table, Text

metadata = MetaData(
    schema="sandbox",
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    },
)


def vendor_table(name: str, *parts: Any) -> Table:
    """A table of a vendor; `name` begins with the vendor's."""
    return Table(name, metadata, *parts, info={"place": "local"})


def text(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=nullable)


def key(name: str) -> Column[Any]:
    return Column(name, Text, primary_key=True)


def number(name: str, *, nullable: bool = False) -> Column[Any]:
    """An amount of money in units of its currency."""
    return Column(name, Numeric, nullable=nullable)


def count(name: str) -> Column[Any]:
    return Column(name, Integer, nullable=False)


def time(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)
