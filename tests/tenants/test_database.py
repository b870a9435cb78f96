"""What the engine never says."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tenants.work import Database
from tests.factories import Brand, scope_of


async def test_errors_of_sql_show_no_values(database: Database, brand: Brand) -> None:
    secret = "Passw0rd-in-a-parameter"
    async with database.read(scope_of(brand)) as work:
        with pytest.raises(DBAPIError) as caught:
            await work.rows(text("select cast(:given as text), 1/0"), {"given": secret})
    shown = f"{caught.value!s} {caught.value!r}"
    assert "select" in shown
    assert secret not in shown
