"""Trusted documents as their brand's admin adds, lists and removes them."""

import pytest

from tenants import tables
from tenants.trusted_documents import document_id_of, sha256_of

WHO = "query Who { viewer { name } } query What { brand { slug } }"
DEFAULT = "query ($first: Int = 2) { trustedDocuments(first: $first) { nodes { id } } }"
ADD = """mutation ($documents: [TrustedDocumentInput!]!) {
  trustedDocumentsAdd(input: {documents: $documents}) { added
    trustedDocuments { id documentId text operations cost addedAt
      addedBy { ... on Staff { roles } } }
    errors { code path message } } }"""
REMOVE = """mutation ($ids: [String!]!) { trustedDocumentsRemove(input: {documentIds: $ids}) {
  removed errors { code path } } }"""
SET = """mutation ($policy: TrustedDocumentPolicy!, $reason: String!) {
  trustedDocumentPolicySet(input: {policy: $policy, reason: $reason}) {
    brand { trustedDocumentPolicy } errors { code path } } }"""
LIST = "{ trustedDocuments(first: 5) { nodes { documentId text } totalCount { value } } }"


def id_of(text):
    return document_id_of(sha256_of(text))


def documents(*texts):
    return [{"text": text} for text in texts]


@pytest.fixture
def admin(make, brand):
    return make.staff_token(brand, "brand_admin")


def refused(answer):
    (body,) = answer.data.values()
    assert not any(value for name, value in body.items() if name != "errors"), body
    return [(one["code"], one["path"]) for one in body["errors"]]


async def test_documents_are_added_shown_and_removed(ask, make, brand, brand_b, admin):
    given = [{"text": WHO, "documentId": id_of(WHO)}, {"text": DEFAULT}]
    answer = await ask(ADD, admin, documents=given)
    assert answer.errors == []
    body = answer.data["trustedDocumentsAdd"]
    who, default = body["trustedDocuments"]
    assert (body["added"], body["errors"]) == (2, [])
    assert (who["documentId"], who["text"]) == (id_of(WHO), WHO)
    assert (who["operations"], who["cost"]) == (["Who", "What"], 1)
    assert who["addedBy"] == {"roles": ["brand_admin"]}
    assert (default["operations"], default["cost"]) == ([], 4)
    answer = await ask(ADD, admin, documents=documents(DEFAULT))
    again = answer.data["trustedDocumentsAdd"]
    assert again["added"] == 0
    assert again["trustedDocuments"][0]["id"] == default["id"]
    listed = (await ask(LIST, admin)).data["trustedDocuments"]
    assert {one["documentId"] for one in listed["nodes"]} == {id_of(WHO), id_of(DEFAULT)}
    node = "query ($id: ID!) { node(id: $id) { ... on TrustedDocument { text } } }"
    assert (await ask(node, admin, id=who["id"])).data["node"] == {"text": WHO}
    foreign = make.staff_token(brand_b, "brand_admin")
    assert (await ask(node, foreign, id=who["id"])).data["node"] is None
    assert (await ask(LIST, foreign)).data["trustedDocuments"]["totalCount"]["value"] == 0
    answer = await ask(REMOVE, foreign, ids=[id_of(WHO)])
    assert refused(answer) == [("NOT_FOUND", ["input", "documentIds", "0"])]
    answer = await ask(REMOVE, admin, ids=[id_of(WHO)])
    assert answer.data["trustedDocumentsRemove"] == {"removed": 1, "errors": []}
    assert [one["documentId"] for one in (await ask(LIST, admin)).data["trustedDocuments"]["nodes"]
            ] == [id_of(DEFAULT)]  # fmt: skip


