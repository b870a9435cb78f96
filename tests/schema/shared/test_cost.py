"""Prices and limits of documents: exact figures, both sides of each limit, linear time."""

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLError, build_schema, get_introspection_query, parse
from hypothesis import given, settings
from hypothesis import strategies as st

from schema.shared.cost import LIMITS, DocumentCost, DocumentLimits, measure
from schema.shared.documents import DocumentRefused, Documents

SCHEMA = build_schema(
    """
    interface Node { id: ID! }
    type Money { amount: String! currencyCode: String! }
    type Count { value: Int! }
    type PageInfo { hasNextPage: Boolean! }
    type Query {
      node(id: ID!): Node
      nodes(ids: [ID!]!): [Node]!
      viewer: Client
      clients(first: Int, last: Int, after: String): ClientConnection!
      search(text: String!, first: Int = 10): [Node!]!
      events(first: Int = 100): EventPage!
      states(accountIds: [ID!]!): [Client!]!
      name: String
    }
    type Mutation { sessionCreate: Client! noteCreate: Client! }
    type Subscription { clientEvents: Client! }
    type Client implements Node {
      id: ID! name: String! friend: Client! balance: Money! balances: [Money!]! tags: [String!]!
      deals: [Client!]!
      accounts(first: Int): ClientConnection!
      equitySeries(points: Int = 200): [Client!]!
    }
    type ClientEdge { cursor: String! node: Client! }
    type ClientConnection {
      edges: [ClientEdge!]! nodes: [Client!]! pageInfo: PageInfo! totalCount: Count
    }
    type EventPage { events: [Client!]! pageInfo: PageInfo! }
    """
)


def measured(text: str, limits: DocumentLimits = LIMITS) -> DocumentCost:
    return measure(SCHEMA, parse(text), limits)


def price(text: str, **variables: Any) -> int:
    return measured(text).cost(None, variables)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("{ name }", 0),
        ("{ __typename }", 0),
        ("{ viewer { name } }", 1),
        ("{ viewer { balance { amount } } }", 1),
        ("{ viewer { balances { amount } tags } }", 1),
        ("{ viewer { friend { friend { name } } } }", 3),
        ("{ node(id: 1) { id } }", 1),
        ("{ clients { nodes { id } } }", 2 + 25),
        ("{ clients(first: 3) { nodes { id } } }", 2 + 3),
        ("{ clients(last: 4) { nodes { id } } }", 2 + 4),
        ("{ clients(first: 2, last: 4) { nodes { id } } }", 2 + 4),
        ("{ clients(first: 3) { edges { cursor node { id } } } }", 2 + 3),
        ("{ clients(first: 3) { nodes { id } edges { node { id } } } }", 2 + 6),
        ("{ clients(first: 3) { totalCount { value } pageInfo { hasNextPage } } }", 2),
        ("{ clients(first: 0) { nodes { id } } }", 2),
        ("{ clients(first: -5) { nodes { id } } }", 2),
        ("{ clients(first: null) { nodes { id } } }", 2 + 25),
        ('{ clients(first: "x") { nodes { id } } }', 2 + 25),
        (
            "{ clients(first: 3) { nodes { accounts(first: 2) { nodes { id } } } } }",
            2 + 3 * (1 + 2 + 2),
        ),
        ("{ viewer { deals { id } } }", 1 + 10),
        ("{ viewer { deals { deals { id } } } }", 1 + 10 * (1 + 10)),
        ("{ viewer { equitySeries { id } } }", 1 + 200),
        ("{ viewer { equitySeries(points: 7) { id } } }", 1 + 7),
        ('{ search(text: "x") { id } }', 10),
        ("{ events { events { id } } }", 2 + 100),
        ("{ nodes(ids: [1, 2, 3]) { id } }", 3),
        ('{ nodes(ids: ["a"]) { ... on Client { friend { id } } } }', 2),
        ("{ states(accountIds: [1, 2]) { id } }", 2),
        ("mutation { noteCreate { id } }", 10),
        ("mutation { noteCreate { friend { id } } }", 11),
        ("mutation { ...F } fragment F on Mutation { noteCreate { id } }", 10),
        ("subscription { clientEvents { id } }", 1),
        ("{ __schema { types { fields { args { name } } } } }", 100),
        ('{ __type(name: "Query") { name } }', 10),
        ("{ viewer { ...F } } fragment F on Client { friend { id } }", 2),
        ("{ viewer { ...F ...F } } fragment F on Client { friend { id } }", 2),
        ("{ viewer { ... { friend { id } } ... on Client { friend { id } } } }", 3),
        ("{ a: viewer { id } b: viewer { id } }", 2),
    ],
)
def test_prices(text: str, points: int) -> None:
    assert price(text) == points


