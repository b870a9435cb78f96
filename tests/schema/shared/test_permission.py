"""Who lacks a permission gets an error that names path and permission, and nothing is loaded."""

import time
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import pytest
import strawberry
from graphql import parse
from sqlalchemy.ext.asyncio import AsyncEngine

from schema.shared.assemble import Assembled
from schema.shared.context import Context
from schema.shared.documents import ExecutableSchema
from schema.shared.permission import (
    Marks,
    UnmarkedField,
    check_schema_marked,
    lacking,
    needs,
    permission_check,
    public,
)
from schema.shared.permission_analysis import _KNOWN, analysis_of
from tenants.context import ANONYMOUS, Actor, ActorKind, Scope
from tenants.work import Database
from tests.domain.reads.test_reads_engine import people
from tests.schema.shared.conftest import ALL, Ask, Denied


def needed(assembled: Assembled, text: str, **variables: Any) -> dict[str, str]:
    """Permission → path, for somebody who has none."""
    found = lacking(
        assembled.schema, parse(text), operation=None, variables=variables, permissions=frozenset()
    )
    return {need.permission: ".".join(need.path) for need in found}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ __typename __schema { types { name } } }", {}),
        ('{ echo(amount: "1") }', {}),
        ("{ people { nodes { name } } }", {"people:read": "people"}),
        ("{ p: people { __typename } }", {"people:read": "p"}),
        (
            "{ people { edges { node { good: score vet { __typename } } } } }",
            {
                "people:read": "people",
                "people:score": "people.edges.node.good",
                "vets:read": "people.edges.node.vet",
            },
        ),
        ('{ node(id: "") { id } }', {}),
        ('{ node(id: "") { ... on Vet { __typename } } }', {"vets:read": "node"}),
        ('{ node(id: "") { ... on Node { ... { ...V } } } } fragment V on Vet { name }',
         {"vets:read": "node.name"}),
        ('mutation { petRename(input: {newName: ""}) { name } }', {"pets:write": "petRename"}),
        ("subscription { ticks }", {"ticks:watch": "ticks"}),
    ],
)  # fmt: skip
def test_needs_of_documents(assembled: Assembled, text: str, expected: dict[str, str]) -> None:
    found = needed(assembled, text)
    assert found.keys() == expected.keys()
    for permission, path in found.items():
        assert expected[permission].startswith(path) or path == expected[permission]


def test_what_never_runs_needs_nothing(assembled: Assembled) -> None:
    text = """query ($v: Boolean = false, $w: Boolean!) { people {
        a: nodes @include(if: false) { score }
        b: nodes @skip(if: true) { score }
        c: nodes { score @include(if: $v) }
        d: nodes { ...S @skip(if: $w) } } }
        fragment S on Person { vet { name } score @include(if: $w) }"""
    assert needed(assembled, text, w=True).keys() == {"people:read"}
    assert needed(assembled, text, w=False).keys() == {"people:read", "vets:read"}
    assert needed(assembled, text, w=True, v=True).keys() == {"people:read", "people:score"}


async def test_a_refused_operation_loads_nothing(
    ask: Ask, denied: Denied, keeper: AsyncEngine, fresh: UUID
) -> None:
    await people(keeper, fresh, 1)
    denied.clear()
    answer = await ask(
        "{ people { nodes { name score vet { name } } } }", rights={"people:read", "people:all"}
    )
    assert answer.data is None
    assert answer.statements == 0
    assert [(each.message, each.path, each.extensions) for each in answer.errors] == [
        (
            f"people.nodes.{field} needs the permission {permission}.",
            None,
            {
                "code": "FORBIDDEN",
                "requestId": "req",
                "permission": permission,
                "field": ["people", "nodes", *field.split(".")],
            },
        )
        for field, permission in (("score", "people:score"), ("vet", "vets:read"))
    ]
    assert denied == [
        ("people:score", ("people", "nodes", "score")),
        ("vets:read", ("people", "nodes", "vet")),
    ]
    denied.clear()
    assert (await ask("{ people { nodes { name score vet { name } } } }")).errors == []
    assert denied == []


async def test_the_anonymous_are_asked_to_sign_in(ask: Ask, denied: Denied) -> None:
    denied.clear()
    answer = await ask(
        "{ people { nodes { score } } }", kind=ActorKind.ANONYMOUS, rights=frozenset()
    )
    assert answer.codes == ["UNAUTHENTICATED"]
    assert answer.statements == 0
    assert [permission for permission, _ in denied] == ["people:read", "people:score"]
    assert (await ask('{ echo(amount: "1") }', kind=ActorKind.ANONYMOUS, rights=set())).data


async def test_invalid_documents_are_not_judged(ask: Ask, denied: Denied) -> None:
    denied.clear()
    assert (await ask("{ people { nope } }", rights=set())).codes == ["BAD_USER_INPUT"]
    assert denied == []


