"""A mutation's payload is shown by a plan as the executor shows it: same body, same price."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import orjson
import pytest

from api.graphql.operation import Answer
from domain.clients import tables
from domain.kernel.ids import encode_id
from schema.shared.woven import Woven
from tests.factories import Factory
from tests.schema.plans.both import Both
from tests.schema.plans.test_edge import answered
from tests.schema.plans.writing import Writer

pytestmark = pytest.mark.timeout(600)
UPDATE = """mutation Save($input: ClientUpdateInput!, $whole: Boolean!, $first: Int) {
  saved: clientUpdate(input: $input) { __typename shown: client { ...Who
    accounts(first: $first) @include(if: $whole) { nodes { login state { equity { amount } } } } }
    shown: client { tags } errors { code path } } }
  fragment Who on Client { id name email maskedFields ... on Node { id } owner { name } }"""
SEEN = "query($id: ID!) { node(id: $id) { id } }"


def north(both: Both) -> str:
    return encode_id("client", both.crowd.here.client("north").id)


def input_of(both: Both, make: Factory, **more: Any) -> dict[str, Any]:
    """What every change of the northern client sends."""
    here = both.crowd.here
    key = here.client("north").id
    (version,) = (one.version for one in make.rows(tables.client, here.brand) if one.id == key)
    return {"clientId": north(both), "expectedVersion": version, **more}


def by_plans(answer: Answer) -> list[str]:
    """The fields of payloads that hold what a plan wrote."""
    return [
        name
        for payload in answer.payload["data"].values()
        for name, value in payload.items()
        if isinstance(value, Woven)
    ]


def below(both: Both, text: str, name: str) -> Sequence[Any]:
    """The nodes of a payload's field in a document of one mutation."""
    document: Any = both.assembled.schema.documents.prepare(text).document
    (mutation,) = document.definitions[0].selection_set.selections
    return [each for each in mutation.selection_set.selections if each.name.value == name]


@pytest.mark.parametrize("actor", ["brand_admin", "masked", "support"])
@pytest.mark.parametrize("with_accounts", [True, False])
@pytest.mark.parametrize("tags", [["same"], ["x" * 1_000]], ids=["taken", "refused"])
async def test_both_paths_send_one_body_at_one_price(
    both: Both, make: Factory, actor: str, with_accounts: bool, tags: list[str]
) -> None:
    rest = {"whole": with_accounts, "first": 2}
    given = {"input": input_of(both, make, tags=tags), **rest}
    answer, compiled = await answered(both, UPDATE, actor, **given)
    given = {"input": input_of(both, make, tags=tags), **rest}
    executed, expected = await answered(both, UPDATE, actor, with_plans=False, **given)
    assert compiled == expected
    assert answer.headers == executed.headers
    # Over a socket the answer is part of a message.
    assert answer.read().payload == executed.read().payload
    if actor == "brand_admin":
        shown = compiled["data"]["saved"]
        assert (shown["shown"] is None) is (tags != ["same"]) is bool(shown["errors"])
        assert by_plans(answer) == (["shown"] if tags == ["same"] else [])
        assert tags != ["same"] or ("accounts" in shown["shown"]) is with_accounts


async def test_what_a_plan_shows_costs_no_statement_of_the_executors(
    both: Both, make: Factory, count_statements: Callable[[], Any]
) -> None:
    counts = {}
    for with_plans in (True, False):
        rest = {"whole": True, "first": 2}
        await answered(
            both, UPDATE, with_plans=with_plans, input=input_of(both, make, tags=["a"]), **rest
        )
        given = {"input": input_of(both, make, tags=["b"]), **rest}
        with count_statements() as counted:
            answer, _ = await answered(both, UPDATE, with_plans=with_plans, **given)
        assert by_plans(answer) == (["shown"] if with_plans else [])
        counts[with_plans] = counted.total
    # The client, its owner, its accounts, their states: those of plans go past SQLAlchemy.
    assert counts[False] - counts[True] >= 3, counts


async def test_a_new_object_is_there_at_once(both: Both) -> None:
    text = """mutation($input: ClientNoteCreateInput!) { clientNoteCreate(input: $input) {
      note { __typename id body author { name } } errors { code } } }"""
    given = {"clientId": north(both), "body": 'so "it"\nwas'}
    answer, body = await answered(both, text, input=given)
    assert by_plans(answer) == ["note"]
    made = body["data"]["clientNoteCreate"]["note"]
    assert (made["body"], body["data"]["clientNoteCreate"]["errors"]) == ('so "it"\nwas', [])
    again = """query($id: ID!) { node(id: $id) {
      __typename id ... on Note { body author { name } } } }"""
    _, found = await answered(both, again, with_plans=False, id=made["id"])
    assert found["data"]["node"] == made