@pytest.mark.parametrize(
    ("variables", "points"),
    [
        ({}, 2 + 25),
        ({"n": 3}, 2 + 3),
        ({"n": 3.0}, 2 + 3),
        ({"n": None}, 2 + 25),
        ({"n": True}, 2 + 25),
        ({"n": "9"}, 2 + 25),
        ({"n": 10**30}, 2 + 10**30),
    ],
)
def test_page_sizes_from_variables(variables: dict[str, Any], points: int) -> None:
    assert price("query($n: Int) { clients(first: $n) { nodes { id } } }", **variables) == points


def test_defaults_of_variables_and_lists_of_ids() -> None:
    text = "query($n: Int = 7, $ids: [ID!]!) "
    text += "{ clients(first: $n) { nodes { id } } nodes(ids: $ids) { id } }"
    assert price(text, ids=["a"] * 5) == 2 + 7 + 5
    assert price(text, ids=["a"] * 5, n=1) == 2 + 1 + 5


def test_a_list_that_says_how_long_it_can_be_costs_no_more() -> None:
    deals = SCHEMA.get_type("Client").fields["deals"]  # type: ignore[union-attr]
    text = "{ viewer { deals { friend { id } } } }"
    assert price(text) == 1 + 10 * (1 + 1)
    deals.extensions["strawberry-definition"] = SimpleNamespace(metadata={"most": 3})
    try:
        assert price(text) == 1 + 3 * (1 + 1)
    finally:
        deals.extensions.clear()


def test_each_operation_has_its_own_price() -> None:
    cost = measured("query A { viewer { id } } query B { viewer { friend { id } } }")
    assert (cost.cost("A", {}), cost.cost("B", {})) == (1, 2)
    for name in (None, "C"):
        with pytest.raises(GraphQLError) as caught:
            cost.cost(name, {})
        assert caught.value.extensions == {"code": "BAD_USER_INPUT"}


def test_answers_are_worth_what_they_hold() -> None:
    cost = measured(
        "{ clients(first: 50) { nodes { id accounts { nodes { id } } } } viewer { id } }"
    )
    some = {"accounts": {"nodes": [{"id": 1}, {"id": 2}]}}
    none: dict[str, Any] = {"accounts": {"nodes": []}}
    answer = {"clients": {"nodes": [some, none]}, "viewer": None}
    assert cost.spent(None, answer) == 2 + (1 + 2 + 2) + (1 + 2)
    assert cost.spent(None, None) == 0
    assert cost.cost(None, {}) == 2 + 50 * (1 + 2 + 25) + 1


def nested(levels: int) -> str:
    return "{ viewer " + "{ friend " * (levels - 2) + "{ name }" + " }" * (levels - 1)


def repeated(count: int, piece: str) -> str:
    return " ".join(piece.replace("#", str(number)) for number in range(count))


LIMITED = [
    (nested, 12),
    (lambda n: "{ viewer { " + repeated(n, "a#: name") + " } }", 15),
    (lambda n: "{ ...F } fragment F on Query { viewer { " + repeated(n, "a#: name") + " } }", 15),
    (lambda n: "{ name " + repeated(n, "@include(if: true)") + " }", 20),
    (lambda n: "query " + repeated(n, "@x#") + " { name }", 20),
    (lambda n: "{ viewer { " + repeated(n, "... @skip(if: false) { name }") + " } }", 5),
    (lambda n: "{ name " + repeated(n - 1, "x#") + " }", 20),
    (lambda n: "{ ...F name } fragment F on Query { " + repeated(n - 1, "x#") + " }", 20),
    (lambda n: "mutation { " + repeated(n, "n#: noteCreate { id }") + " }", 5),
    (lambda n: "mutation { " + repeated(n, "n#: sessionCreate { id }") + " }", 1),
    (lambda n: "{ name } " + repeated(n, "fragment F# on Client { id }"), 30),
    (lambda n: "{ " + repeated(n, "name") + " }", 5),
    (lambda n: "{ __schema { queryType { " + "ofType { " * (n - 3) + "name" + " }" * n, 20),
]