async def test_subscriptions_are_refused_alike(
    assembled: Assembled, shop: Database, denied: Denied
) -> None:
    async def first(rights: frozenset[str]) -> Any:
        actor = Actor(ActorKind.STAFF, UUID(int=1))
        scope = Scope(brand_id=UUID(int=1), actor=actor, permissions=rights)
        context = Context(scope=scope, database=shop, reading=assembled.reading, services=None)
        stream = await assembled.schema.subscribe("subscription { ticks }", context_value=context)
        assert isinstance(stream, AsyncGenerator)
        found = await anext(stream)
        await stream.aclose()
        return found

    denied.clear()
    refused = await first(frozenset())
    assert [error.extensions["code"] for error in refused.errors] == ["FORBIDDEN"]
    assert denied == [("ticks:watch", ("ticks",))]
    assert (await first(frozenset({"ticks:watch"}))).data == {"ticks": 1}


def _schema(query: type, **more: Any) -> ExecutableSchema:
    return ExecutableSchema(query=query, **more)


@strawberry.type
class Plain:
    @strawberry.field(directives=public())
    def open(self) -> int:
        return 1

    @strawberry.field(directives=needs("x:read"))
    def shut(self) -> int:
        return 2


class Caller:
    def __init__(self, *rights: str) -> None:
        actor = Actor(ActorKind.STAFF) if rights else ANONYMOUS
        self.scope = Scope(brand_id=UUID(int=1), actor=actor, permissions=frozenset(rights))
        self.request_id = "r"


@pytest.mark.parametrize("other_first", [True, False])
def test_synchronous_execution_and_any_order_of_extensions(other_first: bool) -> None:
    from strawberry.extensions import ValidationCache

    check = permission_check()
    order = [ValidationCache, check] if other_first else [check, ValidationCache]
    schema = strawberry.Schema(query=Plain, extensions=order)
    allowed = schema.execute_sync("{ open shut }", context_value=Caller("x:read"))
    assert allowed.data == {"open": 1, "shut": 2}
    for caller, code in ((Caller("y"), "FORBIDDEN"), (Caller(), "UNAUTHENTICATED")):
        refused = schema.execute_sync("{ open shut }", context_value=caller)
        assert refused.data is None
        assert [each.extensions["code"] for each in refused.errors or ()] == [code]
        assert schema.execute_sync("{ open }", context_value=caller).data == {"open": 1}


def test_an_unmarked_field_stops_the_build() -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        def naked(self) -> int:
            return 1

    with pytest.raises(UnmarkedField, match=r"Query\.naked"):
        check_schema_marked(_schema(Query))


def test_an_interface_is_no_way_around() -> None:
    @strawberry.interface(directives=public())
    class Thing:
        size: int

    @strawberry.type(directives=needs("secrets:read"))
    class Secret(Thing):
        pass

    @strawberry.type(directives=public())
    class Query:
        @strawberry.field
        def thing(self) -> Thing:
            return Secret(size=1)

    with pytest.raises(UnmarkedField, match=r"Thing\.size would show Secret\.size.*secrets:read"):
        check_schema_marked(_schema(Query, types=[Secret]))


def test_nested_fragments_are_judged_in_linear_time(assembled: Assembled) -> None:
    depth = 60
    parts = ["query (" + " ".join(f"$v{n}: Boolean = true" for n in range(depth)) + ")"]
    parts.append("{ people { nodes { ...F0 } } }")
    for n in range(depth):
        inner = f"...F{n + 1} @include(if: $v{n}) ...F{n + 1} @skip(if: $v{n})"
        parts.append(
            f"fragment F{n} on Person {{ {inner} pets {{ nodes {{ person {{ {inner} }} }} }} }}"
        )
    parts.append(f"fragment F{depth} on Person {{ score }}")
    begun = time.perf_counter()
    assert "people:score" in needed(assembled, "\n".join(parts))
    assert time.perf_counter() - begun < 2


def test_an_analysis_lives_as_long_as_its_document(assembled: Assembled) -> None:
    before = len(_KNOWN)
    document = parse("{ people { nodes { name } } }")
    core = assembled.schema._schema
    marks = Marks({}, {})
    assert analysis_of(core, document, marks) is analysis_of(core, document, marks)
    assert len(_KNOWN) == before + 1
    del document
    assert len(_KNOWN) == before


def test_the_sdl_shows_permissions(assembled: Assembled) -> None:
    sdl = assembled.schema.as_str()
    assert 'score: Decimal @requires(permission: "people:score")' in sdl
    assert 'type Vet implements Node @requires(permission: "vets:read")' in sdl
    places = "FIELD_DEFINITION | INTERFACE | OBJECT"
    assert f"directive @requires(permission: String!) on {places}" in sdl
    assert "echo(" in sdl
    assert ALL
