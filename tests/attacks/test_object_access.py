"""Reaching rows that are not one's own by filters, orders, searches, counts, cursors and logins."""

import base64
import string

import pytest

from tests.attacks.actors import Asker, askers, one
from tests.attacks.calls import Answer, Api
from tests.factories import Factory
from tests.world import World

Worlds = tuple[World, World]
PAGE = "nodes { id } totalCount { value }"
EMPTY = {"nodes": [], "totalCount": {"value": 0}}


@pytest.fixture(scope="module")
def admin(worlds: Worlds, make: Factory) -> Asker:
    return one(make, worlds[0], "brand_admin")


async def test_a_login_of_another_brand_is_as_unknown_as_none(
    api: Api, worlds: Worlds, make: Factory
):
    world, other = worlds
    server = f"server_{world.brand.server_id.hex}"
    document = "query($s: ID!, $l: String!) { accountByLogin(serverId: $s, login: $l) { id } }"
    for asker in askers(make, world).values():
        told = set()
        for login in (str(other.account("alone").login), "1", "0", "-1", "9" * 18, "1 or 1=1", "١"):
            answer = await api.ask(asker, document, {"s": server, "l": login})
            told.add((answer.status, answer.without_request_id()))
        assert len(told) == 1, (asker.name, told)
    own = one(make, world, "client")
    answer = await api.ask(own, document, {"s": server, "l": str(world.account("north").login)})
    assert answer.data["accountByLogin"]["id"].endswith(world.account("north").id.hex)
    theirs = {"s": server, "l": str(world.account("alone").login)}
    assert (await api.ask(own, document, theirs)).data["accountByLogin"] is None


@pytest.mark.parametrize(
    ("field", "name", "subject"),
    [
        ("clients", "ibId", "ib"),
        ("clients", "ownerId", "staff"),
        ("accounts", "clientId", "client"),
        ("ibs", "parentId", "ib"),
    ],
)
async def test_a_filter_by_a_foreign_id_finds_nothing(
    api: Api, worlds: Worlds, admin: Asker, field: str, name: str, subject: str
):
    """And says the same as for an id that never was."""
    other = worlds[1]
    foreign = {
        "ib": other.ibs["north"].id,
        "staff": other.brand.staff[next(iter(other.brand.staff))],
        "client": other.client("north").id,
    }[subject]
    told = set()
    for key in (foreign.hex, "0" * 32):
        for condition in (f'{{ eq: "{subject}_{key}" }}', f'{{ in: ["{subject}_{key}"] }}'):
            answer = await api.ask(
                admin, f"{{ {field}(filter: {{ {name}: {condition} }}) {{ {PAGE} }} }}"
            )
            assert answer.data == {field: EMPTY}, answer
            told.add(answer.without_request_id())
    assert len({_data_only(one) for one in told}) == 1


@pytest.mark.parametrize(
    "argument",
    [
        'filter: { brandId: { eq: "x" } }',
        'brandId: "x"',
        'filter: { OR: [{}, { status: { eq: "ACTIVE" } }] }',
        "filter: { NOT: {} }",
        "filter: { or: [] }",
        'filter: { accounts: { login: { eq: "1" } } }',
        'filter: { owner: { email: { contains: "@" } } }',
        'filter: { email: { contains: "@" } }',
        "orderBy: { field: PASSWORD_HASH, direction: ASC }",
        "orderBy: { field: EMAIL, direction: ASC }",
        'orderBy: { field: "name; drop table client", direction: ASC }',
        'where: "1=1"',
        "offset: 5",
    ],
)
async def test_what_a_list_does_not_offer_is_refused(api: Api, admin: Asker, argument: str):
    """No filter that widens, none through a relation, no order by a hidden field."""
    answer = await api.ask(admin, f"{{ clients({argument}) {{ {PAGE} }} }}")
    assert answer.codes == {"BAD_USER_INPUT"}, answer
    assert answer.data is None


async def test_search_stays_within_the_brand(api: Api, worlds: Worlds, admin: Asker):
    world, other = worlds
    for theirs in (
        other.subjects["alone"].canary,
        other.client("alone").email[:20],
        other.client("alone").phone[4:14],
        other.client("alone").name,
    ):
        answer = await _search(api, admin, theirs)
        assert answer.data["clients"]["nodes"] == [], theirs
        assert answer.data["clients"]["totalCount"]["value"] == 0
    own = await _search(api, admin, world.subjects["alone"].canary)
    assert len(own.data["clients"]["nodes"]) == 1


async def test_search_stays_within_the_subtree_and_oneself(api: Api, worlds: Worlds, make: Factory):
    world = worlds[0]
    for name, theirs in (("ib", "south"), ("ib_2", "north"), ("client", "alone")):
        answer = await _search(api, one(make, world, name), world.subjects[theirs].canary)
        assert answer.data is None or answer.data["clients"]["nodes"] == [], name


