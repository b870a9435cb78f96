"""At the edge a compiled answer is the executor's: same body, same price, one statement."""

import gc
from collections.abc import Callable
from typing import Any
from weakref import ref

import orjson
import pytest

from api.graphql.limits import EdgeLimits, Throttle
from api.graphql.operation import QUERIES, SINGLE, Answer, Operations
from api.graphql.parameters import Parameters
from api.graphql.trusted import Trusted
from domain.kernel.ids import encode_id
from domain.payments.values import PaymentStatus
from schema.shared.context import Context
from schema.shared.ready import READY_MAX
from tenants.trusted_documents import (
    DocumentPlan,
    add_documents,
    document_id_of,
    set_document_policy,
    sha256_of,
)
from tenants.trusted_lists import TrustedLists
from tenants.values import DocumentPolicy
from tenants.work import WriteWork
from tests.factories import scope_of
from tests.schema.plans.both import Both

pytestmark = pytest.mark.timeout(600)
ONE = """query One($id: ID!, $whole: Boolean!) { node(id: $id) { ... on Client { id name
  accounts(first: 2) @include(if: $whole) { nodes { login state { equity { amount } } } } } } }"""
PAGED = "query($n: Int!) { clients(first: $n) { nodes { id name } } }"
UNDECLARED = "{ clients(first: 2) { nodes { id actions { name } } } }"


def operations(both: Both, *, with_plans: bool) -> Operations:
    limits = EdgeLimits()
    throttle = Throttle(limits.buckets, limits.max_buckets, clock=lambda: 0.0)
    return Operations(both.assembled.schema, limits, throttle, both.plans if with_plans else None)


def context(both: Both, actor: str) -> Context[Any]:
    return Context(
        scope=both.crowd.actors[actor],
        database=both.database,
        reading=both.assembled.reading,
        services=None,
        throttle_keys=(f"token:{both.crowd.here.brand.id.hex}:x",),
    )


async def answered(
    both: Both,
    text: str,
    actor: str = "brand_admin",
    *,
    with_plans: bool = True,
    named: str | None = None,
    **variables: Any,
) -> tuple[Answer, Any]:
    """What the edge answers to a query or a mutation, and its body as it is sent."""
    edge, asking = operations(both, with_plans=with_plans), context(both, actor)
    admission = await edge.admit(Parameters(text, variables, named), asking, SINGLE)
    answer = await edge.execute(admission, asking)
    _, body = edge.encode(answer, asking.request_id)
    return answer, orjson.loads(body)


@pytest.mark.parametrize("with_accounts", [True, False])
async def test_both_paths_send_one_body_at_one_price(
    both: Both, count_statements: Callable[[], Any], with_accounts: bool
) -> None:
    asked = {"id": encode_id("client", both.crowd.here.client("north").id), "whole": with_accounts}
    with count_statements() as counted:
        woven, compiled = await answered(both, ONE, with_plans=True, **asked)
    assert woven.woven is not None
    assert counted.total == 0, "the plan's statement goes past SQLAlchemy, and nothing else is sent"
    executed, expected = await answered(both, ONE, with_plans=False, **asked)
    assert executed.woven is None
    assert compiled == expected
    assert woven.headers == executed.headers
    # Over a socket the answer is part of a message.
    assert woven.read().payload == executed.payload


async def test_what_is_undeclared_is_the_executors(both: Both) -> None:
    answer, body = await answered(both, UNDECLARED, with_plans=True)
    assert answer.woven is None
    assert body["data"]["clients"]["nodes"][0]["actions"]


