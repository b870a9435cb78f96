"""Pretending to be somebody: forged, foreign, narrowed and withdrawn credentials."""

import asyncio
import base64
import json
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from domain.kernel.ids import new_uuid
from tenants import tables
from tenants.values import Role, SessionStatus, StaffStatus
from tests.attacks.actors import Asker, askers, one
from tests.attacks.calls import Api
from tests.factories import Factory, Token, rights_of
from tests.world import World

WHO = "{ viewer { permissions } }"
Worlds = tuple[World, World]


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


async def is_let_in(api: Api, token: Token) -> bool:
    return (await api.ask(None, WHO, headers=bearer(token.text))).status == 200


async def test_forged_tokens_get_one_answer(api: Api, worlds: Worlds, make: Factory):
    """Foreign signature schemes, other people's ids, wrong secrets, cut and stretched texts."""
    world, other = worlds
    good = make.staff_token(world.brand, "brand_admin").text
    real = good.split("_", 4)[4]
    stem = good.removesuffix(real)

    def jwt(header: dict[str, str]) -> str:
        parts = (header, {"iss": str(world.brand.id), "sub": "brand_admin", "exp": 4_000_000_000})
        encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode() for p in parts]
        return ".".join([*encoded, secrets.token_urlsafe(32)])

    forged = [
        jwt({"alg": "none"}),
        jwt({"alg": "HS256", "kid": "../../dev/null"}),
        jwt({"alg": "RS256", "jku": "https://attacker.example/keys"}),
        stem + secrets.token_urlsafe(32),
        stem + real[:-1],
        stem + real + "A",
        stem,
        stem.rstrip("_"),
        good.replace("bk_access", "bk_api"),
        good.replace("bk_access", "bk_operator"),
        good.replace("bk_access", "bk_refresh"),
        good.replace(world.brand.id.hex, other.brand.id.hex),
        good.replace(world.brand.id.hex, "0" * 32),
        good.replace(world.brand.id.hex, new_uuid().hex),
        good.upper(),
        f"bk_access_{world.brand.id.hex}_{new_uuid().hex}_{real}",
        world.brand.publishable_key,
        "null",
        "bk_access_" + "A" * 5_000,
    ]
    assert await is_let_in(api, Token(world.brand.id, new_uuid(), good))
    answers = [await api.ask(None, WHO, headers=bearer(one)) for one in forged]
    assert {one.status for one in answers} == {401}
    assert len({one.without_request_id() for one in answers}) == 1, [str(a) for a in answers]


@pytest.mark.parametrize("scheme", ["Basic", "Bearer", "Digest", "bk"])
async def test_other_schemes_open_nothing(api: Api, scheme: str):
    answer = await api.ask(None, WHO, headers={"Authorization": f"{scheme} Og=="})
    assert answer.status == 401


async def test_a_host_of_another_brand_and_a_token_do_not_agree(
    api: Api, worlds: Worlds, make: Factory
):
    """And a token of another brand is refused as an invented one is."""
    world, other = worlds
    for asker in askers(make, world).values():
        if asker.is_anonymous or asker.operator:
            continue
        answer = await api.ask(asker, WHO, headers={"Host": other.brand.host})
        assert answer.status == 403, asker.name
        assert other.canary not in answer.text
    key = {"Backdesk-Key": world.brand.publishable_key, "Host": other.brand.host}
    assert (await api.ask(None, "{ __typename }", headers=key)).status == 403
    invented = f"bk_access_{world.brand.id.hex}_{new_uuid().hex}_{secrets.token_urlsafe(32)}"
    real = make.staff_token(world.brand, "sales").text
    told = [
        (await api.ask(None, WHO, headers=bearer(one) | {"Host": other.brand.host}))
        for one in (invented, real)
    ]
    assert told[0].without_request_id() == told[1].without_request_id()
    own = await api.ask(None, WHO, headers=bearer(real) | {"Host": world.brand.host})
    assert own.status == 200