async def test_masked_fields_are_neither_searched_nor_sorted_by(
    api: Api, worlds: Worlds, make: Factory
):
    """Else a masked e-mail is read letter by letter."""
    world = worlds[0]
    target = world.client("alone")
    for asker in askers(make, world).values():
        if "clients:list" not in asker.rights or "clients:pii" in asker.rights:
            continue
        for part in (target.email.split("@")[0], target.phone[1:11]):
            answer = await _search(api, asker, part)
            assert target.id.hex not in answer.text, (asker.name, part)
        if "clients:names" not in asker.rights:
            answer = await _search(api, asker, world.subjects["alone"].canary)
            assert target.id.hex not in answer.text, asker.name
            answer = await api.ask(
                asker, "{ clients(orderBy: { field: NAME, direction: ASC }) { nodes { id } } }"
            )
            assert answer.codes, asker.name


async def test_counts_count_own_rows_only(api: Api, worlds: Worlds, make: Factory):
    """Four clients with an account each per brand; a client one, the northern ib two."""
    world = worlds[0]
    document = "{ clients { totalCount { value } } accounts { totalCount { value } } }"
    for name, expected in (
        ("brand_admin", 4), ("client", 1), ("client_2", 1), ("ib", 2), ("ib_2", 1), ("ib_api", 2),
        ("service", 4), ("operator", 4),
    ):  # fmt: skip
        answer = await api.ask(one(make, world, name), document)
        counts = [one["totalCount"]["value"] for one in answer.data.values()]
        assert counts == [expected, expected], (name, answer)


async def test_cursors_are_bound_to_brand_and_list(api: Api, worlds: Worlds, make: Factory):
    """A cursor of another brand, list, order or filter, and any edited one: refused alike."""
    admins = [one(make, world, "brand_admin") for world in worlds]
    document = "query($a: Cursor) { clients(first: 1, after: $a) { pageInfo { endCursor } } }"
    own, foreign = [
        (await api.ask(one, document)).data["clients"]["pageInfo"]["endCursor"] for one in admins
    ]
    accounts = "{ accounts(first: 1) { pageInfo { endCursor } } }"
    listed = (await api.ask(admins[0], accounts)).data["accounts"]["pageInfo"]["endCursor"]
    assert not (await api.ask(admins[0], document, {"a": own})).codes
    for edited in (foreign, listed, *_edited(own)):
        answer = await api.ask(admins[0], document, {"a": edited})
        assert answer.codes == {"BAD_USER_INPUT"}, (edited, answer)
        assert answer.data is None or answer.data["clients"] is None
    other_order = (
        "query($a: Cursor) { clients(first: 1, after: $a,"
        " orderBy: { field: NAME, direction: ASC }) { nodes { id } } }"
    )
    assert (await api.ask(admins[0], other_order, {"a": own})).codes == {"BAD_USER_INPUT"}


@pytest.mark.parametrize(
    "page",
    ["first: 1000000000", "first: 101", "first: 0", "first: -1", "last: -1", "first: 1, last: 1",
     "first: 2147483648", 'first: "1"', "first: 1.5", 'after: "x", before: "x"'],
)  # fmt: skip
async def test_pages_are_bounded(api: Api, admin: Asker, page: str):
    answer = await api.ask(admin, f"{{ clients({page}) {{ nodes {{ id }} }} }}")
    assert answer.codes <= {"BAD_USER_INPUT", "COST_TOO_HIGH"}, answer
    assert answer.codes, answer
    assert answer.data is None or answer.data["clients"] is None


async def test_many_ids_at_once_are_bounded(api: Api, admin: Asker):
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    answer = await api.ask(admin, document, {"ids": ["x"] * 101})
    assert answer.codes <= {"BAD_USER_INPUT", "COST_TOO_HIGH"}
    assert answer.codes, answer


async def test_symbols_of_a_foreign_account_are_those_of_none(
    api: Api, worlds: Worlds, admin: Asker
):
    document = "query($id: ID!) { symbols(accountId: $id) { name } }"
    keys = (worlds[1].account("alone").id.hex, "0" * 32)
    told = [await api.ask(admin, document, {"id": f"account_{key}"}) for key in keys]
    assert told[0].without_request_id() == told[1].without_request_id()
    assert told[0].data == {"symbols": []}


def _edited(cursor: str) -> list[str]:
    """A cursor with each kind of damage; one change at each end and in the middle."""
    letters = string.ascii_letters + string.digits
    found = [cursor[:-1], cursor + "A", cursor[::-1], "", "x", "' or 1=1 --", "\u0000", "=" * 40]
    for at in (0, len(cursor) // 2, len(cursor) - 2):
        swapped = letters[(letters.find(cursor[at]) + 1) % len(letters)]
        found.append(cursor[:at] + swapped + cursor[at + 1 :])
    found.append(base64.urlsafe_b64encode(b'{"brand_id":"x","offset":0}').decode())
    return found


async def _search(api: Api, asker: Asker, text: str) -> Answer:
    document = (
        f"query($t: String!) {{ clients(filter: {{ search: {{ contains: $t }} }}) {{ {PAGE} }} }}"
    )
    return await api.ask(asker, document, {"t": text})


def _data_only(body: bytes) -> bytes:
    return body.partition(b'"extensions"')[0]