@pytest.mark.parametrize(("document", "limit"), LIMITED)
def test_both_sides_of_each_limit(document: Any, limit: int) -> None:
    measured(document(limit))
    with pytest.raises(GraphQLError) as caught:
        measured(document(limit + 1))
    assert caught.value.extensions == {"code": "COST_TOO_HIGH"}


def test_the_token_limit() -> None:
    documents = Documents(SCHEMA, limits=DocumentLimits(tokens=6))
    documents.prepare("{ viewer { name } }")
    with pytest.raises(DocumentRefused) as caught:
        documents.prepare("{ viewer { name id } }")
    assert caught.value.errors[0].extensions == {"code": "COST_TOO_HIGH"}


def test_the_standard_introspection_query_passes() -> None:
    for text in (
        get_introspection_query(),
        get_introspection_query(
            specified_by_url=True,
            directive_is_repeatable=True,
            schema_description=True,
            input_value_deprecation=True,
        ),
    ):
        prepared = Documents(SCHEMA).prepare(text)
        assert prepared.cost.operation(None).introspects
        assert prepared.cost.cost(None, {}) == 100


def test_circular_introspection_is_refused() -> None:
    text = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    with pytest.raises(DocumentRefused):
        Documents(SCHEMA).prepare(text)


@pytest.mark.parametrize(
    "text",
    [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { viewer { ...B } } fragment B on Client { friend { ...B } }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "fragment A on Query { name }",
        "{ ...A } fragment A on Query { name } fragment A on Query { name }",
        "query A { name } query A { name }",
        "type X { y: Int }",
        "{ viewer }",
        "{ nope { nope { nope } } }",
        "{ ...Nowhere }",
        "{ ... on Nothing { x } }",
        "query($n: Nope) { name }",
        "{",
        "",
    ],
)
def test_faulty_documents_are_the_callers_fault(text: str) -> None:
    with pytest.raises(DocumentRefused) as caught:
        Documents(SCHEMA).prepare(text)
    for error in caught.value.errors:
        assert error.extensions == {"code": "BAD_USER_INPUT"}
    assert len(caught.value.errors) <= 5


def doubling(levels: int) -> str:
    """Each fragment spreads the next twice, under two fields: 2^levels selections if expanded."""
    chain = " ".join(
        f"fragment F{n} on Client {{ friend {{ ...F{n + 1} }} a: friend {{ ...F{n + 1} }} }}"
        for n in range(levels)
    )
    return f"{{ viewer {{ ...F0 }} }} {chain} fragment F{levels} on Client {{ name }}"


def spreading(levels: int) -> str:
    """Each fragment spreads all later ones at its own level."""
    later = [
        f"fragment F{n} on Client {{ "
        + " ".join(f"...F{m}" for m in range(n + 1, levels))
        + " friend { name } }"
        for n in range(levels)
    ]
    return "{ viewer { ...F0 } } " + " ".join(later)


@given(st.integers(1, 25))
@settings(deadline=None, max_examples=25)
def test_nested_fragments_are_priced_exactly(levels: int) -> None:
    limits = DocumentLimits(aliases=100, depth=100)
    assert measured(doubling(levels), limits).cost(None, {}) == 1 + 2 ** (levels + 1) - 2
    assert measured(spreading(levels), limits).cost(None, {}) == 1 + levels


@st.composite
def documents(draw: Any) -> str:
    """Documents of nested selections and acyclic fragments, all valid."""
    count = draw(st.integers(0, 4))

    def selection(depth: int, first: int) -> str:
        parts = ["name"]
        for _ in range(draw(st.integers(0, 2)) if depth < 4 else 0):
            kind = draw(st.sampled_from(["friend", "deals", "accounts", "spread", "inline"]))
            inner = selection(depth + 1, first) if kind != "spread" else ""
            if kind == "accounts":
                size = draw(st.integers(0, 30))
                parts.append(f"accounts(first: {size}) {{ nodes {{ {inner} }} }}")
            elif kind == "inline":
                parts.append(f"... on Client {{ {inner} }}")
            elif kind == "spread" and first < count:
                parts.append(f"...F{draw(st.integers(first, count - 1))}")
            elif kind in {"friend", "deals"}:
                parts.append(f"{kind} {{ {inner} }}")
        return " ".join(parts)

    body = f"{{ viewer {{ {selection(0, 0)} }} }}"
    fragments = [f"fragment F{n} on Client {{ {selection(1, n + 1)} }}" for n in range(count)]
    return " ".join([body, *fragments])


