"""Who is asking, brands, sessions, tokens and the trail, as callers see them."""

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func

from domain.kernel.ids import encode_id, new_uuid
from tenants import tables
from tenants.context import ActorKind
from tenants.log import Change
from tenants.refusals import Unauthenticated
from tenants.seal import seal
from tenants.sessions import Whose
from tenants.single_use import issue_single_use
from tenants.values import Role, TokenKind
from tests.factories import rights_of

PASSWORD = "correct horse battery"
VIEWER = """{ viewer { permissions actorType name session { id } sessions { id }
  actor { __typename } } }"""


@pytest.fixture
def client(make, brand):
    made = make.client(brand)
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    make.insert(
        tables.credential, brand, actor_kind="CLIENT", actor_id=made.id, email=made.email,
        password_hash=hasher.hash(PASSWORD), changed_at=func.now(),
    )  # fmt: skip
    return made


async def test_nobody_has_no_viewer_and_a_neutral_host_no_brand(ask):
    answer = await ask("{ viewer { permissions } brand { slug } }", host="localhost")
    assert (answer.data, answer.errors) == ({"viewer": None, "brand": None}, [])


async def test_staff_see_themselves(ask, make, brand):
    token = make.staff_token(brand, "sales")
    answer = await ask(VIEWER, token)
    assert answer.errors == []
    viewer = answer.data["viewer"]
    assert viewer["permissions"] == sorted(rights_of("sales"))
    assert (viewer["actor"], viewer["actorType"]) == ({"__typename": "Staff"}, "STAFF")
    answer = await ask("{ viewer { actor { ... on Staff { id roles } } } }", token)
    assert answer.data["viewer"]["actor"] == {
        "id": encode_id("staff", brand.staff[Role.SALES]),
        "roles": ["sales"],
    }
    assert viewer["session"] in viewer["sessions"]


async def test_a_client_and_an_ib_see_themselves_and_only_their_sessions(ask, make, brand):
    ib = make.ib(brand)
    client = make.client(brand, ib)
    make.ib_token(brand, make.ib(brand, ib))
    token, ib_token = make.client_token(brand, client), make.ib_token(brand, ib)
    answer = await ask(VIEWER, token)
    assert answer.errors == []
    assert answer.data["viewer"]["actor"] == {"__typename": "Client"}
    assert answer.data["viewer"]["name"] == client.name
    assert len(answer.data["viewer"]["sessions"]) == 1
    answer = await ask("{ viewer { client { id } } }", token)
    assert answer.data["viewer"]["client"]["id"] == encode_id("client", client.id)
    answer = await ask("{ viewer { ib { code } sessions { id } } }", ib_token)
    assert answer.data["viewer"]["ib"] == {"code": ib.code}
    assert len(answer.data["viewer"]["sessions"]) == 1


BRAND = """{ brand { id slug name status sandbox languages currencies features branding timeZone
  serverTime nextDayReset countries { country name allowed legalEntityId }
  legalEntities { id name regulator licenceNumber riskWarning policyVersion
    documents { url } } } }"""


async def test_a_publishable_key_shows_the_public_part_of_its_brand(ask, brand):
    answer = await ask(BRAND, key=brand.publishable_key)
    assert answer.errors == []
    shown = answer.data["brand"]
    assert shown["slug"] == brand.slug
    entity = encode_id("legal_entity", brand.legal_entity_id)
    assert [one["id"] for one in shown["legalEntities"]] == [entity]
    assert shown["legalEntities"][0]["policyVersion"] == "CY-1"
    assert shown["countries"] == [
        {"country": "CY", "name": "Cyprus", "allowed": True, "legalEntityId": entity}
    ]
    assert shown["serverTime"] < shown["nextDayReset"]
    assert (await ask(BRAND, host=brand.host)).data["brand"]["id"] == shown["id"]


async def test_the_rest_of_a_brand_needs_a_permission(ask, make, brand):
    document = "{ brand { hosts } }"
    assert (await ask(document, key=brand.publishable_key)).codes == ["UNAUTHENTICATED"]
    answer = await ask(document, make.staff_token(brand, "sales"))
    assert answer.data["brand"]["hosts"] == [brand.host]


