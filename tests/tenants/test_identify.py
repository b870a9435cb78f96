"""Who is asking: every way in, every way it fails, and that all failures look the same."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Table, update

from domain.clients.actors import CLIENTS
from domain.ibs.actors import IBS
from domain.ibs.tables import ib as ib_table
from domain.kernel.errors import DomainError
from domain.kernel.ids import encode_id, new_uuid
from tenants import tables, tokens
from tenants.actors import sources
from tenants.brands import Directory
from tenants.context import ActorKind, Scope
from tenants.identify import Asking, Identifier
from tenants.refusals import AddressRefused, BrandMismatch, BrandSuspended, OriginRefused
from tenants.tokens import NO_BRAND
from tenants.values import Role
from tenants.work import Database
from tests.factories import Brand, Factory, rights_of


class Watch:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def identifier(database: Database, watch: Watch) -> Identifier:
    directory = Directory(database, monotonic=watch)
    return Identifier(database, directory, sources(CLIENTS, IBS), monotonic=watch)


def bearer(token: Any, **more: Any) -> Asking:
    text = token if isinstance(token, str) else token.text
    return Asking(authorization=f"Bearer {text}", **more)


async def refusal(identifier: Identifier, asking: Asking) -> tuple[str, str]:
    with pytest.raises(DomainError) as caught:
        await identifier.identify(asking)
    return caught.value.code, caught.value.message


def change(make: Factory, table: Table, brand: Brand, key: UUID, **values: Any) -> None:
    make.run(brand, update(table).where(table.c.id == key).values(**values))


INVALID = ("UNAUTHENTICATED", "This token is not valid; sign in again.")
NO_KEY = ("UNAUTHENTICATED", "This publishable key is none of a brand's; check it.")


async def test_nobody_on_a_neutral_host(identifier: Identifier) -> None:
    scope = await identifier.identify(Asking(host="localhost:8000", request_id="r1", ip="::1"))
    assert scope == Scope(
        brand_id=NO_BRAND, actor=scope.actor, permissions=frozenset(), request_id="r1", ip="::1"
    )
    assert scope.actor.kind is ActorKind.ANONYMOUS


async def test_nobody_of_a_brand(identifier: Identifier, brand: Brand) -> None:
    by_key = await identifier.identify(Asking(publishable_key=brand.publishable_key))
    by_host = await identifier.identify(Asking(host=f"{brand.host.upper()}.:443"))
    assert by_key.brand_id == by_host.brand_id == brand.id
    assert by_key.actor.kind is ActorKind.ANONYMOUS
    assert by_key.permissions == frozenset()


async def test_a_brand_made_just_now_is_served_at_once(
    identifier: Identifier, make: Factory
) -> None:
    await identifier.identify(Asking())
    new = make.brand()
    assert (await identifier.identify(bearer(make.staff_token(new, "sales")))).brand_id == new.id
    newer = make.brand()
    scope = await identifier.identify(Asking(publishable_key=newer.publishable_key))
    assert scope.brand_id == newer.id


async def test_staff(identifier: Identifier, brand: Brand, make: Factory) -> None:
    token = make.staff_token(brand, "sales")
    scope = await identifier.identify(bearer(token))
    assert scope.actor.kind is ActorKind.STAFF
    assert scope.actor.id == brand.staff[Role.SALES]
    assert scope.permissions == rights_of("sales")
    assert (scope.client_id, scope.ib_path, scope.token_id) == (None, None, token.id)
    assert scope.policy_version == 1


async def test_client_and_ib_are_narrowed(
    identifier: Identifier, brand: Brand, make: Factory
) -> None:
    ib = make.ib(brand)
    client = make.client(brand, ib)
    as_client = await identifier.identify(bearer(make.client_token(brand, client)))
    as_ib = await identifier.identify(bearer(make.ib_token(brand, ib)))
    assert (as_client.client_id, as_client.ib_path) == (client.id, None)
    assert (as_ib.client_id, as_ib.ib_path) == (None, ib.path)
    assert as_client.permissions == rights_of("client")
    assert as_ib.permissions == rights_of("ib")


async def test_api_token_is_its_scopes_within_its_role(
    identifier: Identifier, brand: Brand, make: Factory
) -> None:
    ib = make.ib(brand)
    below = make.ib(brand, ib)
    token = make.api_token(brand, ib, scopes=["deals:read", "audit:read", "clients:list"])
    scope = await identifier.identify(bearer(token))
    assert scope.actor.kind is ActorKind.TOKEN
    assert scope.permissions == {"deals:read", "clients:list"}
    assert scope.ib_path == ib.path
    service = make.api_token(brand, scopes=["clients:list", "tokens:manage"])
    assert (await identifier.identify(bearer(service))).permissions == {"clients:list"}
    wider = make.api_token(brand, below, scopes=["deals:read"])
    change(make, tables.token, brand, wider.id, ib_path=ib.path)
    assert await refusal(identifier, bearer(wider)) == INVALID


async def test_operator_names_a_brand(
    identifier: Identifier, brand: Brand, brand_b: Brand, make: Factory
) -> None:
    token = make.operator_token()
    nowhere = await identifier.identify(bearer(token))
    assert (nowhere.brand_id, nowhere.policy_version) == (NO_BRAND, 0)
    assert "platform:manage" in nowhere.permissions
    for name in (brand.slug, encode_id("brand", brand.id)):
        assert (await identifier.identify(bearer(token, brand=name))).brand_id == brand.id
    assert (await identifier.identify(bearer(token, host=brand.host))).brand_id == brand.id
    with pytest.raises(BrandMismatch):
        await identifier.identify(bearer(token, brand="no-such-brand"))
    with pytest.raises(BrandMismatch):
        await identifier.identify(bearer(token, brand=brand.slug, host=brand_b.host))


async def test_host_header_and_key_agree_with_the_token(
    identifier: Identifier, brand: Brand, brand_b: Brand, make: Factory
) -> None:
    token = make.staff_token(brand, "sales")
    agreeing = bearer(
        token, host=brand.host, brand=brand.slug, publishable_key=brand.publishable_key
    )
    assert (await identifier.identify(agreeing)).brand_id == brand.id
    invented = tokens.mint(tokens.TextKind.ACCESS, brand.id, new_uuid()).text
    for text in (token.text, invented):
        for other in (
            {"host": brand_b.host},
            {"brand": brand_b.slug},
            {"brand": "no-such-brand"},
            {"publishable_key": brand_b.publishable_key},
        ):
            with pytest.raises(BrandMismatch):
                await identifier.identify(bearer(text, **other))


@pytest.mark.parametrize("scheme", ["Basic", "Token", ""])
async def test_other_schemes_are_no_tokens(identifier: Identifier, scheme: str) -> None:
    assert await refusal(identifier, Asking(authorization=f"{scheme} abc")) == INVALID


async def test_every_failure_of_a_token_looks_the_same(
    identifier: Identifier, brand: Brand, brand_b: Brand, make: Factory
) -> None:
    now = datetime.now(UTC)
    client, closed = make.client(brand), make.client(brand, status="CLOSED")
    revoked, expired = make.staff_token(brand, "sales"), make.staff_token(brand, "sales")
    change(make, tables.token, brand, revoked.id, revoked_at=now)
    change(make, tables.token, brand, expired.id, expires_at=now - timedelta(seconds=1))
    good = make.client_token(brand, client)
    suspended_ib = make.ib(brand)
    parsed = tokens.parse(good.text)
    assert parsed
    change(make, tables.staff, brand, brand.staff[Role.AUDITOR], status="DISABLED")
    foreign = tokens.TokenText(parsed.kind, brand_b.id, parsed.id, parsed.secret).render()
    as_api = tokens.TokenText(tokens.TextKind.API, brand.id, parsed.id, parsed.secret).render()
    nobody = tokens.TokenText(parsed.kind, new_uuid(), parsed.id, parsed.secret).render()
    texts = [
        revoked.text,
        expired.text,
        make.client_token(brand, closed).text,
        make.staff_token(brand, "auditor").text,
        good.text[:-1] + ("A" if good.text[-1] != "A" else "B"),
        foreign,
        as_api,
        nobody,
        tokens.mint(tokens.TextKind.ACCESS, brand.id, new_uuid()).text,
        tokens.mint(tokens.TextKind.OPERATOR, NO_BRAND, new_uuid()).text,
        tokens.mint(tokens.TextKind.OPERATOR, brand.id, new_uuid()).text,
        tokens.mint(tokens.TextKind.REFRESH, brand.id, parsed.id).text,
        brand.publishable_key,
        "bk_access_x",
        "x" * 10_000,
    ]
    change(make, ib_table, brand, suspended_ib.id, status="SUSPENDED")
    texts.append(make.ib_token(brand, suspended_ib).text)
    for text in texts:
        assert await refusal(identifier, bearer(text)) == INVALID, text
    assert (await identifier.identify(bearer(good))).client_id == client.id


async def test_publishable_keys_are_bound_to_origins(
    identifier: Identifier, brand: Brand, make: Factory
) -> None:
    key = brand.publishable_key
    own = Asking(publishable_key=key, origin=f"https://{brand.host}")
    assert (await identifier.identify(own)).brand_id == brand.id
    for origin in ("https://evil.example", "null", f"http://{brand.host}"):
        with pytest.raises(OriginRefused):
            await identifier.identify(Asking(publishable_key=key, origin=origin))
    unknown = tokens.publishable(brand.id, new_uuid())
    assert await refusal(identifier, Asking(publishable_key=unknown)) == NO_KEY
    assert await refusal(identifier, Asking(publishable_key="bk_pub_x")) == NO_KEY
    access = make.staff_token(brand, "sales").text
    assert await refusal(identifier, Asking(publishable_key=access)) == NO_KEY


@pytest.mark.parametrize(
    ("ip", "welcome"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("192.0.2.7", True),
        ("2001:db8::1", True),
        ("192.0.2.8", False),
        ("11.0.0.1", False),
        ("testclient", False),
        (None, False),
    ],
)
async def test_addresses_of_an_api_token(
    identifier: Identifier, brand: Brand, make: Factory, ip: str | None, welcome: bool
) -> None:
    addresses = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]
    token = make.api_token(brand, scopes=["clients:list"], addresses=addresses)
    if welcome:
        assert (await identifier.identify(bearer(token, ip=ip))).token_id == token.id
    else:
        with pytest.raises(AddressRefused):
            await identifier.identify(bearer(token, ip=ip))


async def test_a_suspended_brand_serves_operators_only(
    identifier: Identifier,
    watch: Watch,
    brand: Brand,
    make: Factory,
    superuser: psycopg.Connection[Any],
) -> None:
    token, operator = make.staff_token(brand, "brand_admin"), make.operator_token()
    await identifier.identify(bearer(token))
    superuser.execute("update brand set status = 'SUSPENDED' where id = %s", [brand.id])
    watch.at += 2
    for asking in (
        bearer(token),
        Asking(publishable_key=brand.publishable_key),
        Asking(host=brand.host),
    ):
        with pytest.raises(BrandSuspended):
            await identifier.identify(asking)
    assert (await identifier.identify(bearer(operator, brand=brand.slug))).brand_id == brand.id


async def test_at_most_two_statements_and_none_within_two_seconds(
    identifier: Identifier,
    watch: Watch,
    brand: Brand,
    make: Factory,
    count_statements: Callable[[], Any],
) -> None:
    token = make.staff_token(brand, "sales")
    await identifier.identify(Asking())  # the directory is another cache
    expected = [2, 0, 0, 1]
    for moved, statements in zip((0.0, 0.0, 1.9, 0.1), expected, strict=True):
        watch.at += moved
        await identifier._directory.current()
        with count_statements() as counted:
            await identifier.identify(bearer(token))
        reads = [one for one in counted.texts if "brand_host" not in one]
        assert len(reads) == statements, str(counted)


async def test_revocation_is_seen_within_two_seconds(
    identifier: Identifier, watch: Watch, brand: Brand, make: Factory
) -> None:
    token = make.staff_token(brand, "sales")
    await identifier.identify(bearer(token))
    change(make, tables.token, brand, token.id, revoked_at=datetime.now(UTC))
    watch.at += 1.9
    await identifier.identify(bearer(token))
    watch.at += 0.1
    assert await refusal(identifier, bearer(token)) == INVALID


async def test_a_brands_own_rules_count_from_their_version_on(
    identifier: Identifier, watch: Watch, brand: Brand, brand_b: Brand, make: Factory
) -> None:
    token, twin = make.staff_token(brand, "sales"), make.staff_token(brand_b, "sales")
    before = (await identifier.identify(bearer(token))).permissions
    for values in (
        ("p", "role:sales", brand.id.hex, "audit", "read", "allow"),
        ("p", "role:sales", brand.id.hex, "clients", "pii", "deny"),
        ("p", "role:sales", brand.id.hex, "platform", "manage", "allow"),
        ("p", "role:sales", "*", "tokens", "manage", "allow"),
        ("p", "role:sales", brand_b.id.hex, "tokens", "manage", "allow"),
        ("g", "role:sales", "role:operator", brand.id.hex),
        ("p", "sales", brand.id.hex, "tokens", "manage", "allow"),
    ):
        columns = {f"v{number}": value for number, value in enumerate(values[1:])}
        make.insert(tables.casbin_rule, brand, id=new_uuid(), ptype=values[0], **columns)
    make.run(brand, update(tables.brand_state).values(policy_version=2))
    watch.at += 2
    scope = await identifier.identify(bearer(token))
    assert scope.policy_version == 2
    assert scope.permissions == before - {"clients:pii"} | {"audit:read"}
    assert (await identifier.identify(bearer(twin))).permissions == before