def naive(text: str) -> int:
    """The price by plain expansion, as the executor collects fields: the independent check."""
    from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode

    document = parse(text)
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }

    def collect(selection_set: Any, seen: set[str]) -> list[FieldNode]:
        found: list[FieldNode] = []
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                found.append(node)
            elif isinstance(node, FragmentSpreadNode):
                if node.name.value not in seen:
                    seen.add(node.name.value)
                    found += collect(fragments[node.name.value].selection_set, seen)
            else:
                found += collect(node.selection_set, seen)
        return found

    def total(selection_set: Any) -> int:
        points = 0
        for node in collect(selection_set, set()):
            if not node.selection_set:
                continue
            inner = total(node.selection_set)
            if node.name.value == "accounts":
                points += 2 + int(node.arguments[0].value.value) * inner  # type: ignore[union-attr]
            elif node.name.value == "deals":
                points += 10 * (1 + inner)
            else:
                points += 1 + inner
        return points

    return total(document.definitions[0].selection_set)  # type: ignore[attr-defined]


@given(documents())
@settings(deadline=None, max_examples=200)
def test_prices_agree_with_plain_expansion(text: str) -> None:
    limits = DocumentLimits(depth=100, repeats=100)
    assert measured(text, limits).cost(None, {}) == naive(text)


HOSTILE = {
    "doubling fragments": doubling(28),
    "fragments spread everywhere": spreading(30),
    "repeated directives": "{ name " + "@include(if: true) " * 100 + "}",
    "aliases": "{ " + repeated(100, "a#: viewer { name }") + " }",
    "repeated fields": "{ " + "viewer { name } " * 500 + "}",
    "circular introspection": "{ __schema { types "
    + "{ fields { type " * 100
    + "{ name }"
    + " } }" * 100
    + " } }",
    "deep": "{ viewer " + "{ friend " * 150 + "{ name }" + " }" * 151,
    "deep inline": "{ " + "... { " * 150 + "name" + " }" * 151,
    "deeper than the parser": "{a" * 5_000 + "}" * 5_000,
    "many tokens": "{ " + "name " * 100_000 + "}",
    "many comments": "#\n" * 100_000 + "{ name }",
    "wide and conflicting": "{ viewer { " + repeated(300, "f#: friend { x: name }") + " } }",
    "huge page": "{ clients(first: 2147483647) { nodes { accounts(first: 9) { nodes { id } } } } }",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_documents_are_refused_cheaply(name: str) -> None:
    documents = Documents(SCHEMA)

    def prepare() -> None:
        try:
            cost = documents.prepare(HOSTILE[name]).cost.cost(None, {})
        except DocumentRefused as refused:
            codes = {error.extensions["code"] for error in refused.errors}  # type: ignore[index]
            assert codes <= {"COST_TOO_HIGH", "BAD_USER_INPUT"}
        else:
            assert cost > 10_000 or name == "fragments spread everywhere"

    assert calls(prepare) < 500_000


def test_work_grows_with_the_text_not_with_its_expansion() -> None:
    def counted(levels: int) -> int:
        document = parse(doubling(levels))
        limits = DocumentLimits(aliases=100, depth=100, fragments=100)
        return calls(lambda: measure(SCHEMA, document, limits).cost(None, {}))

    assert counted(40) < 6 * counted(10)


def calls(work: Callable[[], object]) -> int:
    """How many functions a piece of work calls: what it costs on any machine, however busy."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def test_prepared_documents_are_kept_and_bounded() -> None:
    kept = Documents(SCHEMA, cached_tokens=50)
    first = kept.prepare("{ viewer { name } }")
    assert kept.prepare("{ viewer { name } }") is first
    for number in range(20):
        kept.prepare(f"query Q{number} {{ viewer {{ name }} }}")
    assert kept.prepare("{ viewer { name } }") is not first
    for number in range(20):
        with pytest.raises(DocumentRefused):
            kept.prepare(f"{{ nope{number} }}")
    again = kept.prepare("{ viewer { name } }")
    assert kept.prepare("{ viewer { name } }") is again
