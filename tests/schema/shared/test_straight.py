"""What is run straight answers as it does through Strawberry and its extensions."""

from typing import Any
from uuid import UUID

import pytest
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from schema.shared.assemble import Assembled
from schema.shared.context import Context
from tenants.context import Actor, ActorKind, Scope
from tenants.work import Database
from tests.schema.shared.conftest import ALL, Denied

QUERY, MUTATION = OperationType.QUERY, OperationType.MUTATION
RENAME = "mutation ($name: String!) { petRename(input: {newName: $name}) { name errors { code } } }"


def told(result: ExecutionResult) -> tuple[Any, ...]:
    errors = [error.formatted for error in result.errors or ()]
    return result.data, errors, isinstance(result, PreExecutionError)


@pytest.mark.parametrize(
    ("text", "kind", "variables", "rights"),
    [
        ("{ people(first: 2) { nodes { name } } }", QUERY, {}, ALL),
        ("{ people(first: 2) { nodes { name score } } }", QUERY, {}, {"people:read"}),
        ("{ people { nodes { name } } }", QUERY, {}, set()),
        ("{ people(first: 100000) { nodes { name } } }", QUERY, {}, ALL),
        ('query ($after: Cursor) { people(after: $after) { nodes { name } } }', QUERY,
         {"after": "no cursor"}, ALL),
        ("query ($n: Int!) { people(first: $n) { nodes { name } } }", QUERY, {"n": "x"}, ALL),
        ("query ($n: Int!) { people(first: $n) { nodes { name } } }", QUERY, {}, ALL),
        (RENAME, MUTATION, {"name": "Rex"}, ALL | {"pets:write"}),
        (RENAME, MUTATION, {"name": ""}, ALL | {"pets:write"}),
        (RENAME, MUTATION, {"name": "Rex"}, ALL),
        (RENAME, MUTATION, {"name": 5}, ALL | {"pets:write"}),
    ],
)  # fmt: skip
async def test_both_ways_answer_alike(
    assembled: Assembled, shop: Database, fresh: UUID, denied: Denied,
    text: str, kind: OperationType, variables: dict[str, Any], rights: set[str],
) -> None:  # fmt: skip
    scope = Scope(
        brand_id=fresh,
        actor=Actor(ActorKind.STAFF, UUID(int=7)),
        permissions=frozenset(rights),
        request_id="req",
    )

    def context() -> Context[None]:
        return Context(scope=scope, database=shop, reading=assembled.reading, services=None)

    schema, asked, twice = assembled.schema, context(), context()
    denied.clear()
    through = await schema.execute(text, variable_values=dict(variables), context_value=asked)
    told_through = list(denied)
    denied.clear()
    straight = await schema.run(
        schema.documents.prepare(text),
        variables=variables,
        context=twice,
        operation_name=None,
        kind=kind,
    )
    await asked.close()
    await twice.close()
    assert told(straight) == told(through)
    assert denied == told_through