async def test_only_operators_name_a_brand(api: Api, worlds: Worlds, make: Factory):
    """A known slug, its id and an unknown slug are refused alike."""
    world, other = worlds
    for asker in askers(make, world).values():
        if asker.operator:
            continue
        told = set()
        for named in (other.brand.slug, f"brand_{other.brand.id.hex}", "no-such-brand", "' or 1=1"):
            answer = await api.ask(asker, WHO, headers={"Backdesk-Brand": named})
            told.add((answer.status, answer.without_request_id()))
        assert len(told) == 1, (asker.name, told)
        ((status, body),) = told
        assert status == 403, (asker.name, body)
    operator = one(make, world, "operator")
    assert (await api.ask(operator, WHO)).status == 200
    lost = await api.ask(operator, WHO, headers={"Backdesk-Brand": "no-such-brand"})
    assert lost.status == 403


async def test_a_key_is_bound_to_its_origins(api: Api, worlds: Worlds):
    brand = worlds[0].brand
    key = {"Backdesk-Key": brand.publishable_key}
    own = await api.ask(None, "{ __typename }", headers=key | {"Origin": f"https://{brand.host}"})
    assert own.status == 200
    evil = await api.ask(None, "{ __typename }", headers=key | {"Origin": "https://evil.example"})
    assert evil.status == 403


async def test_disabled_staff_and_revoked_tokens_stay_outside(
    api: Api, worlds: Worlds, make: Factory
):
    """At once for what was not judged lately, after two seconds for reads that were."""
    brand = worlds[0].brand
    known, fresh = make.staff_token(brand, "support"), make.staff_token(brand, "support")
    gone = make.staff_token(brand, "support")
    assert await is_let_in(api, known)
    make.run(
        brand,
        update(tables.staff)
        .where(tables.staff.c.brand_id == brand.id, tables.staff.c.id == brand.staff[Role.SUPPORT])
        .values(status=StaffStatus.DISABLED),
    )
    assert not await is_let_in(api, fresh)
    await asyncio.sleep(2.1)
    assert not await is_let_in(api, known)
    make.run(
        brand,
        update(tables.staff)
        .where(tables.staff.c.brand_id == brand.id, tables.staff.c.id == brand.staff[Role.SUPPORT])
        .values(status=StaffStatus.ACTIVE),
    )
    assert await is_let_in(api, gone)


async def test_dead_tokens_and_sessions_open_nothing(api: Api, worlds: Worlds, make: Factory):
    brand, past = worlds[0].brand, datetime.now(UTC) - timedelta(seconds=1)
    client = worlds[0].client("alone")
    changes = [
        (tables.token, {"revoked_at": past}),
        (tables.token, {"expires_at": past}),
        (tables.token, {"kind": "VERIFY"}),
    ]
    for table, values in changes:
        token = make.client_token(brand, client)
        make.run(
            brand,
            update(table)
            .where(table.c.brand_id == brand.id, table.c.id == token.id)
            .values(values),
        )
        assert not await is_let_in(api, token), values
    token = make.client_token(brand, client)
    row = next(one for one in make.rows(tables.token, brand) if one.id == token.id)
    make.run(
        brand,
        update(tables.session)
        .where(tables.session.c.brand_id == brand.id, tables.session.c.id == row.session_id)
        .values(status=SessionStatus.REVOKED),
    )
    assert not await is_let_in(api, token)


async def test_a_token_works_from_its_addresses_only(api: Api, worlds: Worlds, make: Factory):
    brand = worlds[0].brand
    for addresses, status in (
        ([], 200),
        (["127.0.0.0/8"], 200),
        (["10.0.0.0/8"], 403),
        (["nonsense"], 403),
    ):
        token = make.api_token(brand, scopes=["session:read"], addresses=addresses)
        told = await api.ask(None, WHO, headers=bearer(token.text))
        assert told.status == status, addresses
    token = make.api_token(brand, scopes=["session:read"], addresses=["10.0.0.1"])
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP"):
        spoofed = bearer(token.text) | {header: "10.0.0.1"}
        assert (await api.ask(None, WHO, headers=spoofed)).status == 403, header


