"""What the database makes of an expression over bound values."""

from collections.abc import Callable
from typing import Any

import psycopg
from hypothesis import strategies as st
from sqlalchemy import bindparam, cast, select
from sqlalchemy.dialects import postgresql

Ask = Callable[..., Any]
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


def asker(connection: psycopg.Connection[Any], major: int | None = None) -> Ask:
    """Asks for the value of an expression, said as a Postgres of this version may be asked."""
    dialect = postgresql.psycopg.dialect()
    if major is not None:
        dialect.server_version_info = (major,)

    def ask(expression: Any, **values: Any) -> Any:
        statement = select(expression).compile(dialect=dialect)
        row = connection.execute(str(statement), {**statement.params, **values}).fetchone()
        assert row is not None
        return row[0]

    return ask


def bound(name: str, type_: Any) -> Any:
    """A value of that name and type."""
    return cast(bindparam(name, type_=type_), type_)
