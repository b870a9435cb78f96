"""Bound types answer over loaders: right data, few statements, nulls for what may not be seen."""

from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.kernel.ids import encode_id
from tests.domain.reads import zoo
from tests.domain.reads.test_reads_engine import people, pets, put
from tests.schema.shared.conftest import ALL, Ask


async def test_a_tree_in_one_statement_a_level(ask: Ask, keeper: AsyncEngine, fresh: UUID) -> None:
    vet = uuid4()
    await put(keeper, zoo.vet, {"brand_id": fresh, "id": vet, "name": "Dr Oz"})
    for key in await people(keeper, fresh, 3, vet_id=vet):
        await pets(keeper, fresh, key, 2)
    answer = await ask(
        """
        query ($first: Int) {
          people(first: $first, orderBy: {field: NAME, direction: ASC}) {
            nodes { ...P vet { name } }
            edges { cursor node { again: pets(first: 1, orderBy: {field: WEIGHT}) {
              nodes { name } } } }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
            totalCount { value precision }
          }
        }
        fragment P on Person {
          id name eMail loud masked
          pets(first: 1, orderBy: {field: WEIGHT, direction: DESC}) {
            nodes { name weight person { name } passport { number }
              visits { totalCount { value } } }
            totalCount { value }
          }
          beasts { weight }
        }""",
        first=2,
    )
    assert answer.errors == []
    page = answer.data["people"]
    assert [each["name"] for each in page["nodes"]] == ["Ann 0", "Ann 1"]
    first = page["nodes"][0]
    assert first["eMail"] == "ann0@x.test"
    assert first["loud"] == "Ann 0!None"
    assert first["vet"] == {"name": "Dr Oz"}
    assert first["beasts"] == [{"weight": 0}, {"weight": 1}]
    assert first["pets"]["nodes"][0]["person"] == {"name": "Ann 0"}
    assert first["pets"]["totalCount"] == {"value": 2}
    assert page["edges"][0]["node"]["again"]["nodes"] == [{"name": "Rex 0"}]
    assert page["pageInfo"]["hasNextPage"] is True
    assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
    assert page["totalCount"] == {"value": 3, "precision": "EXACT"}
    # people, their count, vets, pets, counts of pets, beasts, pets again, passports, counts of
    # visits; whose pet it is was known already.
    assert answer.statements == 9


async def test_only_a_count_reads_no_rows(ask: Ask, keeper: AsyncEngine, fresh: UUID) -> None:
    await people(keeper, fresh, 2)
    answer = await ask("{ people { totalCount { value } } }")
    assert answer.data == {"people": {"totalCount": {"value": 2}}}
    assert answer.statements == 1
    assert (await ask("{ people { __typename } }")).statements == 0


async def test_nothing_is_opened_when_nothing_is_read(ask: Ask) -> None:
    answer = await ask('{ echo(amount: "1.50") }')
    assert answer.data == {"echo": "1.50 None"}
    assert answer.statements == 0


async def test_node_shows_one_and_the_same_null(ask: Ask, keeper: AsyncEngine, fresh: UUID) -> None:
    (mine,) = await people(keeper, fresh, 1)
    (foreign,) = await people(keeper, zoo.BLUE, 1)
    asked = [
        encode_id("person", mine),
        encode_id("person", foreign),
        encode_id("person", uuid4()),
        encode_id("vet", mine),
        encode_id("ghost", mine),
        "person_1",
        "",
        "Ê",
        mine.hex,
    ]
    answer = await ask(
        "query ($ids: [ID!]!, $id: ID!) { nodes(ids: $ids) { id ... on Person { name } }"
        " node(id: $id) { __typename ... on Person { name } } }",
        ids=asked,
        id=asked[0],
    )
    assert answer.errors == []
    assert answer.data["nodes"] == [{"id": asked[0], "name": "Ann 0"}] + [None] * 8
    assert answer.data["node"] == {"__typename": "Person", "name": "Ann 0"}
    assert answer.statements == 2, "one each for people and vets"
    hidden = await ask(
        "query ($id: ID!) { node(id: $id) { id } }", id=asked[0], rights={"vets:read"}
    )
    assert hidden.data == {"node": None}
    assert (hidden.errors, hidden.statements) == ([], 0)
    too_many = await ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=asked[:1] * 101)
    assert too_many.codes == ["BAD_USER_INPUT"]


async def test_masks_and_their_refusals(ask: Ask, keeper: AsyncEngine, fresh: UUID) -> None:
    await people(keeper, fresh, 1)
    rights = ALL - {"people:pii"}
    shown = await ask("{ people { nodes { eMail masked } } }", rights=rights)
    assert shown.data["people"]["nodes"] == [{"eMail": "a***", "masked": ["email"]}]
    refused = await ask("{ people(orderBy: {field: EMAIL}) { nodes { name } } }", rights=rights)
    assert refused.codes == ["FORBIDDEN"]
    assert refused.statements == 0


