"""Everything the API shows, as everybody: no byte of another brand, client or subtree.

Each brand's texts are canaries. The crawler asks every root field as deep as its budget allows,
then every id it found, as every actor of both brands. It runs three times: as built, with every
brand predicate of the application switched off (row-level security must hold alone), and with
row-level security switched off (the predicates must hold alone). The two last also prove that the
test would see: with both off, canaries are everywhere.
"""

import secrets
from collections.abc import Iterable
from typing import Any

import pytest
import pytest_asyncio

from tests.attacks.actors import Asker, askers, one
from tests.attacks.calls import Answer, Api, ids_in
from tests.attacks.contract import Values, arguments, is_allowed, rights_of_root, roots, selection
from tests.attacks.contract import api as schema_of_api
from tests.factories import Factory
from tests.world import World

Worlds = tuple[World, World]
BRAND_ITSELF = {"brand of another brand", "another brand itself"}
LIMITS = {"COST_TOO_HIGH", "BAD_USER_INPUT"}
TOO_LATE = 503
# Whoever comes first crawls the whole API as everybody.
pytestmark = pytest.mark.timeout(900)


@pytest_asyncio.fixture(scope="module")
async def crawled(api: Api, worlds: Worlds, make: Factory) -> dict[str, tuple[Asker, str]]:
    """Everything the API shows of the first brand to each of its actors."""
    found = {}
    for asker in askers(make, worlds[0]).values():
        text, asked = await crawl(api, asker, worlds[0])
        assert asked, asker.name
        found[asker.name] = (asker, text)
    return found


@pytest_asyncio.fixture(scope="module")
async def foreign(api: Api, worlds: Worlds, make: Factory, crawled) -> list[str]:
    """Ids of the second brand, as its own administrator sees them."""
    text, _ = await crawl(api, one(make, worlds[1], "brand_admin"), worlds[1])
    found = sorted(ids_in(text) - ids_in(crawled["brand_admin"][1]))
    assert len(found) > 10
    return found


async def test_nobody_sees_what_is_not_theirs(crawled, worlds: Worlds):
    wrong = [
        f"{name}: {found}"
        for name, (asker, text) in crawled.items()
        for found in leaks(text, asker, *worlds)
    ]
    assert not wrong, "\n  ".join(["canaries of others", *wrong])


@pytest.mark.parametrize(
    ("name", "subjects"),
    [
        ("brand_admin", ("north", "north_child", "south", "alone", "brand")),
        ("auditor", ("north", "alone")),
        ("client", ("north",)),
        ("client_2", ("alone",)),
        ("ib", ("north", "north_child")),
        ("ib_2", ("south",)),
        ("ib_api", ("north",)),
        ("service", ("north", "south")),
        ("operator", ("north", "brand")),
    ],
)
async def test_everybody_sees_what_is_theirs(
    crawled, worlds: Worlds, name: str, subjects: tuple[str, ...]
):
    """The crawler does reach the canaries: else the test above would prove nothing."""
    missing = [one for one in subjects if not is_shown(crawled[name][1], worlds[0], one)]
    assert not missing


async def test_ids_of_others_open_nothing(api: Api, crawled, foreign: list[str]):
    """Each id found in one brand, asked for as everybody of the other: null, no error, no byte."""
    for asker, _ in crawled.values():
        for part in parts(theirs_to(asker, foreign), 100):
            answer = await api.ask(
                asker, "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", {"ids": part}
            )
            assert not answer.codes, (asker.name, answer)
            assert answer.data["nodes"] == [None] * len(part), asker.name


async def test_own_ids_open_their_objects_among_foreign_ones(
    api: Api, worlds: Worlds, make: Factory
):
    """A mixed list: one's own still come, at their places."""
    world, other = worlds
    admin = one(make, world, "brand_admin")
    own = f"client_{world.client('alone').id.hex}"
    foreign = f"client_{other.client('alone').id.hex}"
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    answer = await api.ask(admin, document, {"ids": [foreign, own, "nonsense", foreign]})
    assert answer.data["nodes"] == [None, {"__typename": "Client", "id": own}, None, None], answer