@pytest.mark.parametrize(
    ("bad", "code", "field"),
    [
        ({"text": "query {"}, "DOCUMENT_INVALID", "text"),
        ({"text": "{ nothingOfTheKind }"}, "DOCUMENT_INVALID", "text"),
        ({"text": "fragment F on Brand { id }"}, "DOCUMENT_INVALID", "text"),
        ({"text": "type T { a: Int }"}, "DOCUMENT_INVALID", "text"),
        ({"text": ""}, "DOCUMENT_INVALID", "text"),
        ({"text": "{ brand { slug } } # " + "x" * 65_536}, "DOCUMENT_INVALID", "text"),
        (
            {"text": "{ clients(first: 100) { nodes { notes(first: 99) { nodes { id } } } } }"},
            "DOCUMENT_INVALID",
            "text",
        ),
        ({"text": WHO, "documentId": id_of(DEFAULT)}, "DOCUMENT_ID_MISMATCH", "documentId"),
        ({"text": WHO, "documentId": sha256_of(WHO)}, "DOCUMENT_ID_MISMATCH", "documentId"),
    ],
)
async def test_one_that_can_not_run_keeps_all_out(ask, make, brand, admin, bad, code, field):
    before = len(make.rows(tables.audit, brand))
    answer = await ask(ADD, admin, documents=[*documents(DEFAULT), bad])
    assert refused(answer) == [(code, ["input", "documents", "1", field])]
    assert make.rows(tables.trusted_document, brand) == []
    assert len(make.rows(tables.audit, brand)) == before


async def test_a_call_takes_1_to_200(ask, make, brand, admin):
    many = [f"# {n}\n{{ brand {{ slug }} }}" for n in range(201)]
    for texts in ([], many):
        answer = await ask(ADD, admin, documents=documents(*texts))
        assert refused(answer) == [("INVALID", ["input", "documents"])]
        answer = await ask(REMOVE, admin, ids=[id_of(one) for one in texts])
        assert refused(answer) == [("INVALID", ["input", "documentIds"])]
    answer = await ask(ADD, admin, documents=documents(*many[:200]))
    assert answer.data["trustedDocumentsAdd"]["added"] == 200


async def test_the_policy_is_set_with_a_reason(ask, services, make, brand, admin):
    none = ("DOCUMENTS_NONE", ["input", "policy"])
    assert refused(await ask(SET, admin, policy="ENFORCE", reason="now")) == [none]
    await ask(ADD, admin, documents=documents(WHO))
    assert (await services.trusted.of(brand.id)).policy == "OFF"
    for policy in ("ACCEPT", "ENFORCE"):
        answer = await ask(SET, admin, policy=policy, reason="the portal is ready")
        body = answer.data["trustedDocumentPolicySet"]
        assert body == {"brand": {"trustedDocumentPolicy": policy}, "errors": []}
        assert (await services.trusted.of(brand.id)).policy == policy
    answer = await ask(SET, admin, policy="OFF", reason=" ")
    assert refused(answer) == [("INVALID", ["input", "reason"])]
    answer = await ask(REMOVE, admin, ids=[id_of(WHO)])
    assert refused(answer) == [("DOCUMENTS_NONE", ["input", "documentIds"])]
    trail = """{ auditEntries(first: 1) { nodes { action reason changes { field before after }
      target { ... on Brand { slug } } } } }"""
    assert (await ask(trail, admin)).data["auditEntries"]["nodes"] == [
        {
            "action": "brand.set_document_policy",
            "reason": "the portal is ready",
            "changes": [{"field": "policy", "before": "ACCEPT", "after": "ENFORCE"}],
            "target": {"slug": brand.slug},
        }
    ]


async def test_nobody_else_may(ask, make, brand):
    client = make.client_token(brand, make.client(brand))
    for token in (client, make.staff_token(brand, "sales"), make.staff_token(brand, "finance")):
        assert (await ask(LIST, token)).codes == ["FORBIDDEN"]
        answer = await ask(ADD, token, documents=documents(WHO))
        assert set(answer.codes) == {"FORBIDDEN"}
        assert set((await ask(SET, token, policy="OFF", reason="no")).codes) == {"FORBIDDEN"}
    assert make.rows(tables.trusted_document, brand) == []


async def test_an_operator_sees_the_policy_of_the_brand_asked_alone(ask, make, brand, brand_b):
    document = """query ($slugs: [String!]) { brands(filter: {slug: {in: $slugs}}) { nodes {
      slug trustedDocumentPolicy } } }"""
    slugs = [brand.slug, brand_b.slug]
    answer = await ask(document, make.operator_token(), slugs=slugs, brand=brand.slug)
    assert answer.errors == []
    shown = {one["slug"]: one["trustedDocumentPolicy"] for one in answer.data["brands"]["nodes"]}
    assert shown == {brand.slug: "OFF", brand_b.slug: None}
