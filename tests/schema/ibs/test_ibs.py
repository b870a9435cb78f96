"""The tree of ibs through the API: what each actor sees of it, and making one."""

from typing import Any

import pytest

from domain.ibs.tables import ib as ib_table
from domain.kernel.ids import encode_id, new_uuid
from tenants.tables import audit, event
from tests.factories import Brand, Factory, rights_of, scope_of
from tests.schema.people import Ask

LIST = """query ($filter: IbFilter, $order: IbOrder) { ibs(filter: $filter, orderBy: $order) {
  nodes { code level status parent { code } subtreeClients { value precision }
    children { nodes { code } } clients { nodes { reference } } } totalCount { value } } }"""
ONE = "query ($id: ID!) { node(id: $id) { ... on Ib { code name parent { code } } } }"
CREATE = """mutation ($input: IbCreateInput!) { ibCreate(input: $input) {
  ib { code level parent { code } subtreeClients { value } } errors { code path } } }"""
NORTH = {"code": "north", "name": "North Ltd", "email": "north@ib.example"}


async def test_each_actor_sees_its_part_of_the_tree(
    ask: Ask, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    top, south = make.ib(brand), make.ib(brand)
    below = make.ib(brand, top)
    make.ib(brand_b)
    of_top, of_below = make.client(brand, top), make.client(brand, below)
    owned = make.client(brand, south, owner_id=brand.staff["sales"])
    whole = (await ask(LIST, scope_of(brand, "brand_admin"))).only()
    assert whole["totalCount"] == {"value": 3}
    by_code = {one["code"]: one for one in whole["nodes"]}
    assert by_code[top.code] == {
        "code": top.code,
        "level": 1,
        "status": "ACTIVE",
        "parent": None,
        "subtreeClients": {"value": 2, "precision": "EXACT"},
        "children": {"nodes": [{"code": below.code}]},
        "clients": {"nodes": [{"reference": of_top.reference}]},
    }
    assert by_code[below.code]["parent"] == {"code": top.code}
    assert by_code[south.code]["clients"] == {"nodes": [{"reference": owned.reference}]}
    mine = (await ask(LIST, scope_of(brand, ib=below))).only()["nodes"]
    assert [(one["code"], one["parent"]) for one in mine] == [(below.code, None)]
    assert mine[0]["clients"] == {"nodes": [{"reference": of_below.reference}]}
    for one in (top, south):
        hidden = await ask(ONE, scope_of(brand, ib=below), id=encode_id("ib", one.id))
        assert (hidden.data, hidden.errors) == ({"node": None}, [])
    assert [one["code"] for one in (await ask(LIST, scope_of(brand, ib=top))).only()["nodes"]] == [
        top.code,
        below.code,
    ]


async def test_foreign_and_unknown_ibs_are_null(
    ask: Ask, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    foreign = make.ib(brand_b)
    for key in (foreign.id, new_uuid()):
        answer = await ask(ONE, scope_of(brand, "brand_admin"), id=encode_id("ib", key))
        assert (answer.data, answer.errors) == ({"node": None}, [])


async def test_filters_and_orders(ask: Ask, make: Factory, brand: Brand) -> None:
    top = make.ib(brand)
    below = make.ib(brand, top)
    scope = scope_of(brand, "brand_admin")
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"filter": {"level": {"eq": 2}}}, [below.code]),
        ({"filter": {"parentId": {"eq": encode_id("ib", top.id)}}}, [below.code]),
        ({"filter": {"code": {"eq": top.code}}}, [top.code]),
        ({"filter": {"status": {"eq": "SUSPENDED"}}}, []),
        ({"order": {"field": "CODE", "direction": "DESC"}}, sorted([top.code, below.code])[::-1]),
    ]
    for variables, expected in cases:
        found = (await ask(LIST, scope, **variables)).only()["nodes"]
        assert [one["code"] for one in found] == expected, variables


async def test_the_tree_takes_the_same_statements_whatever_its_size(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    scope = scope_of(brand, "brand_admin")
    make.client(brand, make.ib(brand))
    small = await ask(LIST, scope)
    for _ in range(8):
        make.client(brand, make.ib(brand, make.ib(brand)))
    large = await ask(LIST, scope)
    assert (len(small.only()["nodes"]), len(large.only()["nodes"])) == (1, 17)
    assert (small.statements, large.statements) == (4, 4)


async def test_staff_puts_an_ib_into_the_tree(
    ask: Ask, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    parent = make.ib(brand)
    scope = scope_of(brand, "brand_admin")
    given = NORTH | {"parentId": encode_id("ib", parent.id)}
    done = (await ask(CREATE, scope, input=given)).only()
    assert done == {
        "ib": {
            "code": "NORTH",
            "level": 2,
            "parent": {"code": parent.code},
            "subtreeClients": {"value": 0},
        },
        "errors": [],
    }
    assert (len(make.rows(event, brand)), len(make.rows(audit, brand))) == (1, 1)
    assert (await ask(CREATE, scope_of(brand_b, "brand_admin"), input=NORTH)).only()["ib"]


async def test_each_refusal_is_data_and_leaves_nothing(
    ask: Ask, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    taken, foreign = make.ib(brand), make.ib(brand_b)
    suspended = make.ib(brand)
    make.run(brand, ib_table.update().where(ib_table.c.id == suspended.id).values(
        status="SUSPENDED"
    ))  # fmt: skip
    deep = taken
    for _ in range(9):
        deep = make.ib(brand, deep)
    before = make.rows(ib_table, brand)
    scope = scope_of(brand, "brand_admin")
    cases = [
        ({"code": "!"}, "INVALID", "code"),
        ({"name": ""}, "INVALID", "name"),
        ({"email": "x"}, "INVALID", "email"),
        ({"currencyCode": "XXX"}, "INVALID", "currencyCode"),
        ({"code": taken.code}, "CODE_TAKEN", "code"),
        ({"parentId": "ib_1"}, "NOT_FOUND", "parentId"),
        ({"parentId": encode_id("ib", foreign.id)}, "NOT_FOUND", "parentId"),
        ({"parentId": encode_id("ib", suspended.id)}, "PARENT_SUSPENDED", "parentId"),
        ({"parentId": encode_id("ib", deep.id)}, "TREE_TOO_DEEP", "parentId"),
    ]
    for changed, code, path in cases:
        answer = await ask(CREATE, scope, input=NORTH | changed)
        assert answer.refused() == [(code, ["input", path])], changed
    assert make.rows(ib_table, brand) == before
    assert not make.rows(event, brand)


@pytest.mark.parametrize("role", ["sales", "auditor", None])
async def test_only_those_with_the_right_make_ibs(
    role: str | None, ask: Ask, make: Factory, brand: Brand
) -> None:
    answer = await ask(CREATE, scope_of(brand, role), input=NORTH)
    assert set(answer.codes) == {"UNAUTHENTICATED" if role is None else "FORBIDDEN"}
    assert not make.rows(ib_table, brand)
    assert "ibs:create" not in rights_of("ib")