async def test_brands_are_listed_by_operators_alone(ask, make, brand, brand_b):
    document = (
        "query ($slugs: [String!]) { brands(filter: {slug: {in: $slugs}}) { nodes { slug } } }"
    )
    slugs = sorted([brand.slug, brand_b.slug])
    answer = await ask(document, make.operator_token(), slugs=slugs)
    assert answer.errors == []
    assert [one["slug"] for one in answer.data["brands"]["nodes"]] == slugs
    admin = make.staff_token(brand, "brand_admin")
    assert (await ask(document, admin, slugs=slugs)).codes == ["FORBIDDEN"]
    node = "query ($id: ID!) { node(id: $id) { id } }"
    for token, id, found in (
        (admin, encode_id("brand", brand.id), True),
        (admin, encode_id("brand", brand_b.id), False),
        (admin, encode_id("legal_entity", brand.legal_entity_id), True),
        (admin, encode_id("legal_entity", brand_b.legal_entity_id), False),
        (admin, encode_id("staff", brand_b.staff[Role.SALES]), False),
        (make.operator_token(), encode_id("brand", brand_b.id), True),
    ):
        answer = await ask(node, token, id=id)
        assert answer.errors == []
        assert (answer.data["node"] is not None) is found, id


CREATE = """mutation ($email: String!, $password: String!) {
  sessionCreate(input: {email: $email, password: $password, device: "tests"}) {
    tokens { sessionId accessToken refreshToken accessExpiresAt refreshExpiresAt }
    errors { code message path } } }"""
REFRESH = """mutation ($token: String!) {
  sessionRefresh(input: {refreshToken: $token}) { tokens { accessToken refreshToken }
    errors { code path } } }"""
REVOKE = """mutation ($id: ID, $others: Boolean!) {
  sessionRevoke(input: {sessionId: $id, others: $others}) { revoked errors { code } } }"""


async def test_a_session_from_sign_in_to_its_end(ask, brand, client):
    key = brand.publishable_key
    made = await ask(CREATE, key=key, email=client.email, password=PASSWORD)
    assert made.errors == []
    tokens = made.data["sessionCreate"]["tokens"]
    viewer = (await ask(VIEWER, tokens["accessToken"])).data["viewer"]
    assert viewer["session"] == {"id": tokens["sessionId"]}
    next_ = (await ask(REFRESH, token=tokens["refreshToken"])).data["sessionRefresh"]["tokens"]
    reused = (await ask(REFRESH, key=key, token=tokens["refreshToken"])).data["sessionRefresh"]
    assert reused == {
        "tokens": None,
        "errors": [{"code": "TOKEN_INVALID", "path": ["input", "refreshToken"]}],
    }
    for token in (tokens["accessToken"], next_["accessToken"]):
        with pytest.raises(Unauthenticated):
            await ask(VIEWER, token)


async def test_sessions_are_revoked_one_or_others(ask, brand, client):
    async def sign_in():
        made = await ask(CREATE, key=brand.publishable_key, email=client.email, password=PASSWORD)
        return made.data["sessionCreate"]["tokens"]

    one, two, three = [await sign_in() for _ in range(3)]
    answer = await ask(REVOKE, one["accessToken"], id=two["sessionId"], others=False)
    assert answer.data["sessionRevoke"] == {"revoked": 1, "errors": []}
    answer = await ask(REVOKE, one["accessToken"], id=None, others=True)
    assert answer.data["sessionRevoke"] == {"revoked": 1, "errors": []}
    with pytest.raises(Unauthenticated):
        await ask(VIEWER, three["accessToken"])
    for unknown in (encode_id("session", new_uuid()), "nonsense", encode_id("client", client.id)):
        answer = await ask(REVOKE, one["accessToken"], id=unknown, others=False)
        assert answer.data["sessionRevoke"] == {"revoked": None, "errors": [{"code": "NOT_FOUND"}]}
    answer = await ask(REVOKE, one["accessToken"], id=None, others=False)
    assert answer.data["sessionRevoke"]["revoked"] == 1
    with pytest.raises(Unauthenticated):
        await ask(VIEWER, one["accessToken"])


async def test_wrong_and_unknown_are_the_same_answer(ask, brand, client):
    key = brand.publishable_key
    wrong = await ask(CREATE, key=key, email=client.email, password="wrong password")
    unknown = await ask(CREATE, key=key, email="nobody@example.com", password=PASSWORD)
    assert wrong.data == unknown.data
    assert wrong.data["sessionCreate"]["errors"][0]["code"] == "CREDENTIALS_INVALID"
    assert (await ask(CREATE, email=client.email, password=PASSWORD)).codes == ["FORBIDDEN"]


async def test_a_throttled_sign_in_says_so_in_its_payload(ask, brand):
    answers = [
        await ask(CREATE, key=brand.publishable_key, email="a@example.com", password="wrong")
        for _ in range(7)
    ]
    codes = [one.data["sessionCreate"]["errors"][0]["code"] for one in answers]
    assert codes == ["CREDENTIALS_INVALID"] * 6 + ["THROTTLED"]