async def test_pages_are_walked_by_cursor(ask: Ask, keeper: AsyncEngine, fresh: UUID) -> None:
    await people(keeper, fresh, 5)
    text = """query ($after: Cursor, $before: Cursor, $first: Int, $last: Int) {
      people(first: $first, last: $last, after: $after, before: $before) {
        nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    first = (await ask(text, first=2)).data["people"]
    second = (await ask(text, first=2, after=first["pageInfo"]["endCursor"])).data["people"]
    back = (await ask(text, last=2, before=second["pageInfo"]["startCursor"])).data["people"]
    assert [each["name"] for each in second["nodes"]] == ["Ann 2", "Ann 1"]
    assert second["pageInfo"]["hasPreviousPage"] is True
    assert second["pageInfo"]["hasNextPage"] is True
    assert back["nodes"] == first["nodes"]
    assert back["pageInfo"]["hasPreviousPage"] is False
    assert back["pageInfo"]["hasNextPage"] is True
    for cursor in ("x", "Ê", first["pageInfo"]["endCursor"][:-1], "A" * 40):
        assert (await ask(text, after=cursor)).codes == ["BAD_USER_INPUT"] or cursor == "Ê"


async def test_filters_reach_the_engine(ask: Ask, keeper: AsyncEngine, fresh: UUID) -> None:
    await people(keeper, fresh, 2, rank=3, tags=["vip"])
    await people(keeper, fresh, 1, rank=4)
    text = "query ($f: PersonFilter) { people(filter: $f) { nodes { name } } }"
    for given, number in (
        ({"rank": {"in": [3]}}, 2),
        ({"rank": {"gte": 4}}, 1),
        ({"tags": {"contains": "vip"}}, 2),
        ({"joinedAt": {"lt": "2026-01-01T01:00:00Z"}}, 2),
        ({}, 3),
        (None, 3),
        ({"rank": None}, 3),
    ):
        found = await ask(text, f=given)
        assert len(found.data["people"]["nodes"]) == number, given
    assert (await ask(text, f={"rank": {"eq": None}})).codes == ["BAD_USER_INPUT"]
    assert (await ask(text, f={"search": {"contains": "a"}})).codes == ["BAD_USER_INPUT"]


async def test_expected_refusals_are_data(ask: Ask) -> None:
    text = """mutation ($name: String!) { petRename(input: {newName: $name}) {
      name errors { __typename message path code } } }"""
    rights = {"pets:write"}
    done = await ask(text, name="Tom", rights=rights)
    assert done.data == {"petRename": {"name": "Tom", "errors": []}}
    refused = await ask(text, name="", rights=rights)
    assert refused.data["petRename"] == {
        "name": None,
        "errors": [
            {
                "__typename": "PetRenameError",
                "message": "Give a name.",
                "path": ["input", "newName"],
                "code": "INVALID",
            }
        ],
    }
    other = await ask(text, name="bug", rights=rights)
    assert other.codes == ["BAD_USER_INPUT"]


async def test_domain_errors_of_queries_are_coded(ask: Ask) -> None:
    answer = await ask("{ refuse }")
    (error,) = answer.errors
    assert error.message == "The shop is closed."
    assert error.path == ["refuse"]
    assert error.extensions == {
        "code": "CONFLICT",
        "reason": "CLOSED",
        "retryable": False,
        "argument": ["openingHours"],
    }


async def test_what_is_skipped_is_not_read(ask: Ask, keeper: AsyncEngine, fresh: UUID) -> None:
    (key,) = await people(keeper, fresh, 1)
    await pets(keeper, fresh, key, 1)
    text = """query ($id: ID!, $more: Boolean = false) { person(id: $id) {
      name
      ... @include(if: $more) { pets { nodes { price { amount currencyCode } } } }
      ...B @skip(if: true)
      beasts @include(if: false) { name }
    } } fragment B on Person { beasts { name } }"""
    given = encode_id("person", key)
    short = await ask(text, id=given)
    assert (short.data, short.statements) == ({"person": {"name": "Ann 0"}}, 1)
    long = await ask(text, id=given, more=True)
    assert long.data["person"]["pets"]["nodes"] == [
        {"price": {"amount": "0.00", "currencyCode": "USD"}}
    ]
    assert long.statements == 2
    for unknown in (encode_id("person", uuid4()), encode_id("pet", key), "junk"):
        assert (await ask(text, id=unknown)).data == {"person": None}


async def test_a_mutation_returns_what_was_asked_of_its_object(
    ask: Ask, keeper: AsyncEngine, fresh: UUID
) -> None:
    (key,) = await people(keeper, fresh, 1)
    (pet,) = await pets(keeper, fresh, key, 1)
    text = """mutation ($id: ID!) { petPat(id: $id) {
      it: pet { name person { name } } ...R errors { code path } } }
      fragment R on PetPatPayload { pet { weight } }"""
    rights = ALL | {"pets:write"}
    done = await ask(text, id=encode_id("pet", pet), rights=rights)
    assert done.data == {
        "petPat": {
            "it": {"name": "Rex 0", "person": {"name": "Ann 0"}},
            "pet": {"weight": 0},
            "errors": [],
        }
    }
    assert done.statements == 2
    absent = await ask(text, id=encode_id("pet", key), rights=rights)
    assert absent.data["petPat"]["errors"] == [{"code": "NOT_FOUND", "path": ["input", "id"]}]
