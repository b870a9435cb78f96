"""Reading clients: who sees whom, what is masked, lists, search, the page's statements."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.clients.commands.add_note import add_note
from domain.clients.commands.index_client import forget_client, index_client
from domain.clients.events import ClientEventKind, Subject, client_event
from domain.kernel.ids import encode_id, new_uuid
from tenants.context import Scope, system_scope
from tenants.work import Database, WriteWork
from tests.factories import Brand, Client, Factory, rights_of, scope_of
from tests.schema.people import Ask

LIST = """query ($filter: ClientFilter, $order: ClientOrder, $first: Int, $after: Cursor) {
  clients(filter: $filter, orderBy: $order, first: $first, after: $after) {
    nodes { id reference name email phone maskedFields } totalCount { value precision }
    pageInfo { hasNextPage endCursor } } }"""
ONE = (
    "query ($id: ID!) { node(id: $id) { ... on Client { id name email phone tags maskedFields } } }"
)


async def names(ask: Ask, scope: Scope, **variables: Any) -> list[str]:
    return [one["reference"] for one in (await ask(LIST, scope, **variables)).only()["nodes"]]


async def index(database: Database, brand: Brand, *clients: Client, name: str = "") -> None:
    async def command(work: WriteWork) -> None:
        for one in clients:
            subject = Subject(one.id, one.ib_path)
            await forget_client(work, one.id)
            await index_client(
                work, subject, name=name or one.name, email=one.email, phone=one.phone
            )

    await database.write(system_scope(brand.id), command)


async def test_a_client_is_shown_whole_to_whoever_may_see_it(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    ib, owner = make.ib(brand), brand.staff["sales"]
    one = make.client(brand, ib, owner_id=owner)
    shown = await ask(
        """query ($id: ID!) { node(id: $id) { ... on Client {
          id reference version kind status createdAt emailVerifiedAt name email phone country
          language tags maskedFields legalEntity { name } owner { name } ib { code level }
          actions { name allowed reasonCode } } } }""",
        scope_of(brand, "brand_admin"),
        id=encode_id("client", one.id),
    )
    found = shown.only()
    stamps = {found.pop("createdAt"), found.pop("emailVerifiedAt")}
    assert len(stamps) == 1
    assert found.pop("tags")
    assert found == {
        "id": encode_id("client", one.id),
        "reference": one.reference,
        "version": 1,
        "kind": "INDIVIDUAL",
        "status": "ACTIVE",
        "name": one.name,
        "email": one.email,
        "phone": one.phone,
        "country": "CY",
        "language": "en",
        "maskedFields": [],
        "legalEntity": {"name": f"Entity of Brand {brand.slug}"},
        "owner": {"name": f"sales {brand.slug}"},
        "ib": {"code": ib.code, "level": 1},
        "actions": [
            {"name": "update", "allowed": True, "reasonCode": None},
            {"name": "assign", "allowed": True, "reasonCode": None},
            {"name": "note", "allowed": True, "reasonCode": None},
        ],
    }


async def test_contact_data_is_masked_without_the_right(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    one = make.client(brand, name="Ann Lee", email="ann@x.example", phone="+35799123456")
    rights = rights_of("support") - {"clients:pii", "clients:names", "notes:read"}
    shown = await ask(
        ONE, scope_of(brand, "support", permissions=rights), id=encode_id("client", one.id)
    )
    assert shown.only() == {
        "id": encode_id("client", one.id),
        "name": "A••• L•••",
        "email": "a•••@•••",
        "phone": "•••56",
        "tags": [],
        "maskedFields": ["name", "email", "phone", "tags"],
    }


async def test_each_actor_sees_its_own_clients(ask: Ask, make: Factory, brand: Brand) -> None:
    north, south = make.ib(brand), make.ib(brand)
    below = make.ib(brand, north)
    of_north, of_below, of_south = (make.client(brand, ib) for ib in (north, below, south))
    owned = make.client(brand, owner_id=brand.staff["sales"])
    everybody = {one.reference for one in (of_north, of_below, of_south, owned)}
    cases = [
        (scope_of(brand, "brand_admin"), everybody),
        (scope_of(brand, "sales"), {owned.reference}),
        (scope_of(brand, client=of_south), {of_south.reference}),
        (scope_of(brand, ib=north), {of_north.reference, of_below.reference}),
        (scope_of(brand, ib=below), {of_below.reference}),
    ]
    for scope, expected in cases:
        answer = (await ask(LIST, scope)).only()
        assert {one["reference"] for one in answer["nodes"]} == expected, scope.actor
        assert answer["totalCount"] == {"value": len(expected), "precision": "EXACT"}
        for one in (of_north, of_below, of_south, owned):
            found = (await ask(ONE, scope, id=encode_id("client", one.id))).only()
            assert (found is not None) == (one.reference in expected), scope.actor


async def test_nobody_sees_another_brands_client_nor_whether_it_exists(
    ask: Ask, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    foreign = make.client(brand_b)
    scope = scope_of(brand, "brand_admin")
    for shown in (
        encode_id("client", foreign.id),
        encode_id("client", new_uuid()),
        encode_id("account", foreign.id),
        foreign.id.hex,
        "",
    ):
        answer = await ask(ONE, scope, id=shown)
        assert (answer.data, answer.errors) == ({"node": None}, [])
    assert await names(ask, scope) == []


@pytest.mark.parametrize("role", [None, "marketing"])
async def test_a_list_needs_its_right(role: str | None, ask: Ask, brand: Brand) -> None:
    scope = scope_of(brand, role, permissions=frozenset())
    answer = await ask(LIST, scope)
    assert answer.data is None
    assert set(answer.codes) == {"UNAUTHENTICATED" if role is None else "FORBIDDEN"}
    assert answer.statements == 0


async def test_filters_narrow_a_list(ask: Ask, make: Factory, brand: Brand) -> None:
    ib, owner, now = make.ib(brand), brand.staff["sales"], datetime.now(UTC)
    old = make.client(brand, created_at=now - timedelta(days=9), country="KP", tags=["vip"])
    new = make.client(brand, ib, owner_id=owner, status="RESTRICTED", kind="CORPORATE")
    day_ago = (now - timedelta(days=1)).isoformat()
    scope = scope_of(brand, "brand_admin")
    cases: list[tuple[dict[str, Any], list[Client]]] = [
        ({}, [new, old]),
        ({"status": {"eq": "RESTRICTED"}}, [new]),
        ({"status": {"in": ["ACTIVE", "RESTRICTED"]}}, [new, old]),
        ({"kind": {"eq": "CORPORATE"}}, [new]),
        ({"country": {"eq": "KP"}}, [old]),
        ({"createdAt": {"gte": day_ago}}, [new]),
        ({"createdAt": {"lt": day_ago}}, [old]),
        ({"ownerId": {"eq": encode_id("staff", owner)}}, [new]),
        ({"ibId": {"in": [encode_id("ib", ib.id)]}}, [new]),
        ({"ibId": {"eq": "ib_nonsense"}}, []),
        ({"tags": {"contains": "vip"}}, [old]),
        ({"tags": {"contains": "vip"}, "status": {"eq": "RESTRICTED"}}, []),
    ]
    for filters, expected in cases:
        found = await names(ask, scope, filter=filters)
        assert found == [one.reference for one in expected], filters


@pytest.mark.parametrize("field", ["CREATED_AT", "NAME", "REFERENCE"])
async def test_every_order_pages_through_all(
    field: str, ask: Ask, make: Factory, brand: Brand
) -> None:
    made = [make.client(brand, name=name) for name in ("Bo", "Al", "Cy", "Al", "Di")]
    scope, seen, after = scope_of(brand, "brand_admin"), [], None
    while True:
        order = {"field": field, "direction": "DESC"}
        page = (await ask(LIST, scope, first=2, order=order, after=after)).only()
        seen += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len({one["id"] for one in seen}) == len(made)
    if field == "NAME":
        assert [one["name"] for one in seen] == ["Di", "Cy", "Bo", "Al", "Al"]
    else:
        assert [one["reference"] for one in seen] == [one.reference for one in reversed(made)]


async def test_search_finds_any_part_of_name_address_and_phone(
    ask: Ask, make: Factory, database: Database, brand: Brand, brand_b: Brand
) -> None:
    one = make.client(brand, email="jo.doe@mail.example", phone="+35799123456")
    foreign = make.client(brand_b)
    plain = Client(
        brand.id, one.id, one.reference, "Jörg Öztürk-Doe", "jo.doe@mail.example",
        "+35799123456", one.legal_entity_id,
    )  # fmt: skip
    await index(database, brand, plain)
    await index(database, brand_b, foreign)
    scope = scope_of(brand, "brand_admin")
    for term in ("JÖRG", "jorg", "urk-d", "rg oz", "DOE@mail", "9912", "+357 99", "il.exa"):
        assert await names(ask, scope, filter={"search": {"contains": term}}) == [one.reference]
    for term in ("smith", "99 99 99", foreign.email):
        assert await names(ask, scope, filter={"search": {"contains": term}}) == []
    short = await ask(LIST, scope, filter={"search": {"contains": "j"}})
    assert short.codes == ["BAD_USER_INPUT"]


async def test_what_is_masked_can_neither_be_searched_nor_sorted_by(
    ask: Ask, make: Factory, database: Database, brand: Brand
) -> None:
    one = make.client(brand)
    await index(database, brand, one, name="Ann Lee")
    rights = rights_of("support") - {"clients:pii"}
    blind = scope_of(brand, "support", permissions=rights)
    for term, expected in (("ann le", [one.reference]), (one.email[:9], []), (one.phone[1:], [])):
        assert await names(ask, blind, filter={"search": {"contains": term}}) == expected
    blinder = scope_of(brand, "support", permissions=rights - {"clients:names", "notes:read"})
    for variables in (
        {"filter": {"search": {"contains": "ann"}}},
        {"filter": {"tags": {"contains": "vip"}}},
        {"order": {"field": "NAME"}},
    ):
        assert (await ask(LIST, blinder, **variables)).codes == ["FORBIDDEN"]


PAGE = """query ($first: Int!) { clients(first: $first) { nodes {
  name legalEntity { name } owner { name } ib { code parent { code } } actions { name allowed }
  notes(first: 3) { nodes { body author { name } } totalCount { value } }
  timeline(first: 3) { nodes { summary occurredAt actor { __typename } } }
  accounts(first: 3) { nodes { id } } } totalCount { value } } }"""


async def test_the_client_page_takes_the_same_statements_whatever_its_size(
    ask: Ask, make: Factory, brand: Brand
) -> None:
    ib = make.ib(brand, make.ib(brand))
    for _ in range(12):
        one = make.client(brand, ib, owner_id=brand.staff["sales"])
        make.account(brand, one)
        for _ in range(2):
            make.note(one, brand.staff["support"])
    scope = scope_of(brand, "brand_admin")
    small, large = [await ask(PAGE, scope, first=size) for size in (1, 12)]
    assert (len(small.only()["nodes"]), len(large.only()["nodes"])) == (1, 12)
    assert small.statements == large.statements == 11


async def test_notes_and_timeline_are_lists_of_one_client(
    ask: Ask, make: Factory, database: Database, brand: Brand
) -> None:
    one, other = make.client(brand), make.client(brand)
    admin = scope_of(brand, "brand_admin")

    async def happen(work: WriteWork) -> None:
        subject = Subject(one.id, "")
        work.emit(client_event(ClientEventKind.REGISTERED, subject))
        work.emit(client_event(ClientEventKind.PROFILE_CHANGED, subject, {"fields": ["phone"]}))
        work.emit(client_event(ClientEventKind.REGISTERED, Subject(other.id, "")))
        await add_note(work, one.id, "Called.")

    await database.write(admin, happen)
    text = """query ($id: ID!) { node(id: $id) { ... on Client {
      notes { nodes { body author { name } client { reference } } totalCount { value } }
      timeline { nodes { topic kind summary actor { ... on Staff { name } } }
        totalCount { value } } } } }"""
    shown = (await ask(text, admin, id=encode_id("client", one.id))).only()
    staff = {"name": f"brand_admin {brand.slug}"}
    assert shown["notes"] == {
        "nodes": [{"body": "Called.", "author": staff, "client": {"reference": one.reference}}],
        "totalCount": {"value": 1},
    }
    assert shown["timeline"] == {
        "nodes": [
            {
                "topic": "CLIENT",
                "kind": "profile_changed",
                "summary": "Changed phone.",
                "actor": staff,
            },
            {"topic": "CLIENT", "kind": "registered", "summary": "Registered.", "actor": staff},
        ],
        "totalCount": {"value": 2},
    }
    by_topic = """query ($id: ID!) { node(id: $id) { ... on Client {
      timeline(filter: {topic: {eq: "ACCOUNT"}}) { nodes { kind } } } } }"""
    empty = (await ask(by_topic, admin, id=encode_id("client", one.id))).only()
    assert empty == {"timeline": {"nodes": []}}


async def test_a_note_is_a_node_for_staff_alone(
    ask: Ask, make: Factory, brand: Brand, brand_b: Brand
) -> None:
    one, foreign = make.client(brand), make.client(brand_b)
    own, others = make.note(one), make.note(foreign)
    text = "query ($id: ID!) { node(id: $id) { __typename ... on Note { body } } }"
    staff, client = scope_of(brand, "support"), scope_of(brand, client=one)
    assert (await ask(text, staff, id=encode_id("note", own))).only() is not None
    assert (await ask(text, staff, id=encode_id("note", others))).only() is None
    refused = await ask(text, client, id=encode_id("note", own))
    assert refused.codes == ["FORBIDDEN"]
    hidden = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await ask(hidden, client, id=encode_id("note", own))).only() is None


async def test_actions_say_why_not(ask: Ask, make: Factory, brand: Brand) -> None:
    closed = make.client(brand, status="CLOSED")
    text = "query ($id: ID!) { node(id: $id) { ... on Client { actions { name reasonCode } } } }"
    seen = {}
    for role in ("brand_admin", "auditor"):
        found = await ask(text, scope_of(brand, role), id=encode_id("client", closed.id))
        seen[role] = [one["reasonCode"] for one in found.only()["actions"]]
    assert seen == {
        "brand_admin": ["CLIENT_CLOSED", "CLIENT_CLOSED", None],
        "auditor": ["FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
    }