async def test_a_forgotten_password_is_answered_alike(ask, make, brand, client):
    document = """mutation ($email: String!) {
      passwordResetRequest(input: {email: $email}) { accepted errors { code } } }"""
    key = brand.publishable_key
    known = await ask(document, key=key, email=client.email)
    unknown = await ask(document, key=key, email="nobody@example.com")
    assert known.data == unknown.data
    assert known.data["passwordResetRequest"] == {"accepted": True, "errors": []}
    assert [row.object_id for row in make.rows(tables.event, brand)] == [client.id, None]
    document = """mutation { passwordReset(input: {token: "x", password: "long enough, this"})
      { done errors { code path } } }"""
    answer = await ask(document, key=key)
    assert answer.data["passwordReset"] == {
        "done": None,
        "errors": [{"code": "TOKEN_INVALID", "path": ["input", "token"]}],
    }


async def test_a_new_password_is_set_with_the_token_and_only_once(
    ask, make, brand, client, database, scope_for
):
    document = """mutation ($token: String!, $password: String!) {
      passwordReset(input: {token: $token, password: $password}) { done errors { code path } } }"""
    old = make.client_token(brand, client)
    whose = Whose(ActorKind.CLIENT, client.id)
    minted = await database.write(
        scope_for(brand, "system"), lambda work: issue_single_use(work, TokenKind.RESET, whose)
    )
    key, answers = brand.publishable_key, []
    for password in ("password123", "a password of mine", "a password of mine"):
        answer = await ask(document, key=key, token=minted.value.text, password=password)
        answers.append(answer.data["passwordReset"])
    assert answers == [
        {"done": None, "errors": [{"code": "PASSWORD_WEAK", "path": ["input", "password"]}]},
        {"done": True, "errors": []},
        {"done": None, "errors": [{"code": "TOKEN_INVALID", "path": ["input", "token"]}]},
    ]
    with pytest.raises(Unauthenticated):
        await ask("{ __typename }", old)
    document = """mutation ($email: String!, $password: String!) {
      sessionCreate(input: {email: $email, password: $password}) { errors { code } } }"""
    for password, codes in ((PASSWORD, ["CREDENTIALS_INVALID"]), ("a password of mine", [])):
        answer = await ask(document, key=key, email=client.email, password=password)
        assert [one["code"] for one in answer.data["sessionCreate"]["errors"]] == codes


TOKEN = """mutation ($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) {
  token apiToken { id name prefix scopes addresses rootIb { code } revokedAt }
  errors { code path } } }"""
END = """mutation ($id: ID!) { apiTokenRevoke(input: {apiTokenId: $id}) {
  apiToken { revokedAt } errors { code } } }"""


async def test_a_brand_admin_makes_lists_and_ends_tokens(ask, make, brand, brand_b):
    admin = make.staff_token(brand, "brand_admin")
    ib = make.ib(brand)
    plan = {"name": " feed  reader ", "scopes": ["clients:list", "clients:read"], "days": 30}
    service = (await ask(TOKEN, admin, input=plan)).data["apiTokenCreate"]
    assert service["errors"] == []
    shown = service["apiToken"]
    assert (shown["name"], shown["rootIb"]) == ("feed reader", None)
    assert service["token"].startswith(shown["prefix"] + "_")
    root = {"rootIbId": encode_id("ib", ib.id), "addresses": ["192.0.2.0/24"]}
    limited = (await ask(TOKEN, admin, input=plan | root)).data["apiTokenCreate"]
    assert limited["apiToken"]["rootIb"] == {"code": ib.code}
    inside, outside = make.client(brand, ib), make.client(brand)
    make.client(brand_b)
    document = "{ clients { nodes { id } } viewer { actor { __typename } session { id } } }"
    seen = (await ask("{ clients { nodes { id } } }", service["token"])).data["clients"]["nodes"]
    assert {one["id"] for one in seen} == set()
    seen = (await ask("{ clients { nodes { id } } }", limited["token"])).data["clients"]["nodes"]
    assert [one["id"] for one in seen] == [encode_id("client", inside.id)]
    assert (await ask(document, limited["token"])).codes == ["FORBIDDEN"]
    listed = await ask("{ apiTokens { nodes { id } totalCount { value } } }", admin)
    assert listed.data["apiTokens"]["totalCount"]["value"] == 2
    for _ in range(2):
        ended = await ask(END, admin, id=shown["id"])
        assert ended.data["apiTokenRevoke"]["apiToken"]["revokedAt"] is not None
    with pytest.raises(Unauthenticated):
        await ask(document, service["token"])
    assert outside.id != inside.id