async def test_a_refusal_is_the_executors(both: Both) -> None:
    asked = '{ clients(first: 2, after: "nonsense") { nodes { id } } }'
    _, compiled = await answered(both, asked, with_plans=True)
    _, expected = await answered(both, asked, with_plans=False)
    assert compiled["errors"] == expected["errors"]
    _, denied = await answered(both, "{ clients { nodes { id } } }", "nobody", with_plans=True)
    assert denied["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_another_permission_set_has_another_plan(both: Both) -> None:
    asked = "{ clients(first: 1) { nodes { name email maskedFields } } }"
    for actor, hidden in (("brand_admin", []), ("masked", ["email", "phone"])):
        answer, body = await answered(both, asked, actor, with_plans=True)
        assert answer.woven is not None
        assert body["data"]["clients"]["nodes"][0]["maskedFields"] == hidden


async def test_plans_are_bounded(both: Both, no_plan_left: None, monkeypatch: Any) -> None:
    # Of each document its operation, its plan, its statement, and what calls alike take.
    monkeypatch.setattr("schema.shared.shelf.THINGS_MAX", 20)
    for n in range(1, 12):
        asked = f"{{ clients(first: {n}) {{ nodes {{ id }} }} }}"
        answer, _ = await answered(both, asked, with_plans=True)
        assert answer.woven is not None
    sizes = both.plans.sizes()
    assert (sizes["documents"], sizes["things"]) == (5, 20)
    assert len(both.plans.statements()) == 5
    assert sizes["characters"] == sum(map(len, both.plans.statements()))


async def test_calls_of_one_document_push_out_no_other(both: Both, no_plan_left: None) -> None:
    documents = both.assembled.schema.documents
    kept = documents.make("query($n: Int!) { clients(first: $n) { __typename } }")
    paged = documents.make(PAGED)
    scope = both.crowd.actors["brand_admin"]
    for size in (1, 1, 2):
        assert await both.plans.answer(kept, None, {"n": size}, scope)
    before = both.plans.sizes()["things"]
    for size in range(1, READY_MAX + 20):
        assert await both.plans.answer(paged, None, {"n": size}, scope)
    # Its operation, its plan, its statement.
    assert both.plans.sizes()["things"] == before + 3 + READY_MAX


async def test_words_of_filters_push_out_no_other_document(
    both: Both, no_plan_left: None, monkeypatch: Any
) -> None:
    monkeypatch.setattr("schema.shared.plans.WORDED_MAX", 5)
    asked = """query($a: PaymentStatus!, $b: PaymentStatus!) {
      a: payments(filter: {status: {eq: $a}}) { nodes { id } totalCount { value } }
      b: payments(filter: {status: {eq: $b}}) { nodes { id } } }"""
    words = list(PaymentStatus)[:5]
    for a in words:
        for b in words:
            _, body = await answered(both, asked, a=a, b=b)
            _, expected = await answered(both, asked, with_plans=False, a=a, b=b)
            assert body == expected
    # Those with words, and one with none.
    assert len(both.plans.statements()) == 5 + 1


async def test_names_of_variables_are_the_callers_own(both: Both, no_plan_left: None) -> None:
    """One that is named as we name the brand changes no brand, in any call."""
    asked = """query($brand_id: ID!, $viewer_id: Int) {
      node(id: $brand_id) { ... on Client { name } }
      clients(first: $viewer_id) { nodes { id } } }"""
    neighbour = both.crowd.there.brand.id
    for kind, key in (
        ("client", both.crowd.here.client("north").id),
        ("client", both.crowd.here.client("alone").id),
        ("client", neighbour),
        ("brand", neighbour),
        ("client", both.crowd.there.client("north").id),
    ):
        given = {"brand_id": encode_id(kind, key), "viewer_id": 2}
        compiled, body = await answered(both, asked, **given)
        _, expected = await answered(both, asked, with_plans=False, **given)
        assert compiled.woven is not None
        assert body == expected


async def test_an_id_that_is_asked_elsewhere_too_is_no_id_alone(both: Both) -> None:
    once = """query($id: ID!) { node(id: $id) { ... on Client { id } }
      payments(filter: {clientId: {eq: $id}}) { nodes { id } } }"""
    twice = """query A($id: ID!) { node(id: $id) { ... on Client { id } } }
      query B($id: ID!) { payments(filter: {clientId: {eq: $id}}) { nodes { id } } }"""
    clients = [both.crowd.here.client(name).id for name in ("north", "alone", "north")]
    for text, name in ((once, None), (twice, "A"), (twice, "B")):
        for client in clients:
            found = [
                (await answered(both, text, with_plans=each, named=name,
                                id=encode_id("client", client)))[1]
                for each in (True, False)
            ]  # fmt: skip
            assert found[0] == found[1]
            assert "errors" not in found[0]


async def test_operations_of_one_document_are_told_apart(both: Both) -> None:
    asked = """query A($n: Int!) { clients(first: $n) { nodes { id } } }
      query B($n: Int!) { payments(first: $n) { nodes { id } } }"""
    for name, field in (("A", "clients"), ("B", "payments"), ("A", "clients")):
        answer, body = await answered(both, asked, named=name, n=1)
        assert answer.woven is not None
        assert list(body["data"]) == [field]


async def test_absent_null_and_default_are_told_apart(both: Both, no_plan_left: None) -> None:
    paged = "query($n: Int = 2) { clients(first: $n) { nodes { id } } }"
    for given in ({}, {"n": None}, {"n": 2}, {}, {"n": None}):
        _, body = await answered(both, paged, **given)
        _, expected = await answered(both, paged, with_plans=False, **given)
        assert body == expected
    filtered = "query($c: String) { clients(filter: {country: {eq: $c}}) { nodes { id } } }"
    for given in ({}, {"c": None}, {"c": "CY"}, {}, {"c": "ZZ"}, {"c": None}):
        _, body = await answered(both, filtered, **given)
        _, expected = await answered(both, filtered, with_plans=False, **given)
        assert body.get("data") == expected.get("data")
        assert bool(body.get("errors")) == bool(expected.get("errors"))


@pytest.mark.parametrize("given", [True, 1.5, "1", None, [1], {"a": 1}])
async def test_values_that_python_takes_for_each_other_are_told_apart(
    both: Both, given: Any
) -> None:
    fine, _ = await answered(both, PAGED, n=1)
    assert fine.woven is not None
    compiled, body = await answered(both, PAGED, n=given)
    _, expected = await answered(both, PAGED, n=given, with_plans=False)
    assert compiled.woven is None
    assert body.get("data") == expected.get("data")
    assert [one["message"] for one in body["errors"]] == [
        one["message"] for one in expected["errors"]
    ]


async def test_documents_that_are_forgotten_are_let_go(
    both: Both, no_plan_left: None, monkeypatch: Any
) -> None:
    """A tree weighs more than its plans: whoever sends ever new documents fills no memory."""
    monkeypatch.setattr("schema.shared.shelf.CACHED_TOKENS", 100)
    kept = []
    for n in range(1, 12):
        asked = f"{{ clients(first: {n}) {{ nodes {{ id name email }} }} }}"
        prepared = both.assembled.schema.documents.make(asked)
        kept.append(ref(prepared.document))
        assert await both.plans.answer(prepared, None, {}, both.crowd.actors["brand_admin"])
        assert both.plans.sizes()["tokens"] <= 100
    del prepared
    gc.collect()
    alive = [one for one in kept if one() is not None]
    assert len(alive) == both.plans.sizes()["documents"] < len(kept)


async def test_one_document_alone_stays_within_the_bounds(
    both: Both, no_plan_left: None, monkeypatch: Any
) -> None:
    monkeypatch.setattr("schema.shared.shelf.THINGS_MAX", 6)
    asked = (
        "query($n: Int!, $a: Boolean!) { clients(first: $n) { nodes { id name @skip(if: $a) } } }"
    )
    prepared = both.assembled.schema.documents.make(asked)
    for actor in ("brand_admin", "masked", "support", "sales"):
        for skipped in (True, False):
            found = await both.plans.answer(
                prepared, None, {"n": 1, "a": skipped}, both.crowd.actors[actor]
            )
            assert found is not None
            assert both.plans.sizes()["things"] <= 6


async def trust(both: Both, text: str) -> None:
    async def command(work: WriteWork) -> None:
        await add_documents(work, [DocumentPlan(text, (), 1)])
        await set_document_policy(work, DocumentPolicy.ACCEPT, "to be measured")

    await both.database.write(scope_of(both.crowd.here.brand, "brand_admin"), command)


@pytest.mark.parametrize("text", [ONE, UNDECLARED])
async def test_a_trusted_document_is_read_once_and_then_costs_no_statement_of_its_own(
    both: Both, count_statements: Callable[[], Any], monkeypatch: Any, text: str
) -> None:
    """Neither parsed nor looked for again, by id or by text, whichever path answers it."""
    await trust(both, text)
    client = encode_id("client", both.crowd.here.client("north").id)
    variables = {"id": client, "whole": True} if text is ONE else {}
    limits, documents = EdgeLimits(), both.assembled.schema.documents
    throttle = Throttle(limits.buckets, limits.max_buckets, clock=lambda: 0.0)
    lists = TrustedLists(both.database, monotonic=lambda: 0.0)
    make = documents.make
    trusted = Trusted(documents, lists)
    edge = Operations(both.assembled.schema, limits, throttle, both.plans, trusted)

    async def ask(parameters: Parameters, actor: str) -> tuple[int, Any]:
        asking = context(both, actor)
        with count_statements() as counted:
            admission = await edge.admit(parameters, asking, QUERIES)
        answer = await edge.execute(admission, asking)
        return counted.total, answer.read().payload["data"]

    by_id = Parameters(None, variables, None, document_id_of(sha256_of(text)))
    made = []
    monkeypatch.setattr(documents, "make", lambda text: made.append(text) or make(text))
    first, expected = await ask(by_id, "brand_admin")
    assert first == 2, "the list and the text"
    assert made == [text], "run as it is, whichever path answers"
    monkeypatch.setattr(documents, "make", None)
    by_text = Parameters(text, variables, None)
    for parameters, actor in ((by_id, "brand_admin"), (by_id, "north"), (by_text, "north")):
        for _ in range(3):
            spent, found = await ask(parameters, actor)
            assert spent == 0
        assert actor != "brand_admin" or found == expected


PAGES = """query($n: Int!) { clients(first: $n) { totalCount { value } nodes { id
  accounts(first: $n) { edges { cursor } pageInfo { hasNextPage } } } } }"""
SETTLED = (
    "query($n: Int!) { payments(first: $n, filter: {status: {eq: SETTLED}}) { nodes { id } } }"
)
ABROAD = """query($n: Int!) { clients(first: $n, filter: {country: {eq: "CY"}}) {
  nodes { id } } }"""


@pytest.mark.parametrize("text", [PAGES, SETTLED])
async def test_the_database_plans_a_statement_once(both: Both, text: str) -> None:
    """Neither a page's size nor a word of ours has each call planned anew."""
    prepared = both.assembled.schema.documents.prepare(text)
    scope = both.crowd.actors["brand_admin"]
    planned = "select generic_plans, custom_plans from pg_prepared_statements where statement = $1"
    async with both.database._engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        for size in (100, 1, 7, 30, 100, 2, 50, 100, 9, 1):
            statement, values = both.plans._bound(prepared, None, {"n": size}, scope)
            whole = (*values, scope.brand_id, scope.client_id, scope.ib_path)
            await driver.fetchval(statement.text, *whole)
        (found,) = await driver.fetch(planned, statement.text)
    assert tuple(found) == (5, 5)


def test_a_plan_is_not_kept_where_values_decide_the_path(both: Both) -> None:
    """Then Postgres is left to weigh it: a constant limit would always have it keep one."""
    scope = both.crowd.actors["brand_admin"]
    for text, is_limited in ((PAGES, True), (SETTLED, True), (ABROAD, False)):
        prepared = both.assembled.schema.documents.prepare(text)
        statement, _ = both.plans._bound(prepared, None, {"n": 5}, scope)
        assert ("LIMIT 101)" in statement.text) is is_limited


async def test_a_word_of_a_filter_is_said_and_a_text_is_bound(both: Both) -> None:
    text = """query($status: PaymentStatus!) {
      payments(first: 3, filter: {status: {eq: $status}, currency: {eq: "USD"}}) {
        nodes { id status } } }"""
    before = set(both.plans.statements())
    for status in ("SETTLED", "FAILED", "SETTLED"):
        _, body = await answered(both, text, status=status)
        _, plain = await answered(both, text, with_plans=False, status=status)
        assert body["data"] == plain["data"]
    made = sorted(set(both.plans.statements()) - before)
    assert len(made) == 2
    for status, statement in zip(("FAILED", "SETTLED"), made, strict=True):
        assert f"payment.status = '{status}'::text" in statement
        assert "USD" not in statement