async def test_foreign_absent_and_malformed_ids_look_the_same(
    api: Api, crawled, foreign: list[str]
):
    """Byte for byte, for every type there is, and whatever is done to the id."""
    document = "query($id: ID!) { node(id: $id) { __typename id } }"
    for asker, _ in crawled.values():
        by_kind = {shown.rsplit("_", 1)[0]: shown for shown in theirs_to(asker, foreign)}
        assert {"client", "account"} <= set(by_kind)
        asked = [*by_kind.values(), *(f"{kind}_{secrets.token_hex(16)}" for kind in by_kind)]
        asked += spoiled(by_kind["client"])
        told = {}
        for shown in asked:
            answer = await api.ask(asker, document, {"id": shown})
            told[answer.status, answer.without_request_id()] = shown
        assert len(told) == 1, (asker.name, told)


def spoiled(shown: str) -> list[str]:
    """What is done to an id: another case, type, length, encoding."""
    kind, key = shown.rsplit("_", 1)
    return [
        f"{kind}_{'0' * 32}", shown.upper(), key, f"{shown} ", f" {shown}", f"{kind}_{key[:-1]}",
        f"nothing_{key}", f"{kind}_{key}_{key}", "", "' or 1=1 --", "Q2xpZW50OjE=", f"{kind}:{key}",
        f"{kind}_{key[:8]}-{key[8:12]}-{key[12:16]}-{key[16:20]}-{key[20:]}",
    ]  # fmt: skip


def theirs_to(asker: Asker, ids: list[str]) -> list[str]:
    """Ids that the asker must not open; an operator may see which brands and entities there are."""
    own = ("brand_", "legal_entity_") if asker.operator else ()
    return [shown for shown in ids if not shown.startswith(own)]


async def test_an_id_of_one_type_opens_no_other(api: Api, crawled):
    """The key of a client asked for as an account, and so on: null."""
    admin, text = crawled["brand_admin"]
    own = ids_in(text)
    kinds = {one.rsplit("_", 1)[0] for one in own}
    swapped = [f"{kind}_{one[-32:]}" for one in sorted(own)[:40] for kind in kinds]
    swapped = [one for one in swapped if one not in own]
    for part in parts(swapped, 100):
        answer = await api.ask(
            admin, "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", {"ids": part}
        )
        assert answer.data["nodes"] == [None] * len(part)


async def test_row_security_holds_without_the_application(
    api: Api, worlds: Worlds, make: Factory, without_predicates: list[str]
):
    """Every `brand_id = …` of the application is off: still no foreign row."""
    world, other = worlds
    for name in ("brand_admin", "client", "ib", "service", "operator"):
        asker = one(make, world, name)
        text, _ = await crawl(api, asker, world)
        assert leaks(text, asker, world, other) == [], name
    assert len(without_predicates) > 50, "the switch must have been used"


async def test_the_application_holds_without_row_security(
    open_api: Api, worlds: Worlds, make: Factory
):
    """Served by a role that row-level security does not bind: still no row of another brand."""
    world, other = worlds
    for name in ("brand_admin", "client", "ib", "service", "operator"):
        asker = one(make, world, name)
        text, _ = await crawl(open_api, asker, world)
        found = set(foreign_canaries(text, other))
        assert found <= (BRAND_ITSELF if asker.operator else set()), name


# With neither guard some answers break half-way, and what they had begun is dropped.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_the_crawl_would_see_a_leak(
    open_api: Api, worlds: Worlds, make: Factory, without_predicates: list[str]
):
    """With both locks off another brand is everywhere: so the tests above can fail."""
    world, other = worlds
    text, _ = await crawl(open_api, one(make, world, "brand_admin"), world, is_open=True)
    assert foreign_canaries(text, other)


