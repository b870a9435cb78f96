"""Screening through the API: compliance sees and decides, nobody else can infer anything."""

from dataclasses import replace
from typing import Any

import pytest

from domain.compliance.screening.tables import screening_decision
from domain.kernel.ids import encode_id, new_uuid
from tenants.context import Scope
from tenants.database import make_engine
from tests import sanctions
from tests.factories import Brand, Client, Factory, scope_of
from tests.schema.people import Ask

HITS = """query ($filter: ScreeningHitFilter) { screeningHits(filter: $filter) {
  totalCount { value } nodes { id version clientName listedName score strength disposition
  client { id } entry { list ref kind program remarks firstOn lastOn } askedBy { id }
  actions { name allowed reasonCode }
  decisions { nodes { disposition reason staff { id } } } } } }"""
OF_CLIENT = """query ($id: ID!) { node(id: $id) { ... on Client {
  screening { nodes { disposition } } } } }"""
DECIDE = """mutation ($input: ScreeningHitDecideInput!) { screeningHitDecide(input: $input) {
  hit { version disposition askedBy { id } } errors { code path } } }"""
VERSIONS = "{ sanctionsVersions { list publishedOn entries names importedAt } }"
AUDIT = "{ auditEntries { nodes { action objectKind } } }"
EVENTS = "{ events(first: 100) { events { topic kind clientId payload } } }"
OTHERS = ("brand_admin", "sales", "finance", "dealing", "support", "marketing", "auditor")


@pytest.fixture
def one(make: Factory, brand: Brand) -> Client:
    return make.client(brand)


def compliance(make: Factory, brand: Brand) -> Scope:
    """One more person of compliance."""
    scope = scope_of(brand, "compliance")
    return replace(scope, actor=replace(scope.actor, id=make.staff(brand, "compliance")))


async def decide(ask: Ask, scope: Scope, hit_id: Any, decision: str, version: int) -> Any:
    sent = {"hitId": encode_id("screening_hit", hit_id), "decision": decision,
            "reason": "born elsewhere", "expectedVersion": version}  # fmt: skip
    return await ask(DECIDE, scope, input=sent)


async def test_compliance_sees_what_was_found_and_decides(
    ask: Ask, make: Factory, brand: Brand, one: Client
) -> None:
    hit_id = sanctions.hit(make, brand, one)
    first, second = compliance(make, brand), compliance(make, brand)
    shown = (await ask(HITS, first, filter={"disposition": {"eq": "OPEN"}})).only()
    assert shown["totalCount"]["value"] == 1
    (node,) = shown["nodes"]
    assert (node["listedName"], node["score"], node["strength"]) == ("Velmir Dargov", 100, "STRONG")
    assert node["client"]["id"] == encode_id("client", one.id)
    assert node["entry"]["list"] == "OFAC"
    for scope, wanted, version, reached in (
        (first, "TRUE_MATCH", 1, "TRUE_MATCH"),
        (first, "FALSE_POSITIVE", 2, "CLEARING"),
        (second, "FALSE_POSITIVE", 3, "FALSE_POSITIVE"),
    ):
        answer = (await decide(ask, scope, hit_id, wanted, version)).only()
        assert answer["errors"] == []
        assert (answer["hit"]["disposition"], answer["hit"]["version"]) == (reached, version + 1)
    (node,) = (await ask(HITS, second)).only()["nodes"]
    assert [one["disposition"] for one in node["decisions"]["nodes"]] == [
        "FALSE_POSITIVE", "CLEARING", "TRUE_MATCH",
    ]  # fmt: skip
    found = await ask(OF_CLIENT, first, id=encode_id("client", one.id))
    assert found.only()["screening"]["nodes"] == [{"disposition": "FALSE_POSITIVE"}]
    told = (await ask(EVENTS, first)).only()["events"]
    assert [event["kind"] for event in told if event["topic"] == "SCREENING"] == ["hit_decided"] * 3