async def test_nobody_grants_more_than_he_holds_or_the_role_can_use(ask, make, brand, brand_b):
    admin = make.staff_token(brand, "brand_admin")
    plan = {"name": "x", "scopes": ["clients:list"], "days": 1}
    for change, code in (
        ({"scopes": ["platform:manage"]}, "SCOPE_NOT_HELD"),
        ({"scopes": ["tokens:manage"]}, "SCOPE_NOT_HELD"),
        ({"scopes": ["orders:place"]}, "SCOPE_NOT_HELD"),
        ({"scopes": []}, "SCOPE_NOT_HELD"),
        ({"scopes": ["clients:list", "invented:right"]}, "INVALID"),
        ({"name": "  "}, "INVALID"),
        ({"days": 0}, "INVALID"),
        ({"days": 731}, "INVALID"),
        ({"addresses": ["somewhere"]}, "INVALID"),
        ({"rootIbId": encode_id("ib", make.ib(brand_b).id)}, "NOT_FOUND"),
        ({"rootIbId": encode_id("ib", new_uuid())}, "NOT_FOUND"),
        ({"rootIbId": "nonsense"}, "NOT_FOUND"),
    ):
        answer = await ask(TOKEN, admin, input=plan | change)
        payload = answer.data["apiTokenCreate"]
        assert (payload["token"], payload["errors"][0]["code"]) == (None, code), change
    refused = await ask(TOKEN, make.staff_token(brand, "support"), input=plan)
    assert (refused.data, set(refused.codes)) == (None, {"FORBIDDEN"})
    assert [row for row in make.rows(tables.token, brand) if row.kind == "API"] == []
    foreign = make.api_token(brand_b, scopes=["clients:list"])
    access = make.staff_token(brand, "sales")
    for token in (foreign, access):
        answer = await ask(END, admin, id=encode_id("api_token", token.id))
        assert answer.data["apiTokenRevoke"]["errors"] == [{"code": "NOT_FOUND"}]


TRAIL = """query ($filter: AuditFilter) { auditEntries(filter: $filter) { nodes { seq action
  outcome repeats actorType reason hash requestId
  actor { __typename ... on Staff { name } ... on Client { reference } ... on Operator { name } }
  target { __typename id } changes { field before after } } } }"""


async def test_the_trail_names_actors_targets_and_changes(
    ask, make, brand, brand_b, database, worker_database, scope_for
):
    client = make.client(brand)
    target = {"object_kind": "client", "object_id": client.id}

    async def by_staff(work):
        work.audit(
            Change("client.update", **target, before={"a": 1, "b": 2}, after={"a": 1, "b": 3})
        )

    async def by_client(work):
        work.audit(Change("client.update", object_kind="client", object_id=new_uuid()))

    await database.write(scope_for(brand, "sales"), by_staff)
    await database.write(scope_for(brand, client=client), by_client)
    await database.write(scope_for(brand, "system"), by_client)
    await database.write(scope_for(brand_b, "sales"), by_client)
    await seal(worker_database, brand.id, at_most=1)
    answer = await ask(TRAIL, make.staff_token(brand, "auditor"))
    assert answer.errors == []
    system, theirs, staffs = answer.data["auditEntries"]["nodes"]
    assert system["actor"]["__typename"] == "SystemActor"
    assert theirs["actor"] == {"__typename": "Client", "reference": client.reference}
    assert theirs["target"] is None
    assert theirs["hash"] is None
    assert staffs["actor"]["__typename"] == "Staff"
    assert staffs["target"] == {"__typename": "Client", "id": encode_id("client", client.id)}
    assert staffs["changes"] == [{"field": "b", "before": 2, "after": 3}]
    assert len(staffs["hash"]) == 64
    only = await ask(
        TRAIL, make.staff_token(brand, "auditor"), filter={"actorKind": {"eq": "CLIENT"}}
    )
    assert [one["seq"] for one in only.data["auditEntries"]["nodes"]] == [2]
    for role in ("sales", "support", "marketing"):
        assert (await ask(TRAIL, make.staff_token(brand, role))).codes == ["FORBIDDEN"]


async def test_clients_and_ibs_reach_no_staff_token_or_trail(ask, make, brand):
    ib = make.ib(brand)
    client = make.client(brand, ib)
    api = make.api_token(brand, ib, scopes=["clients:list", "clients:read", "session:read"])
    node = "query ($id: ID!) { node(id: $id) { id } }"
    ids = [
        encode_id("staff", brand.staff[Role.SALES]),
        encode_id("api_token", api.id),
        encode_id("operator", new_uuid()),
    ]
    for token in (make.client_token(brand, client), make.ib_token(brand, ib), api):
        for id in ids:
            answer = await ask(node, token, id=id)
            assert (answer.data, answer.errors) == ({"node": None}, [])
        for document in ("{ auditEntries { nodes { seq } } }", "{ apiTokens { nodes { id } } }"):
            assert (await ask(document, token)).codes == ["FORBIDDEN"]
