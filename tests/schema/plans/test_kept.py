"""Where the database keeps a number, a plan reads it instead of counting, for who sees all rows."""

from typing import Any

import orjson
import pytest
from sqlalchemy import update

from domain.ibs.tables import ib
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
    south = both.crowd.here.ibs["south"]
    asked = Asked(
        f"query($id: ID!) {{ node(id: $id) {{ ... on Ib {{ {ALL} }} }} }}",
        {"id": encode_id("ib", south.id)},
    )
    admin, planned = both.crowd.actors["brand_admin"], both.told["planned"]
    assert await both.difference(asked, admin) is None
    make.client(both.crowd.here.brand, south)
    assert await both.difference(asked, admin) is None
    assert both.told["planned"] == planned + 2


async def test_every_place_in_a_tree_has_its_own_number(both: Both) -> None:
    top = both.crowd.here.ibs["north"]
    text = """query($id: ID!) { node(id: $id) { ... on Ib {
      mine: clients { totalCount { value precision } }
      active: clients(filter: { status: { eq: ACTIVE } }) { totalCount { value } }
      none: clients(filter: { status: { eq: CLOSED } }) { totalCount { value } }
      children(first: 5) { nodes {
        ...Numbered children(first: 5) { nodes { ...Numbered } } } } } } }
    fragment Numbered on Ib { id clients { total: totalCount { precision value } } }"""
    asked, planned = Asked(text, {"id": encode_id("ib", top.id)}), both.told["planned"]
    for actor in ("brand_admin", "sales", "ib"):
        assert await both.difference(asked, both.crowd.actors[actor]) is None
    assert both.told["planned"] == planned + 3


@pytest.mark.parametrize(
    ("kept", "told"),
    [(0, (0, "EXACT")), (10_000, (10_000, "EXACT")), (10_001, (10_000, "AT_LEAST"))],
)
async def test_a_number_above_the_cap_says_so(
    both: Both, make: Any, kept: int, told: tuple[int, str]
) -> None:
    # No rows stand behind it: a plan reads what is kept.
    lone = make.ib(both.crowd.here.brand)
    row = ib.c.brand_id == lone.brand_id, ib.c.id == lone.id
    make.run(both.crowd.here.brand, update(ib).where(*row).values(client_count=kept))
    text = f"query($id: ID!) {{ node(id: $id) {{ ... on Ib {{ {ALL} }} }} }}"
    prepared = both.assembled.schema.documents.prepare(text)
    asked = {"id": encode_id("ib", lone.id)}
    woven = await both.plans.answer(prepared, None, asked, both.crowd.actors["brand_admin"])
    assert woven is not None
    found = orjson.loads(woven.data)["node"]["clients"]["totalCount"]
    assert (found["value"], found["precision"]) == told
    make.run(both.crowd.here.brand, update(ib).where(*row).values(client_count=0))