async def test_what_left_ones_sight_is_null(both: Both, make: Factory) -> None:
    text = """mutation($input: ClientAssignInput!) { clientAssign(input: $input) {
      client { name owner { name } } errors { code } } }"""
    actors = both.crowd.actors
    prepared = both.assembled.schema.documents.prepare(text)
    weave = both.plans.below(prepared, None, {}, actors["sales"])
    for owner in ("sales", "brand_admin"):
        given = input_of(both, make, ownerId=encode_id("staff", actors[owner].actor.id))
        _, body = await answered(both, text, with_plans=False, input=given)
        assert body["data"]["clientAssign"]["client"]["owner"]
        key = both.crowd.here.client("north").id
        woven = await weave(below(both, text, "client"), "Client", "client", key)
        _, seen = await answered(both, SEEN, "sales", with_plans=False, id=north(both))
        assert woven is not None
        assert (woven.data == b"null") is (seen["data"]["node"] is None) is (owner != "sales")


@pytest.mark.parametrize(
    "asked", ["client { id actions { name allowed } }", "client { id } again: client { id name }"]
)
async def test_what_a_plan_can_not_show_is_the_executors(
    both: Both, make: Factory, asked: str
) -> None:
    """What is undeclared; one object under two keys."""
    text = f"""mutation($input: ClientUpdateInput!) {{ clientUpdate(input: $input) {{
      {asked} errors {{ code }} }} }}"""
    answer, body = await answered(both, text, input=input_of(both, make, tags=["same"]))
    given = {"input": input_of(both, make, tags=["same"])}
    executed, expected = await answered(both, text, with_plans=False, **given)
    assert by_plans(answer) == []
    assert body == expected
    assert executed.payload["data"]["clientUpdate"]["client"]["id"] == north(both)


async def test_whatever_is_asked_below_is_shown_alike(both: Both) -> None:
    """Selections drawn by chance, with their fragments, directives and variables."""
    schema, types = both.assembled.schema._schema, both.assembled.reading.types
    one, shown = both.crowd.here.client("north"), 0
    for seed in range(150):
        chance = Random(seed)
        actor = chance.choice(["brand_admin", "masked", "blind", "compliance"])
        scope = both.crowd.actors[actor]
        writer = Writer(chance, schema, types, both.pool, scope.permissions)
        inner = writer._selection(schema.get_type("Client"), 3)
        declared = "".join(f", ${name}: {type_}" for name, type_ in writer.declared.items())
        rest = " ".join(writer.fragments)
        text = f"""mutation($input: ClientUpdateInput!{declared}) {{
          clientUpdate(input: $input) {{ client {{ {inner} }} }} }} {rest}"""
        prepared = both.assembled.schema.documents.prepare(text)
        weave = both.plans.below(prepared, None, writer.variables, scope)
        woven = await weave(below(both, text, "client"), "Client", "client", one.id)
        if woven is None:
            continue
        shown += 1
        asked = f"""query($id: ID!{declared}) {{
          node(id: $id) {{ ... on Client {{ {inner} }} }} }} {rest}"""
        variables = {"id": encode_id("client", one.id), **writer.variables}
        answer, expected = await answered(both, asked, actor, with_plans=False, **variables)
        assert "errors" not in expected, asked
        assert orjson.dumps(orjson.loads(woven.data)) == orjson.dumps(expected["data"]["node"])
        assert woven.spent == answer.payload["extensions"]["cost"]["actualQueryCost"], asked
    assert shown > 75, both.plans.left


async def test_queries_below_are_bounded(
    both: Both, make: Factory, no_plan_left: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # For each document the query below; of that query its operation, its plan, its statement.
    monkeypatch.setattr("schema.shared.shelf.THINGS_MAX", 20)
    for n in range(12):
        text = f"""mutation($input: ClientUpdateInput!) {{ clientUpdate(input: $input) {{
          client {{ id a{n}: name }} errors {{ code }} }} }}"""
        answer, _ = await answered(both, text, input=input_of(both, make, tags=["same"]))
        assert by_plans(answer) == ["client"]
    assert both.plans.sizes()["things"] == 20