async def crawl(api: Api, asker: Asker, world: World, *, is_open: bool = False) -> tuple[str, int]:
    """Every root query as deep as allowed; all answers in one text, and how many were asked.

    Where all is open, a function of the database that judges the brand by itself still refuses.
    """
    texts = []
    values = values_of(world, asker)
    for name, found in roots("query").items():
        if name in ("node", "nodes"):
            continue
        if is_allowed(rights_of_root("query", name), asker.rights):
            field = f"{name}{arguments(found, values, 'Query')}"
            texts.append(await deepest(api, asker, field, found.type, values, is_open=is_open))
    by_kind = {shown.rsplit("_", 1)[0]: shown for shown in sorted(ids_in("".join(texts)))}
    for shown in by_kind.values():
        field = f'node(id: "{shown}")'
        named = await api.ask(asker, f"{{ {field} {{ __typename }} }}")
        if named.data and named.data["node"]:
            kind = schema_of_api().type_map[named.data["node"]["__typename"]]
            texts.append(await deepest(api, asker, field, kind, values, is_open=is_open))
    return "\n".join(texts), len(texts)


async def deepest(
    api: Api, asker: Asker, field: str, kind: Any, values: Values, *, is_open: bool
) -> str:
    """The answer to a field with as much below it as the caller's limits allow.

    Tables whose rows no statistics know yet are joined badly: what takes too long is asked with
    less below it, too.
    """
    for depth in (3, 2, 1):
        inner = selection(kind, values, asker.rights, depth)
        if field.startswith("node("):
            inner = f"{{ ... on {kind.name} {inner} }}"
        answer = await api.ask(asker, f"{{ {field} {inner} }}")
        if not was_too_much(answer) and answer.status != TOO_LATE:
            break
    where = f"{asker.name} {field}"
    assert answer.status < 500, f"{where}: {answer}"
    assert is_open or "INTERNAL" not in answer.codes, f"{where}: {answer}"
    assert not was_too_much(answer), f"{where}: {answer}"
    return answer.text


def was_too_much(answer: Answer) -> bool:
    """Whether the document itself was refused, before anything ran."""
    return any(
        error["extensions"]["code"] in LIMITS and "path" not in error
        for error in answer.json.get("errors") or ()
    )


def values_of(world: World, asker: Asker) -> Values:
    """Ids of what the asker may see."""
    subject = next(iter(sorted((asker.subjects or frozenset()) - {"brand"})), "north")
    return Values(
        ids={
            "client": f"client_{world.client(subject).id.hex}",
            "account": f"account_{world.account(subject).id.hex}",
            "server": f"server_{world.brand.server_id.hex}",
            "ib": f"ib_{world.ibs['north'].id.hex}",
        },
        text=world.canary,
    )


def leaks(text: str, asker: Asker, world: World, other: World) -> list[str]:
    """Canaries in a text that are not the asker's to see."""
    found = foreign_canaries(text, other)
    if asker.operator:
        found = [one for one in found if one not in BRAND_ITSELF]
    if asker.subjects is not None:
        found += [
            f"{name} of its own brand"
            for name in world.subjects
            if name != "brand" and name not in asker.subjects and is_shown(text, world, name)
        ]
    return found


def foreign_canaries(text: str, other: World) -> list[str]:
    found = [f"{name} of another brand" for name in other.subjects if is_shown(text, other, name)]
    if other.brand.id.hex in text or other.brand.slug in text or other.brand.host in text:
        found.append("another brand itself")
    return found


def is_shown(text: str, world: World, name: str) -> bool:
    """Whether anything of a subject is in a text: its canary, its client's or account's id."""
    subject = world.subjects[name]
    hidden = [subject.canary]
    if subject.client and subject.account:
        hidden += [subject.client.id.hex, subject.account.id.hex, str(subject.account.login)]
    return any(one in text for one in hidden)


def parts(items: list[str], size: int) -> Iterable[list[str]]:
    return (items[at : at + size] for at in range(0, len(items), size))
