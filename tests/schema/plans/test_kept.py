"""Where the database keeps a number, a plan reads it instead of counting, for who sees all rows."""

from typing import Any

import pytest

from domain.kernel.ids import encode_id
from tests.schema.plans.both import Both
from tests.schema.plans.writing import Asked

ALL = "clients { totalCount { value precision } }"
FILTERED = "clients(filter: { status: { eq: ACTIVE } }) { totalCount { value precision } }"
PAGED = "clients(first: 1) { nodes { id } totalCount { value } }"


@pytest.mark.usefixtures("no_plan_left")
@pytest.mark.parametrize(
    ("actor", "fields", "reads"),
    [
        pytest.param("brand_admin", ALL, 0, id="all"),
        pytest.param("brand_admin", FILTERED, 1, id="a filter leaves some out"),
        pytest.param("brand_admin", PAGED, 1, id="the page itself"),
        pytest.param("sales", ALL, 1, id="staff with their own clients"),
        pytest.param("ib", ALL, 1, id="an ib with its branch"),
    ],
)
async def test_clients_of_an_ib_are_counted_only_where_some_are_left_out(
    both: Both, actor: str, fields: str, reads: int
) -> None:
    ibs = both.crowd.here.ibs.values()
    for one in ibs:
        asked = Asked(
            f"query($id: ID!) {{ node(id: $id) {{ ... on Ib {{ {fields} }} }} }}",
            {"id": encode_id("ib", one.id)},
        )
        assert await both.difference(asked, both.crowd.actors[actor]) is None
    (statement,) = both.plans.statements()
    assert statement.count("FROM client") == reads, statement


async def test_a_new_client_is_in_the_next_answer(both: Both, make: Any) -> None:
    ib = both.crowd.here.ibs["south"]
    asked = Asked(
        f"query($id: ID!) {{ node(id: $id) {{ ... on Ib {{ {ALL} }} }} }}",
        {"id": encode_id("ib", ib.id)},
    )
    admin = both.crowd.actors["brand_admin"]
    assert await both.difference(asked, admin) is None
    make.client(both.crowd.here.brand, ib)
    assert await both.difference(asked, admin) is None