async def test_scopes_narrow_and_never_widen(api: Api, worlds: Worlds, make: Factory):
    """An API token asks for everything: it gets what its role has, and what it asked for."""
    world = worlds[0]
    everything = ["platform:manage", "brands:list", "*", "role:operator", *rights_of("operator")]
    for token, role in (
        (make.api_token(world.brand, world.ibs["north"], scopes=everything), Role.IB),
        (make.api_token(world.brand, scopes=everything), Role.SERVICE),
    ):
        told = await api.ask(None, WHO, headers=bearer(token.text))
        got = set(told.data["viewer"]["permissions"])
        assert got <= rights_of(role)
        assert not got & {"platform:manage", "brands:list"}
    few = make.api_token(world.brand, scopes=["session:read"])
    told = await api.ask(None, WHO, headers=bearer(few.text))
    assert told.data["viewer"]["permissions"] == ["session:read"]


async def test_a_subtree_that_moved_takes_its_token_along(api: Api, make: Factory):
    """An API token of an ib is held to the ib's own path as it is now."""
    brand = make.brand()
    north, south = make.ib(brand), make.ib(brand)
    token = make.api_token(brand, north, scopes=["session:read", "clients:list"])
    assert await is_let_in(api, token)
    make.run(
        brand,
        update(tables.token)
        .where(tables.token.c.brand_id == brand.id, tables.token.c.id == token.id)
        .values(ib_path=south.path),
    )
    await asyncio.sleep(2.1)
    told = await api.ask(None, "{ ibs { nodes { id } } }", headers=bearer(token.text))
    assert north.id.hex not in told.text


@pytest.mark.parametrize(
    "rule",
    [
        ("p", "role:client", "*", "clients", "all", "allow"),
        ("p", "role:client", "{other}", "clients", "all", "allow"),
        ("p", "role:client", "{brand}", "platform", "manage", "allow"),
        ("p", "role:client", "{brand}", "brands", "list", "allow"),
        ("p", "role:client", "{brand}", "*", "*", "allow"),
        ("p", "role:operator", "{brand}", "clients", "all", "allow"),
        ("p", "brand_admin", "{brand}", "clients", "all", "allow"),
        ("p", "{client}", "{brand}", "clients", "all", "allow"),
        ("g", "role:client", "role:operator", "{brand}"),
        ("g", "role:client", "role:brand_admin", "*"),
        ("g", "role:client", "role:brand_admin", "{other}"),
        ("g", "{client}", "role:brand_admin", "{brand}"),
        ("g", "role:client", "brand_admin", "{brand}"),
    ],
    ids=lambda rule: " ".join(rule),
)
async def test_a_policy_row_never_reaches_past_its_brand(
    api: Api, make: Factory, rule: tuple[str, ...]
):
    """Rows that say more than a brand may say change nobody's rights."""
    brand, other = make.brand(), make.brand()
    client = make.client(brand)
    names = {"brand": brand.id.hex, "other": other.id.hex, "client": client.id.hex}
    ptype, *values = (one.format(**names) for one in rule)
    columns = {f"v{number}": value for number, value in enumerate(values)}
    make.insert(tables.casbin_rule, brand, id=new_uuid(), ptype=ptype, **columns)
    make.run(
        brand,
        update(tables.brand_state)
        .where(tables.brand_state.c.brand_id == brand.id)
        .values(policy_version=2),
    )
    told = await api.ask(None, WHO, headers=bearer(make.client_token(brand, client).text))
    assert set(told.data["viewer"]["permissions"]) == rights_of(Role.CLIENT)


async def test_two_brands_at_once_share_no_loader(api: Api, worlds: Worlds, make: Factory):
    """Hundreds of interleaved requests of two brands: each answer holds its own brand only."""
    document = "{ clients(first: 20) { nodes { id accounts(first: 5) { nodes { id } } } } }"

    async def ask(asker: Asker, world: World, other: World) -> None:
        text = (await api.ask(asker, document)).text
        assert world.client("alone").id.hex in text
        assert other.client("alone").id.hex not in text

    pairs = [
        (one(make, world, "brand_admin"), world, other) for world, other in (worlds, worlds[::-1])
    ]
    await asyncio.gather(*(ask(*pairs[number % 2]) for number in range(200)))