async def test_a_strong_hit_takes_two_and_says_who_may(
    ask: Ask, make: Factory, brand: Brand, one: Client
) -> None:
    hit_id = sanctions.hit(make, brand, one)
    first, second = compliance(make, brand), compliance(make, brand)
    reader = replace(second, permissions=second.permissions - {"screening:decide"})

    async def reasons(scope: Scope) -> dict[str, Any]:
        (node,) = (await ask(HITS, scope)).only()["nodes"]
        assert all(each["allowed"] is (each["reasonCode"] is None) for each in node["actions"])
        return {each["name"]: each["reasonCode"] for each in node["actions"]}

    assert await reasons(first) == {"clear": None, "confirm": None}
    assert await reasons(reader) == {"clear": "FORBIDDEN", "confirm": "FORBIDDEN"}
    answer = (await decide(ask, first, hit_id, "FALSE_POSITIVE", 1)).only()
    assert answer["hit"]["disposition"] == "CLEARING"
    assert answer["hit"]["askedBy"]["id"] == encode_id("staff", first.actor.id)
    assert await reasons(first) == {"clear": "SECOND_PERSON_NEEDED", "confirm": None}
    assert await reasons(second) == {"clear": None, "confirm": None}
    again = await decide(ask, first, hit_id, "FALSE_POSITIVE", 2)
    assert again.refused() == [("SECOND_PERSON_NEEDED", ["input", "hitId"])]
    answer = (await decide(ask, second, hit_id, "FALSE_POSITIVE", 2)).only()
    assert answer["hit"]["disposition"] == "FALSE_POSITIVE"
    assert await reasons(second) == {"clear": "ALREADY_DECIDED", "confirm": None}


async def test_each_refusal_leaves_nothing_behind(
    ask: Ask, make: Factory, brand: Brand, one: Client
) -> None:
    hit_id = sanctions.hit(make, brand, one, disposition="TRUE_MATCH")
    first = compliance(make, brand)
    await decide(ask, first, hit_id, "FALSE_POSITIVE", 1)
    for scope, key, wanted, version, code, path in (
        (first, hit_id, "FALSE_POSITIVE", 2, "SECOND_PERSON_NEEDED", "hitId"),
        (first, hit_id, "TRUE_MATCH", 1, "VERSION_CONFLICT", "expectedVersion"),
        (first, new_uuid(), "TRUE_MATCH", 2, "NOT_FOUND", "hitId"),
    ):
        answer = await decide(ask, scope, key, wanted, version)
        assert answer.refused() == [(code, ["input", path])]
    sent = {"hitId": encode_id("client", one.id), "decision": "TRUE_MATCH", "reason": "",
            "expectedVersion": 2}  # fmt: skip
    assert (await ask(DECIDE, first, input=sent)).refused() == [("NOT_FOUND", ["input", "hitId"])]
    sent["hitId"] = encode_id("screening_hit", hit_id)
    assert (await ask(DECIDE, first, input=sent)).refused() == [("INVALID", ["input", "reason"])]
    again = await decide(ask, compliance(make, brand), hit_id, "TRUE_MATCH", 2)
    assert again.only()["hit"]["disposition"] == "TRUE_MATCH"
    once_more = await decide(ask, first, hit_id, "TRUE_MATCH", 3)
    assert once_more.refused() == [("ALREADY_DECIDED", ["input", "hitId"])]
    assert len(make.rows(screening_decision, brand)) == 2


@pytest.mark.parametrize("role", OTHERS)
async def test_no_other_role_learns_that_there_is_anything(
    ask: Ask, make: Factory, brand: Brand, one: Client, role: str
) -> None:
    """Neither by asking, nor from the audit trail, the events or the client itself."""
    hit_id = sanctions.hit(make, brand, one)
    await decide(ask, compliance(make, brand), hit_id, "TRUE_MATCH", 1)
    scope = scope_of(brand, role)
    for document, variables in (
        (HITS, {}), (VERSIONS, {}), (OF_CLIENT, {"id": encode_id("client", one.id)}),
    ):  # fmt: skip
        answer = await ask(document, scope, **variables)
        assert set(answer.codes) == {"FORBIDDEN"}
    assert (await decide(ask, scope, hit_id, "FALSE_POSITIVE", 2)).codes[0] == "FORBIDDEN"
    for document in (AUDIT, EVENTS):
        answer = await ask(document, scope)
        assert "screening" not in str(answer.data).lower()
        assert hit_id.hex not in str(answer.data)
    by_id = await ask(
        "query ($id: ID!) { node(id: $id) { id } }", scope, id=encode_id("screening_hit", hit_id)
    )
    assert by_id.data in (None, {"node": None})


async def test_imported_versions_are_listed(ask: Ask, brand: Brand, endpoints: Any) -> None:
    owner = make_engine(endpoints.url("owner", driver="asyncpg"), pool_size=1)
    word = sanctions.new_word()
    whole = sanctions.published(sanctions.entry(word, f"Velmir {word}", word))
    await sanctions.take(owner, brand, whole)
    await owner.dispose()
    (newest, *_) = (await ask(VERSIONS, scope_of(brand, "compliance"))).only()
    assert newest["list"] == "UN"
    assert newest["publishedOn"] == whole.published_on.isoformat()
    assert (newest["entries"], newest["names"]) == (1, 2)
